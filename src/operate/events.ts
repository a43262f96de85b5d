/** What a preforker tells, and the telling: whoever listens may fail without harm to the server. */

import type { EventEmitter } from 'node:events'
import type { Effect } from '../core/events.js'

/** What a preforker tells; a listener that throws is logged and changes nothing. */
export interface PreforkerEvents {
  /** The first kids are up. */
  ready: []
  spawn: [{ kid: number; pid: number }]
  /** A kid is up. */
  idle: [{ kid: number }]
  /** A kid was ordered to accept. */
  order: [{ kid: number; seq: number; listener: number; count: number }]
  /** A kid has completed connections. */
  done: [{ kid: number; count: number }]
  /** A kid has ended connections because of a limit. */
  cut: [{ kid: number; count: number }]
  /** A kid has not served connections whose clients had gone before. */
  skip: [{ kid: number; count: number }]
  kill: [{ kid: number; reason: string; detail: string }]
  /** A kid was reaped. */
  gone: [
    { kid: number; pid: number | undefined; code: number | null; signal: NodeJS.Signals | null },
  ]
  /** A turn of the parent's loop in which anything happened has ended. */
  round: []
  overload: [{ on: boolean }]
  shed: [{ listener: number; count: number }]
  /** A kid died with connections, `idle` of them parked, or with an order it had not answered. */
  lost: [{ kid: number; lost: number; idle: number; unanswered: number; label: string }]
  /** A new generation of kids has taken over. */
  reload: [{ generation: number }]
  /** The server has stopped, and every kid is gone. */
  stop: []
}

/** An event's name and what is told with it. */
export type Told = {
  [Name in keyof PreforkerEvents]: [name: Name, ...told: PreforkerEvents[Name]]
}[keyof PreforkerEvents]

/** The event that an effect of the core is for those who listen; undefined for what is none of their business. */
export function eventOf(effect: Effect): Told | undefined {
  switch (effect.type) {
    case 'up':
      return ['idle', effect]
    case 'order':
    case 'done':
    case 'cut':
    case 'skip':
    case 'kill':
    case 'lost':
      return [effect.type, effect] as Told
    case 'shedDone':
      return ['shed', effect]
    case 'overloadBegan':
      return ['overload', { on: true }]
    case 'overloadEnded':
      return ['overload', { on: false }]
    case 'reloaded':
      return ['reload', effect]
    default:
      return undefined
  }
}

/** Tells one event to all who listen, each by itself; what one throws goes to `failed`. */
export function tellAll(
  emitter: EventEmitter<PreforkerEvents>,
  name: keyof PreforkerEvents,
  told: readonly unknown[],
  failed: (error: unknown) => void,
): void {
  for (const listener of emitter.rawListeners(name)) {
    try {
      Reflect.apply(listener, emitter, told)
    } catch (error) {
      failed(error)
    }
  }
}
