/** A small stage for the core: one state, one clock, queues by number; used by the tests that tell a story. */

import { strict as assert } from 'node:assert'
import { overdueKids } from '../../src/core/deadlines.js'
import type { Effect, Event } from '../../src/core/events.js'
import type { Kid } from '../../src/core/kid-record.js'
import { step } from '../../src/core/round.js'
import {
  kidOf,
  type ListenerState,
  listenerOf,
  newState,
  type State,
  wantsDepth,
} from '../../src/core/scoreboard.js'
import type { CoreSettings } from '../../src/core/settings.js'
import { parseStatus } from '../../src/protocol/lines.js'
import { cloneState } from './clone.js'
import { stateFaults, stepFaults } from './invariants.js'

const never = Number.POSITIVE_INFINITY

/** The defaults of the command, with a pool of one kid. */
export function settingsWith(changes: Partial<CoreSettings> = {}): CoreSettings {
  return {
    depthKnown: [true],
    slots: 1,
    startKids: 1,
    maxKids: Math.max(4, changes.startKids ?? 1),
    ...still(changes.startKids ?? 1),
    pick: 'warm',
    maxOrders: never,
    lateAfter: 5,
    acceptTimeout: 1_000,
    readyTimeout: 10_000,
    connectionTimeout: never,
    kidEndsConnections: false,
    pressure: false,
    commanded: true,
    spawnGap: 0,
    stopTimeout: 30_000,
    overload: 'graceful',
    shedAfter: never,
    ...changes,
  }
}

/** A pool that neither grows for want of spares nor shrinks, of kids that serve for ever. */
export function still(leastKids: number) {
  return {
    leastKids,
    minSpare: 0,
    maxSpare: never,
    idleTimeout: never,
    maxConnections: never,
    maxConnectionsJitter: 0,
    maxAge: never,
  }
}

/** The classic round of the essay: one order at a time, waited for in full. */
export const classic = { maxOrders: 1, lateAfter: never } as const

/** One step with every invariant checked, before it, after it and across it. */
export function checkedStep(state: State, event: Event, now: number): Effect[] {
  const before = cloneState(state)
  const twin = cloneState(state)
  const effects = step(state, event, now)
  assert.deepEqual(step(twin, event, now), effects, 'the same state, event and time give the same')
  const faults = [...stateFaults(state, now), ...stepFaults(before, event, now, effects, state)]
  assert.deepEqual(faults, [], `after ${JSON.stringify(event)}`)
  return effects
}

/** Effects of one type. */
export function ofType<T extends Effect['type']>(
  effects: readonly Effect[],
  type: T,
): Extract<Effect, { type: T }>[] {
  return effects.filter((effect) => effect.type === type) as Extract<Effect, { type: T }>[]
}

/** The effects by name, the noise of `again` left out. */
export function names(effects: readonly Effect[]): string[] {
  return effects.map(({ type }) => type).filter((type) => type !== 'again')
}

/** Who was ordered what, as `kid x count`. */
export function orders(effects: readonly Effect[]): string[] {
  return ofType(effects, 'order').map(({ kid, count }) => `${kid} x ${count}`)
}

/** The stage. */
export class Scene {
  readonly state: State
  now = 1_000
  /** How many wait at each listener; the test moves them. */
  queues: number[]

  constructor(changes: Partial<CoreSettings> = {}) {
    this.state = newState(settingsWith(changes))
    this.queues = this.state.listeners.map(() => 0)
  }

  /** A scene whose first kids are all up, its listeners watched. */
  static ready(changes: Partial<CoreSettings> = {}): Scene {
    const scene = new Scene({ startKids: 2, ...changes })
    const { startKids, slots } = scene.state.settings
    for (let kid = 1; kid <= startKids; kid++) scene.turn()
    for (let kid = 1; kid <= startKids; kid++) scene.says(kid, `idle ${slots}`)
    scene.turn()
    return scene
  }

  get counters() {
    return this.state.counters
  }

  kid(number: number): Kid {
    return kidOf(this.state, number)
  }

  listener(number = 0): ListenerState {
    return listenerOf(this.state, number)
  }

  states(): string[] {
    return [...this.state.kids.values()].map(({ state }) => state)
  }

  feed(event: Event): Effect[] {
    return checkedStep(this.state, event, this.now)
  }

  /** A line from a kid, as it stands on the wire. */
  says(kid: number, line: string): Effect[] {
    const status = parseStatus(line)
    if (typeof status === 'string') return this.feed({ type: 'broke', kid, detail: status })
    return this.feed({ type: 'status', kid, status })
  }

  /** A kid answers the order that is out to it, and the queue moves on. */
  answers(kid: number, count: number): Effect[] {
    const { order } = this.kid(kid)
    assert.ok(order, `no order is out to kid ${kid}`)
    this.queues[order.listener] = (this.queues[order.listener] ?? 0) - count
    return this.says(kid, `accepted ${order.seq} ${count}`)
  }

  /** A kid fails the order that is out to it. */
  fails(kid: number, code: string, count = 0): Effect[] {
    const { order } = this.kid(kid)
    assert.ok(order, `no order is out to kid ${kid}`)
    return this.says(kid, `failed ${order.seq} ${count} ${code}`)
  }

  /** A kid has finished one connection, its oldest. */
  finishes(kid: number): Effect[] {
    return this.says(kid, `done ${this.kid(kid).holds[0]?.seq} 1`)
  }

  reaped(kid: number): Effect[] {
    return this.feed({ type: 'reaped', kid })
  }

  /** Connections arrive; the poller tells of them where it is asked to. */
  arrive(count = 1, listener = 0): Effect[] {
    this.queues[listener] = (this.queues[listener] ?? 0) + count
    if (!this.listener(listener).watched) return []
    return this.feed({ type: 'readable', listener })
  }

  /** The queues as the parent measures them in a turn. */
  depths(): number[] {
    return this.queues.map((length, number) => {
      if (!wantsDepth(this.state, number, this.now)) return 0
      return this.state.settings.depthKnown[number] ? length : Math.min(1, length)
    })
  }

  turn(): Effect[] {
    return this.feed({ type: 'turn', depths: this.depths() })
  }

  stop(graceful = true): Effect[] {
    const depths = this.queues.map((length, number) =>
      this.state.settings.depthKnown[number] ? length : Math.min(1, length),
    )
    return this.feed({ type: 'stop', graceful, depths })
  }

  /** Connections arrive and a turn passes. */
  rush(count = 1, listener = 0): Effect[] {
    return [...this.arrive(count, listener), ...this.turn()]
  }

  /** Lets time pass, with a turn at each moment for which the core wants one, and one at the end. */
  pass(milliseconds: number): Effect[] {
    const until = this.now + milliseconds
    const effects: Effect[] = []
    while (this.state.earliest < until) {
      this.now = Math.max(this.now, this.state.earliest)
      effects.push(...this.turn())
      assert.ok(this.state.earliest > this.now, 'a turn leaves nothing due')
    }
    this.now = until
    return [...effects, ...this.turn()]
  }

  overdue(): number[] {
    return overdueKids(this.state, this.now)
  }
}
