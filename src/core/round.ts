/** The accept round: `step(state, event, now)` says what to do about what happened. The heart; read it top to bottom. */

import { type Share, shareOut } from './choose.js'
import { awaitAnswer, expire } from './deadlines.js'
import type { Effect, Event } from './events.js'
import { beginReload, endReload, failReload } from './generations.js'
import { lookAfterParked } from './keeping.js'
import type { Kid } from './kid-record.js'
import { buryKid, endOrder, killKid, partWith } from './leaving.js'
import { onMeddled } from './meddling.js'
import { replaceSoon } from './recycling.js'
import { newStep, rest, restUnsaid, retryLater } from './resting.js'
import {
  kidOf,
  type ListenerState,
  listenerOf,
  mayAsk,
  moveKid,
  type State,
  soon,
  wantsDepth,
} from './scoreboard.js'
import { resize, sizeAndShed } from './sizing.js'
import { forgiveSleep } from './sleep.js'
import { onStatus } from './statuses.js'
import { beginStop, drainOn, endStop, handOver, park } from './stopping.js'

/*
 * The parent feeds events in as they come, and once in every turn of its event loop, in the check phase, a `turn`. Events
 * only record facts; orders go out in the turn. So every status that had arrived is known before anybody is chosen.
 *
 * The rules of the round:
 *   1. A listener is watched only while its queue is dry and no order is out on it. When it turns readable the watch ends;
 *      from then on the queue's length is read once a turn, until it is dry again.
 *   2. The counts of the orders a listener waits for never exceed its queue: no two kids are ordered for one connection.
 *   3. A kid has one order at a time, and none once it is leaving.
 *   4. An order that is late holds its listener up no longer. Others are ordered for what the queue still shows, each time
 *      twice as many as before. The late kid gets nothing until it has answered, and is killed only by acceptTimeout.
 *   5. Every way of finding nothing ends at the poller or in a rest, never in a loop.
 *
 * The state belongs to the caller and is changed in place. Nothing else is read or written: no clock, no descriptor. The
 * same state, event and time always give the same effects.
 */

/** Takes in one event at `now` (milliseconds of a clock that never goes back) and returns what to do, in order. */
export function step(state: State, event: Event, now: number): Effect[] {
  const effects: Effect[] = []
  forgiveSleep(state, now)
  switch (event.type) {
    case 'readable': {
      const listener = listenerOf(state, event.listener)
      if (!listener.watched) break
      listener.watched = false
      effects.push({ type: 'unwatch', listener: event.listener })
      break
    }
    case 'status': {
      const kid = kidOf(state, event.kid)
      const wrong = onStatus(state, kid, event.status, now, effects)
      if (wrong !== undefined) killKid(state, kid, 'protocol', wrong, now, effects)
      break
    }
    case 'broke':
      killKid(state, kidOf(state, event.kid), 'protocol', event.detail, now, effects)
      break
    case 'hangup':
      hangUp(state, kidOf(state, event.kid), now)
      break
    case 'unsent': {
      const kid = kidOf(state, event.kid)
      // A kid that has moved on since has had its order; then what could not be written is a notice sent after it.
      if (kid.order !== undefined && kid.state === 'ordered') {
        state.counters.orders--
        endOrder(state, kid, kid.order)
      }
      if (event.why === 'gone') hangUp(state, kid, now)
      else killKid(state, kid, 'reads nothing', 'its command pipe is full', now, effects)
      break
    }
    case 'reaped': {
      const kid = kidOf(state, event.kid)
      const early = kid.slots === 0
      buryKid(state, kid, now, effects)
      if (early) failReload(state, kid, now, effects)
      endReload(state, effects)
      endStop(state, effects)
      break
    }
    case 'meddled':
      onMeddled(state, event.listener, event.done, event.code, now, effects)
      break
    case 'fat':
      replaceSoon(state, kidOf(state, event.kid), 'maxRss')
      break
    case 'reload':
      beginReload(state, event.settings, now)
      break
    case 'ask': {
      const kid = state.kids.get(event.kid)
      if (kid === undefined || !mayAsk(kid) || kid.reporting !== undefined) break
      kid.reporting = { named: 0 }
      effects.push({ type: 'report', kid: kid.number })
      break
    }
    case 'resize':
      resize(state, event.by)
      break
    case 'park':
      park(state, now, effects)
      break
    case 'handOver':
      handOver(state, now, effects)
      break
    case 'shed': {
      const listener = listenerOf(state, event.listener)
      listener.taken += event.count
      state.counters.shed += event.count
      if (event.count > 0) {
        effects.push({ type: 'shedDone', listener: event.listener, count: event.count })
      } else if (event.code === undefined) {
        // The queue is not empty and yet there is nothing to accept: not again in the very next turn.
        retryLater(state, event.listener, listener, now, effects)
        listener.restUntil = listener.retryAt
      }
      if (event.code !== undefined) {
        rest(state, event.listener, listener, event.code, now, effects)
      }
      break
    }
    case 'stop':
      beginStop(state, event.graceful, event.depths, now, effects)
      break
    case 'turn':
      turn(state, event.depths, now, effects)
      break
  }
  return effects
}

/*
 * A kid that closes its pipes is as good as leaving. Usually it is dead already and will be reaped in a moment; if it
 * lives on, nobody can talk with it, and it is killed.
 */
function hangUp(state: State, kid: Kid, now: number): void {
  if (kid.state === 'killed' || kid.hungUp) return
  kid.hungUp = true
  if (kid.state === 'leaving') return
  if (kid.state !== 'pending') {
    partWith(state, kid, state.settings.acceptTimeout, 'closed its pipe', now)
    return
  }
  // One that is not up yet stays pending: replaced before its death is counted, it would cheat the restart budget.
  kid.deadline = Math.min(kid.deadline, now + state.settings.acceptTimeout)
  kid.overdue = 'closed its pipe'
  soon(state, kid.deadline)
}

function turn(state: State, depths: readonly number[], now: number, effects: Effect[]): void {
  expire(state, now, effects)
  if (state.phase === 'running' || state.phase === 'draining') {
    const unserved = dispatchAll(state, depths, now, effects)
    if (state.phase === 'draining') drainOn(state, depths, now, effects)
    else sizeAndShed(state, depths, unserved, now, effects)
  }
  lookAfterParked(state, now, effects)
  endStop(state, effects)
}

/** Orders kids for what waits, listeners taking turns at being first; returns what is left unserved for each. */
function dispatchAll(
  state: State,
  depths: readonly number[],
  now: number,
  effects: Effect[],
): number[] {
  const listeners = state.listeners.length
  const unserved = new Array<number>(listeners).fill(0)
  let ordered = false
  for (let i = 0; i < listeners; i++) {
    const number = (state.turn + i) % listeners
    if (!wantsDepth(state, number, now) || now < listenerOf(state, number).restUntil) continue
    const depth = depths[number] ?? 0
    const before = state.counters.orders
    unserved[number] = dispatch(state, number, depth, now, effects)
    ordered ||= state.counters.orders > before
  }
  if (ordered) {
    state.counters.rounds++
    state.turn = (state.turn + 1) % listeners
  }
  return unserved
}

/** One listener's part of the round. Returns how many connections wait that no order covers. */
function dispatch(
  state: State,
  number: number,
  depth: number,
  now: number,
  effects: Effect[],
): number {
  const listener = listenerOf(state, number)
  if (depth < 0) {
    // It listens no longer. The look once a second mends that, and tells; those whose accept failed are not to blame.
    listener.accused.length = 0
    restUnsaid(state, listener, now)
    return 0
  }
  for (const kidNumber of listener.accused.splice(0)) {
    const kid = state.kids.get(kidNumber)
    const detail = 'its accept failed with EINVAL'
    if (kid !== undefined) killKid(state, kid, 'bad listener', detail, now, effects)
  }
  countStrikes(state, number, listener, depth, now, effects)
  const waiting = Math.min(depth, listener.toServe) - listener.promised
  if (waiting <= 0) {
    if (depth === 0 && listener.ordersOut === 0) watch(state, number, listener, effects)
    return 0
  }
  if (listener.retryAt <= now) newStep(listener)
  const leastKids = listener.waveDue ? listener.wave : 0
  const mostKids = state.settings.maxOrders - listener.ordersOut
  const shares = shareOut(state, number, listener, waiting, leastKids, mostKids)
  listener.waveDue = false
  for (const share of shares) send(state, number, listener, share, now, effects)
  if (listener.ordersOut === 0 && state.counts.idle > 0) {
    // Everybody who is idle has answered 0 in this step.
    retryLater(state, number, listener, now, effects)
  }
  return Math.max(0, Math.min(depth, listener.toServe) - listener.promised)
}

function send(
  state: State,
  number: number,
  listener: ListenerState,
  { kid, count }: Share,
  now: number,
  effects: Effect[],
): void {
  const seq = state.nextSeq++
  kid.order = {
    seq,
    listener: number,
    count,
    at: now,
    late: false,
    forgiven: false,
    excused: false,
  }
  moveKid(state, kid, 'order', now)
  listener.ordersOut++
  listener.promised += count
  state.counters.orders++
  state.unanswered++
  awaitAnswer(state, kid)
  effects.push({ type: 'order', kid: kid.number, seq, listener: number, count })
}

function watch(state: State, number: number, listener: ListenerState, effects: Effect[]): void {
  newStep(listener)
  // Nobody of those whose arrival was noted waits any more.
  listener.tail.length = 0
  // While stopping, the queue is looked at after each answer, and what is new is not served: no need of the poller.
  if (state.phase !== 'running') return
  listener.watched = true
  effects.push({ type: 'watch', listener: number })
}

/*
 * A kid that answered 0 although connections wait may have been unlucky, or may be lying. Three times running while
 * others accept from the same queue is not bad luck.
 */
function countStrikes(
  state: State,
  number: number,
  listener: ListenerState,
  depth: number,
  now: number,
  effects: Effect[],
): void {
  for (const kidNumber of listener.emptied) {
    const kid = state.kids.get(kidNumber)
    if (kid === undefined || depth === 0) continue
    const strikes = (kid.strikes[number] ?? 0) + 1
    if (strikes === 1) kid.strikeMark[number] = listener.accepted
    kid.strikes[number] = strikes
    if (strikes < 3 || listener.accepted === kid.strikeMark[number]) continue
    const detail = `answered 0 ${strikes} times while connections waited that others accepted`
    killKid(state, kid, 'accepts nothing', detail, now, effects)
  }
  listener.emptied.length = 0
}
