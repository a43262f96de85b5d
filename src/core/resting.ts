/** How a listener rests when accepting from it is no use for the moment; keeps failures from becoming a spin. */

import type { Effect } from './events.js'
import { type ListenerState, type State, soon } from './scoreboard.js'

/** The longest rest in milliseconds, which is also that for a shortage (OpenSSH and HAProxy pause as long). */
const longestRest = 100

/** Leaves the listener alone for 100 ms; says so once until somebody accepts again. */
export function rest(
  state: State,
  number: number,
  listener: ListenerState,
  code: string,
  now: number,
  effects: Effect[],
): void {
  if (!listener.saidResting) effects.push({ type: 'listenerRests', listener: number, code })
  listener.saidResting = true
  restUnsaid(state, listener, now)
}

/** The same where somebody else tells why. */
export function restUnsaid(state: State, listener: ListenerState, now: number): void {
  listener.restUntil = now + longestRest
  soon(state, listener.restUntil)
}

/**
 * Everybody who is idle answered 0 while the queue is not empty. They are asked again after 1, 2, 4 … 100 ms, each time
 * longer until somebody accepts; at 100 ms it is said. Whoever turns idle in the meantime is asked at once.
 */
export function retryLater(
  state: State,
  number: number,
  listener: ListenerState,
  now: number,
  effects: Effect[],
): void {
  if (listener.retryAt !== Number.POSITIVE_INFINITY) return
  listener.retryWait = Math.min(longestRest, Math.max(1, listener.retryWait * 2))
  listener.retryAt = now + listener.retryWait
  soon(state, listener.retryAt)
  if (listener.retryWait < longestRest || listener.saidResting) return
  listener.saidResting = true
  effects.push({ type: 'listenerRests', listener: number, code: 'EAGAIN' })
}

/** Begins a new step: everybody may be asked again. */
export function newStep(listener: ListenerState): void {
  listener.step++
  listener.retryAt = Number.POSITIVE_INFINITY
}

/** Somebody accepted: whatever was wrong is over. */
export function endRest(listener: ListenerState): void {
  newStep(listener)
  listener.retryWait = 0
  listener.saidResting = false
}
