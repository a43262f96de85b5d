/** Overload: whether it is on, whom to shed, when to say so; asked at the end of every turn. */

import type { Effect, HeldConnection } from './events.js'
import { type ListenerState, type State, soon, unansweredOf } from './scoreboard.js'

/** How long, in milliseconds, connections must wait in vain before a graceful overload is worth a log line. */
const announceAfter = 100
/** How long, in milliseconds, it must have been over before that is worth one. */
const quietAfter = 1_000
/** At least so many milliseconds between two rounds of telling kids. */
const pressureGap = 10
/** How many of the oldest connections the log line names. */
const named = 3
/** How many connections the parent sheds of one listener in one turn: its loop must go on. */
export const shedBurst = 64

/**
 * Keeps the books of overload, and says when it begins and ends. `hopeless` is whether connections wait now for which no
 * slot is free anywhere, no kid is on its way, and none may be spawned.
 */
export function noteOverload(
  state: State,
  hopeless: boolean,
  now: number,
  effects: Effect[],
): void {
  const { overload, settings } = state
  if (hopeless) {
    overload.began ??= now
    overload.lastSeen = now
    press(state, now, effects)
    const due = overload.began + (settings.overload === 'abrupt' ? 0 : announceAfter)
    if (overload.announced !== undefined) return
    if (now < due) {
      soon(state, due)
      return
    }
    overload.announced = overload.began
    effects.push({ type: 'overloadBegan', held: oldestHeld(state, now) })
    return
  }
  overload.pressed = false
  if (overload.began !== undefined) {
    overload.total += now - overload.began
    overload.began = undefined
    overload.lastSeen = now
  }
  if (overload.announced === undefined) return
  const over = overload.lastSeen + quietAfter
  if (now < over) {
    soon(state, over)
    return
  }
  effects.push({ type: 'overloadEnded', lasted: overload.lastSeen - overload.announced })
  overload.announced = undefined
}

/*
 * Once in each stretch, and at once: what is merely kept alive should not keep anybody waiting. A kid that comes to hold
 * something during the stretch asks the kernel itself who waits. Not again within a moment, or the parent would do little
 * else at the edge of its capacity.
 */
function press(state: State, now: number, effects: Effect[]): void {
  const { overload, settings } = state
  if (!settings.pressure || overload.pressed) return
  const due = overload.pressedAt + pressureGap
  if (now < due) {
    soon(state, due)
    return
  }
  overload.pressed = true
  overload.pressedAt = now
  for (const kid of state.kids.values()) {
    const holds = kid.held > 0 || kid.parked > 0
    if (holds && kid.state !== 'killed') effects.push({ type: 'pressure', kid: kid.number })
  }
}

/** When the books of overload want to be looked at again. */
export function overloadQuiet(state: State): number {
  const { overload } = state
  if (overload.began !== undefined) {
    const press = overload.pressed ? Number.POSITIVE_INFINITY : overload.pressedAt + pressureGap
    return Math.min(
      press,
      overload.announced === undefined ? overload.began + announceAfter : Number.POSITIVE_INFINITY,
    )
  }
  if (overload.announced === undefined) return Number.POSITIVE_INFINITY
  return overload.lastSeen + quietAfter
}

/** Milliseconds spent overloaded, the present stretch included. */
export function timeOverloaded(state: State, now: number): number {
  const { began, total } = state.overload
  return began === undefined ? total : total + now - began
}

/**
 * How many connections at the head of a listener's queue have waited longer than shedAfter. The queue is first in, first
 * out, so what had arrived by a past moment and has not been taken since has waited at least since then. Whatever kids may
 * have taken without having said so counts as taken: rather too few are shed than the wrong ones. Call once a turn with
 * the queue's present length.
 */
export function waitedTooLong(
  state: State,
  number: number,
  listener: ListenerState,
  depth: number,
  now: number,
): number {
  const { shedAfter } = state.settings
  if (shedAfter === Number.POSITIVE_INFINITY) return 0
  const { tail } = listener
  if (depth === 0) {
    tail.length = 0
    return 0
  }
  const every = shedAfter / 10
  const last = tail.at(-1)
  if (last === undefined || now - last.at >= every) {
    tail.push({ at: now, arrived: listener.taken + depth })
  }
  soon(state, now + every)
  while (tail[1] !== undefined && tail[1].at <= now - shedAfter) tail.shift()
  const oldest = tail[0]
  if (oldest === undefined || oldest.at > now - shedAfter) return 0
  return Math.max(0, oldest.arrived - listener.taken - unansweredOf(state, number))
}

function oldestHeld(state: State, now: number): HeldConnection[] {
  const held: HeldConnection[] = []
  for (const kid of state.kids.values()) {
    for (const hold of kid.holds) {
      held.push({ kid: kid.number, age: now - hold.since, label: hold.label })
    }
  }
  return held.sort((a, b) => b.age - a.age).slice(0, named)
}
