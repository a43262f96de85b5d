/** What is due, and what happens then; asked at the start of every turn. */

import type { Effect } from './events.js'
import type { Kid } from './kid-record.js'
import { killKid } from './leaving.js'
import { overloadQuiet } from './overload.js'
import { ageKids } from './recycling.js'
import { listenerOf, moveKid, type State } from './scoreboard.js'
import { comeUp, connectionGrace } from './statuses.js'

/**
 * The kids of whom something is overdue at `now`. Before a turn acts on it, the parent reads the status pipes of these
 * kids dry once more: a parent that was itself held up must not punish kids whose answers are waiting.
 */
export function overdueKids(state: State, now: number): number[] {
  if (now < state.earliest) return []
  const overdue: number[] = []
  for (const kid of state.kids.values()) {
    if (kid.state !== 'killed' && kidDue(state, kid) <= now) overdue.push(kid.number)
  }
  return overdue
}

/** Remembers when the order that a kid has just got will be late; forgotten, by `expire`, as soon as all are answered. */
export function awaitAnswer(state: State, kid: Kid): void {
  state.earliest = Math.min(state.earliest, orderDue(state, kid))
}

/** Acts on all that is due, and finds out when the next thing will be. */
export function expire(state: State, now: number, effects: Effect[]): void {
  if (state.unanswered === 0) state.earliest = state.beyond
  if (now < state.earliest) return
  act(state, now, effects)
  findNextDue(state, now)
}

function act(state: State, now: number, effects: Effect[]): void {
  ageKids(state, now)
  for (const kid of state.kids.values()) {
    if (kid.state !== 'killed') expireKid(state, kid, now, effects)
  }
}

function expireKid(state: State, kid: Kid, now: number, effects: Effect[]): void {
  const { acceptTimeout, lateAfter } = state.settings
  if (kid.upAt <= now) {
    kid.upAt = Number.POSITIVE_INFINITY
    comeUp(state, kid, 1, now, effects)
  }
  if (kid.deadline <= now) {
    killKid(state, kid, kid.overdue, whyOverdue(state, kid, now), now, effects)
    return
  }
  const hold = kid.holds[0]
  if (hold !== undefined && hold.since + connectionLimit(state, kid) <= now) {
    const age = Math.round(now - hold.since)
    const label = hold.label === '' ? '' : `: ${hold.label}`
    const detail = `held a connection for ${age} ms${label}`
    killKid(state, kid, 'connection timeout', detail, now, effects)
    return
  }
  const order = kid.order
  if (order === undefined) return
  if (order.at + acceptTimeout <= now) {
    const detail = `did not answer order ${order.seq} within ${acceptTimeout} ms`
    killKid(state, kid, 'accept timeout', detail, now, effects)
    return
  }
  if (order.late || order.at + lateAfter > now) return
  const listener = listenerOf(state, order.listener)
  order.late = true
  listener.ordersOut--
  listener.promised -= order.count
  // All orders that lapse in one turn make one step: 1, 2, 4 … kids more.
  if (!listener.waveDue) listener.wave = listener.wave === 0 ? 1 : listener.wave * 2
  listener.waveDue = true
  if (kid.state === 'ordered') moveKid(state, kid, 'lapse', now)
}

function whyOverdue(state: State, kid: Kid, now: number): string {
  switch (kid.overdue) {
    case 'ready timeout':
      return `was not up within ${state.settings.readyTimeout} ms`
    case 'closed its pipe':
      return 'nobody can talk with it, and it lives on'
    default:
      return `was to leave and had not after ${Math.round(now - kid.since)} ms`
  }
}

/** With one slot the parent ends the connection; with several, and of programs, the kid does, and gets a moment more to say so. */
function connectionLimit({ settings }: State, kid: Kid): number {
  const kidEnds = kid.slots > 1 || settings.kidEndsConnections
  return settings.connectionTimeout + (kidEnds ? connectionGrace : 0)
}

function kidDue(state: State, kid: Kid): number {
  return Math.min(beyondOrder(state, kid), orderDue(state, kid))
}

function orderDue(state: State, { order }: Kid): number {
  if (order === undefined) return Number.POSITIVE_INFINITY
  const { acceptTimeout, lateAfter } = state.settings
  return order.at + (order.late ? acceptTimeout : Math.min(acceptTimeout, lateAfter))
}

function beyondOrder(state: State, kid: Kid): number {
  // Holds stand in the order of their answers, so the first is the oldest.
  const hold = kid.holds[0]
  return hold === undefined
    ? kid.deadline
    : Math.min(kid.deadline, hold.since + connectionLimit(state, kid))
}

function findNextDue(state: State, now: number): void {
  let answer = Number.POSITIVE_INFINITY
  let beyond = state.phase === 'draining' ? state.stopBy : Number.POSITIVE_INFINITY
  const consider = (at: number) => {
    if (at > now && at < beyond) beyond = at
  }
  for (const kid of state.kids.values()) {
    if (kid.state === 'killed') continue
    consider(beyondOrder(state, kid))
    consider(kid.upAt)
    consider(kid.oldAt)
    answer = Math.min(answer, orderDue(state, kid))
  }
  consider(state.rhythm.ends)
  consider(state.roomLookAt)
  for (const listener of state.listeners) {
    consider(listener.restUntil)
    consider(listener.retryAt)
    const sample = listener.tail.at(-1)
    if (sample !== undefined) consider(sample.at + state.settings.shedAfter / 10)
  }
  consider(state.budget.restUntil)
  consider(overloadQuiet(state))
  state.beyond = beyond
  state.earliest = Math.min(beyond, answer)
}
