/** When a kid has served its time: by connections, by age, by memory; asked when it changes, acted on once a turn. */

import type { Kid } from './kid-record.js'
import type { State } from './scoreboard.js'

/** A successor is spawned when so much of the way is done, so that it is up before its forerunner is missed. */
const successorAt = 0.9

/** How many more connections a kid takes: its free slots, or less near the end of its time. */
export function roomOf(kid: Kid): number {
  return Math.min(kid.slots - kid.held, kid.takesAtMost - kid.taken)
}

/**
 * Marks a kid that is to be replaced; it goes on taking orders until its successor is up. One near its last connection
 * goes on until it has had that, unless something else wants it replaced.
 */
export function replaceSoon(state: State, kid: Kid, reason: string): void {
  if (kid.outgoing === '') state.outgoing++
  else if (!isOnItsLast(kid)) return
  kid.outgoing = reason
}

/** Takes that back. */
export function keep(state: State, kid: Kid): void {
  if (kid.outgoing !== '') state.outgoing--
  kid.outgoing = ''
  // It is room for others again, and perhaps has been for long: what is due for that is found out anew.
  state.roomLookAt = Number.POSITIVE_INFINITY
  // Whoever was to have its index after it goes.
  if (kid.index === 0) state.zeroth = kid.number
}

/** Whether it goes by itself after a few connections more: it is let have them first, and told to go for no other's sake. */
export function isOnItsLast(kid: Kid): boolean {
  return kid.outgoing === 'maxConnections'
}

/** After it has accepted: whether it has taken all it may. Its successor is sent for a little earlier. */
export function hasTakenAll(state: State, kid: Kid): boolean {
  if (kid.taken >= Math.max(1, Math.floor(kid.takesAtMost * successorAt))) {
    replaceSoon(state, kid, 'maxConnections')
  }
  return kid.taken >= kid.takesAtMost
}

/** Marks those that have become too old. */
export function ageKids(state: State, now: number): void {
  if (state.settings.maxAge === Number.POSITIVE_INFINITY) return
  for (const kid of state.kids.values()) if (kid.oldAt <= now) replaceSoon(state, kid, 'maxAge')
}
