/** Whether somebody has changed a listener that kids share, and what comes of that; asked once a second. */

import type { Effect, Meddling } from './events.js'
import { newStep } from './resting.js'
import { listenerOf, type State } from './scoreboard.js'

/*
 * Kids inherit the very socket that the parent has: whatever one of them does to it is done to all. That a kid accepts
 * without an order cannot be seen, and needs no mending; these can, and do.
 */

/** What a listener looks like. */
export interface ListenerLook {
  readonly listens: boolean
  readonly nonBlocking: boolean
  /** How many its queue may hold; undefined where the system does not tell. */
  readonly backlog: number | undefined
}

/** What was done to a listener since it was last as it should be, in the order in which it is to be put right. */
export function meddlingsWith(
  found: ListenerLook,
  { backlog, commanded }: { readonly backlog: number | undefined; readonly commanded: boolean },
): Meddling[] {
  const done: Meddling[] = []
  if (!found.listens) done.push('shut')
  // Servers that accept by themselves have their own ideas of the rest, and nobody else accepts.
  if (!commanded) return done
  if (!found.nonBlocking) done.push('blocking')
  const differs = found.backlog !== backlog && found.backlog !== undefined && backlog !== undefined
  if (found.listens && differs) done.push('backlog')
  return done
}

/** A listener was found changed and has been put right, or, for the reason `code`, could not be. */
export function onMeddled(
  state: State,
  number: number,
  done: readonly Meddling[],
  code: string | undefined,
  now: number,
  effects: Effect[],
): void {
  const listener = listenerOf(state, number)
  if (!listener.open) return
  state.counters.meddled++
  effects.push({ type: 'meddled', listener: number, done, code })
  if (code !== undefined || !done.includes('shut')) return
  // It was left alone since its length could not be read; this turn looks at it again.
  listener.restUntil = now
  newStep(listener)
}
