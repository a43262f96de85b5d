/** What a kid's words change, every line in every state; judged first, so that a wrong line changes nothing. */

import { MAX_REPORTED } from '../protocol/limits.js'
import type { Status } from '../protocol/lines.js'
import { classOfAcceptError, mayAcceptAgain } from './accept-errors.js'
import type { Effect } from './events.js'
import { takeOver } from './generations.js'
import { noteFull } from './keeping.js'
import type { Kid, Order } from './kid-record.js'
import { endOrder, killKid, partWith, tellToLeave } from './leaving.js'
import { endConnections, freeSlots, lacks, parkConnections, resumeConnections } from './parking.js'
import { hasTakenAll } from './recycling.js'
import { noteUp } from './restart-budget.js'
import { endRest, newStep, rest } from './resting.js'
import { listenerOf, moveKid, type State, soon } from './scoreboard.js'

/*
 * A kid with several slots that exceeded connectionTimeout closes the socket by itself; it is given this long, in
 * milliseconds, to say that the connection is done.
 */
export const connectionGrace = 1_000

/** Handles one line. Returns why the kid broke the protocol, or undefined. What a killed kid says is not listened to. */
export function onStatus(
  state: State,
  kid: Kid,
  status: Status,
  now: number,
  effects: Effect[],
): string | undefined {
  if (kid.state === 'killed') return undefined
  const isFirst = kid.slots === 0
  if (status.type === 'idle') {
    if (!isFirst) return 'said idle twice'
    comeUp(state, kid, status.slots, now, effects)
    return undefined
  }
  if (isFirst) return `said ${status.type} before idle`
  switch (status.type) {
    case 'accepted':
    case 'failed': {
      const order = kid.order
      if (order === undefined) return `answered order ${status.seq}, but none is out`
      if (order.seq !== status.seq) return `answered order ${status.seq} instead of ${order.seq}`
      if (status.count > order.count) {
        return `said it accepted ${status.count} of the ${order.count} it was ordered`
      }
      if (kid.held + status.count > kid.slots) {
        return `said it accepted ${status.count} with ${kid.held} of ${kid.slots} slots taken`
      }
      const short = status.type === 'failed' && classOfAcceptError(status.code) !== 'nothing'
      const aborted = status.type === 'failed' && mayAcceptAgain(status.code)
      takeAnswer(state, kid, order, status.count, { short, aborted }, now)
      if (status.count > 0 && hasTakenAll(state, kid) && kid.state !== 'leaving') {
        effects.push({ type: 'leaving', kid: kid.number, reason: kid.outgoing })
        tellToLeave(state, kid, now, effects)
      }
      if (status.type === 'failed') takeFailure(state, kid, order, status.code, now, effects)
      return undefined
    }
    case 'done':
    case 'cut':
    case 'skip': {
      const wrong = endConnections(state, kid, status, now)
      if (wrong !== undefined) return wrong
      if (status.type === 'done') {
        kid.served += status.count
        state.counters.done += status.count
      } else if (status.type === 'cut') state.counters.cut += status.count
      else state.counters.skipped += status.count
      effects.push({ type: status.type, kid: kid.number, count: status.count })
      return undefined
    }
    case 'park': {
      const wrong = lacks(kid, status, 'parked')
      if (wrong !== undefined) return wrong
      parkConnections(state, kid, status.seq, status.count, now)
      return undefined
    }
    case 'resume':
      return resumeConnections(state, kid, status.seq, status.count, now)
    case 'waiting':
      if (status.count > kid.parked) {
        return `said that ${status.count} requests wait, of ${kid.parked} connections parked`
      }
      state.waitingInKids += status.count - kid.waiting
      kid.waiting = status.count
      return undefined
    case 'label': {
      const hold = kid.holds.find(({ seq }) => seq === status.seq)
      if (hold === undefined) return `labelled order ${status.seq}, of which it holds nothing`
      hold.label = status.text
      return undefined
    }
    case 'detach': {
      const wrong = lacks(kid, status, 'detached')
      if (wrong !== undefined) return wrong
      state.counters.detached += status.count
      kid.detached += status.count
      freeSlots(state, kid, status.seq, status.count, now)
      return undefined
    }
    case 'ended':
      if (status.count > kid.detached) {
        return `said ${status.count} ended, of ${kid.detached} that it had detached`
      }
      kid.detached -= status.count
      kid.served += status.count
      state.counters.done += status.count
      effects.push({ type: 'done', kid: kid.number, count: status.count })
      return undefined
    case 'detached':
      if (kid.reporting === undefined) return 'said what is detached without having been asked'
      if (kid.reporting.named === MAX_REPORTED) return `named more than ${MAX_REPORTED} in a report`
      kid.reporting.named++
      effects.push({ type: 'detached', kid: kid.number, id: status.id, text: status.text })
      return undefined
    case 'reported':
      if (kid.reporting === undefined) return 'said reported without having been asked'
      kid.reporting = undefined
      effects.push({ type: 'reported', kid: kid.number, count: status.count })
      return undefined
    case 'leaving':
      if (kid.saidLeaving) return 'said leaving twice'
      kid.saidLeaving = true
      partWith(state, kid, state.settings.stopTimeout, 'stop timeout', now)
      effects.push({ type: 'leaving', kid: kid.number, reason: status.reason })
      return undefined
    case 'shutdown':
      effects.push({ type: 'shutdownAsked', kid: kid.number, graceful: status.graceful })
      return undefined
  }
}

/** A kid is up; called too for servers that say nothing, once they have lived for a while. */
export function comeUp(
  state: State,
  kid: Kid,
  slots: number,
  now: number,
  effects: Effect[],
): void {
  kid.slots = slots
  state.everUp = true
  noteUp(state.budget)
  // It may have been told to leave before it was up; then it only goes on leaving.
  if (kid.state === 'pending') {
    kid.deadline = Number.POSITIVE_INFINITY
    moveKid(state, kid, 'up', now)
    kid.freshness = ++state.freshest
  }
  effects.push({ type: 'up', kid: kid.number })
  takeOver(state, kid, now, effects)
}

/**
 * `short` is whether something was wanting, `aborted` whether the connection was withdrawn: in either case an empty answer
 * says nothing about the queue, and is no reason to suspect the kid.
 */
function takeAnswer(
  state: State,
  kid: Kid,
  order: Order,
  count: number,
  { short, aborted }: { short: boolean; aborted: boolean },
  now: number,
): void {
  const { counters, settings } = state
  const listener = listenerOf(state, order.listener)
  endOrder(state, kid, order)
  listener.wave = 0
  listener.waveDue = false
  if (order.late) counters.late++
  if (count > 0) {
    counters.accepted += count
    listener.accepted += count
    listener.taken += count
    listener.toServe -= count
    // Who accepts some and then runs short has not ended the shortage.
    if (short) newStep(listener)
    else endRest(listener)
    kid.strikes[order.listener] = 0
    kid.taken += count
    kid.held += count
    kid.holds.push({ seq: order.seq, count, since: now, label: '', forgiven: false })
    soon(state, now + settings.connectionTimeout)
  } else {
    counters.empty++
    // Of a late order nothing else is to be expected: somebody else was ordered in the meantime. Nor of one that met a kid
    // whose last slot had been taken by a connection that was parked.
    if (!order.late && !order.excused) {
      kid.emptyStep[order.listener] = listener.step
      // One that is leaving has closed its listeners.
      if (!short && !aborted && kid.state !== 'leaving') listener.emptied.push(kid.number)
    }
  }
  if (kid.state === 'leaving') return
  if (kid.held >= kid.slots) {
    moveKid(state, kid, 'full', now)
    noteFull(state, kid, now)
    return
  }
  moveKid(state, kid, 'room', now)
  if (count > 0) kid.freshness = ++state.freshest
}

function takeFailure(
  state: State,
  kid: Kid,
  order: Order,
  code: string,
  now: number,
  effects: Effect[],
): void {
  const listener = listenerOf(state, order.listener)
  state.counters.failed++
  // Once we have closed the listener ourselves, that it is gone is nobody's fault.
  if (!listener.open) return
  switch (classOfAcceptError(code)) {
    case 'nothing':
      return
    case 'kid':
      effects.push({ type: 'leaving', kid: kid.number, reason: `accept failed with ${code}` })
      tellToLeave(state, kid, now, effects)
      return
    case 'system':
      rest(state, order.listener, listener, code, now, effects)
      return
    case 'listener':
      // What an accept says on a listener that somebody has shut down. The next turn, which reads the queue, knows.
      if (code === 'EINVAL') {
        listener.accused.push(kid.number)
        return
      }
      killKid(state, kid, 'bad listener', `its accept failed with ${code}`, now, effects)
      return
  }
}
