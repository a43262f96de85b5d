/** What the parent does about its own sleep: nobody is blamed for time in which nobody ran; asked at every step. */

import type { State } from './scoreboard.js'

/** How late, in milliseconds, the parent's timer may be before the parent counts as having slept. */
const oversleep = 100

/**
 * The parent was suspended, with its kids perhaps (SIGSTOP to the group, a frozen container, a machine that slept): what
 * is running out is given the time back in which the parent saw nothing. Once for each thing that runs out, so that a
 * parent whose loop is held up again and again still kills in the end.
 */
export function forgiveSleep(state: State, now: number): void {
  const slept = now - state.lastStep
  state.lastStep = now
  if (now - state.earliest < oversleep) return
  for (const kid of state.kids.values()) {
    if (!kid.forgiven && kid.deadline !== Number.POSITIVE_INFINITY) {
      kid.deadline += slept
      kid.forgiven = true
    }
    if (kid.order !== undefined && !kid.order.forgiven) {
      kid.order.at += slept
      kid.order.forgiven = true
    }
    for (const hold of kid.holds) {
      if (hold.forgiven) continue
      hold.since += slept
      hold.forgiven = true
    }
  }
}
