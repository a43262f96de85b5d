/** How kids go: killed, told to leave, gone; called from every place that finds a reason. */

import type { Effect, KillReason } from './events.js'
import type { Kid, Order } from './kid-record.js'
import { noteEarlyDeath } from './restart-budget.js'
import { listenerOf, moveKid, type State, soon } from './scoreboard.js'

/** Kills a kid. What it held is counted when it has been reaped, because only then is it certain that it accepts no more. */
export function killKid(
  state: State,
  kid: Kid,
  reason: KillReason,
  detail: string,
  now: number,
  effects: Effect[],
): void {
  if (kid.state === 'killed') return
  moveKid(state, kid, 'kill', now)
  kid.deadline = Number.POSITIVE_INFINITY
  state.counters.kills[reason] = (state.counters.kills[reason] ?? 0) + 1
  effects.push({ type: 'kill', kid: kid.number, reason, detail })
}

/** Marks a kid as leaving: it is never ordered again, and killed if it stays longer than `timeout` milliseconds. */
export function partWith(
  state: State,
  kid: Kid,
  timeout: number,
  overdue: KillReason,
  now: number,
): void {
  if (kid.state !== 'leaving') {
    moveKid(state, kid, 'leave', now)
    kid.deadline = Number.POSITIVE_INFINITY
    kid.forgiven = false
  }
  const deadline = Math.min(now + timeout, state.stopBy)
  if (deadline >= kid.deadline) return
  kid.deadline = deadline
  kid.overdue = overdue
  soon(state, deadline)
}

/** Tells a kid to leave, if it is not on its way already. */
export function tellToLeave(state: State, kid: Kid, now: number, effects: Effect[]): void {
  if (kid.state === 'leaving' || kid.state === 'killed') return
  partWith(state, kid, state.settings.stopTimeout, 'stop timeout', now)
  effects.push({ type: 'leave', kid: kid.number })
}

/** An order is out no more: answered, or never to be. */
export function endOrder(state: State, kid: Kid, order: Order): void {
  kid.order = undefined
  state.unanswered--
  if (order.late) return
  const listener = listenerOf(state, order.listener)
  listener.ordersOut--
  listener.promised -= order.count
}

/** A kid is dead and its last words were read: settles what it leaves behind. */
export function buryKid(state: State, kid: Kid, now: number, effects: Effect[]): void {
  const { counters } = state
  const early = kid.slots === 0
  const unanswered = kid.order?.count ?? 0
  if (kid.order !== undefined) {
    listenerOf(state, kid.order.listener).taken += unanswered
    endOrder(state, kid, kid.order)
  }
  counters.deaths++
  counters.unanswered += unanswered
  const lost = kid.held + kid.parked + kid.detached
  counters.lost += lost
  counters.lostIdle += kid.parked
  state.parked -= kid.parked
  state.waitingInKids -= kid.waiting
  if (lost + unanswered > 0) {
    const label = kid.holds.map((hold) => hold.label).find((text) => text !== '') ?? ''
    effects.push({ type: 'lost', kid: kid.number, lost, idle: kid.parked, unanswered, label })
  }
  moveKid(state, kid, 'reap', now)
  effects.push({ type: 'gone', kid: kid.number, early })
  // Of a generation that was given up nothing more is to be learnt.
  if (!early || state.phase !== 'running' || kid.generation !== state.generation) return
  const rest = noteEarlyDeath(state.budget, now)
  if (rest === 0) return
  soon(state, state.budget.restUntil)
  if (state.everUp) effects.push({ type: 'spawnsRest', rest })
}
