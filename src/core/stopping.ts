/** How the server stops: serve what was queued, then let every kid go; asked whenever a stop is on. */

import type { Effect } from './events.js'
import { giveUpReload } from './generations.js'
import { partWith, tellToLeave } from './leaving.js'
import { type State, soon, stayingKids, unansweredOf } from './scoreboard.js'

/** How long, in milliseconds, a kid may take over a quick stop before it is killed. */
const quickTimeout = 1_000

/** Begins a stop, or hurries one that is under way: a quick stop overrides a graceful one, never the other way round. */
export function beginStop(
  state: State,
  graceful: boolean,
  depths: readonly number[],
  now: number,
  effects: Effect[],
): void {
  if (state.phase === 'stopped') return
  if (!graceful) {
    quitAll(state, depths, now, effects)
    return
  }
  if (state.phase !== 'running' && state.phase !== 'parked') return
  state.phase = 'draining'
  state.reload = undefined
  state.stopBy = now + state.settings.stopTimeout
  soon(state, state.stopBy)
  unwatchAll(state, effects)
  state.listeners.forEach((listener, number) => {
    // Whether an order that is out has taken its connections from the queue is not known yet, so they count too.
    listener.toServe = !state.settings.commanded
      ? 0
      : state.settings.depthKnown[number]
        ? Math.max(0, depths[number] ?? 0) + unansweredOf(state, number)
        : Number.POSITIVE_INFINITY
  })
}

/**
 * While draining: once what was queued has been taken, or nobody is left to take it, or time is up, tells all kids to
 * leave and closes the listeners. Where a queue's length is unknown, it has been taken when the queue was seen empty.
 */
export function drainOn(
  state: State,
  depths: readonly number[],
  now: number,
  effects: Effect[],
): void {
  const taken = state.listeners.every(
    (listener, number) =>
      (listener.toServe <= 0 || (depths[number] ?? 0) <= 0) && listener.ordersOut === 0,
  )
  if (!taken && stayingKids(state) > 0 && now < state.stopBy) return
  for (const kid of state.kids.values()) tellToLeave(state, kid, now, effects)
  closeListeners(state, depths, effects)
}

/** Lets all kids go and serves nobody, but keeps the listeners: what comes waits in the kernel's queue for a reload. */
export function park(state: State, now: number, effects: Effect[]): void {
  if (state.phase !== 'running') return
  state.phase = 'parked'
  giveUpReload(state)
  for (const kid of state.kids.values()) tellToLeave(state, kid, now, effects)
  unwatchAll(state, effects)
  effects.push({ type: 'parked' })
}

/** Another parent serves the listeners now: lets all kids go, and leaves what is queued to it. */
export function handOver(state: State, now: number, effects: Effect[]): void {
  if (state.phase !== 'running' && state.phase !== 'parked') return
  state.stopBy = now + state.settings.stopTimeout
  for (const kid of state.kids.values()) tellToLeave(state, kid, now, effects)
  closeListeners(state, [], effects, true)
}

/** Nobody is left: the server has stopped. Call whenever a kid has gone. */
export function endStop(state: State, effects: Effect[]): void {
  if (state.phase !== 'leaving' || state.kids.size > 0) return
  state.phase = 'stopped'
  effects.push({ type: 'stopped' })
}

/** Not one of the first kids came up: the server cannot start, and takes itself down. */
export function giveUp(
  state: State,
  depths: readonly number[],
  now: number,
  effects: Effect[],
): void {
  state.gaveUp = true
  quitAll(state, depths, now, effects)
}

function quitAll(state: State, depths: readonly number[], now: number, effects: Effect[]): void {
  state.stopBy = Math.min(state.stopBy, now + quickTimeout)
  for (const kid of state.kids.values()) {
    if (kid.state === 'killed') continue
    partWith(state, kid, quickTimeout, 'quick stop', now)
    effects.push({ type: 'quit', kid: kid.number })
  }
  closeListeners(state, depths, effects)
  endStop(state, effects)
}

function unwatchAll(state: State, effects: Effect[]): void {
  state.listeners.forEach((listener, number) => {
    if (listener.watched) effects.push({ type: 'unwatch', listener: number })
    listener.watched = false
  })
}

function closeListeners(
  state: State,
  depths: readonly number[],
  effects: Effect[],
  handedOver = false,
): void {
  if (state.phase === 'leaving') return
  state.phase = 'leaving'
  state.reload = undefined
  unwatchAll(state, effects)
  state.listeners.forEach((listener, number) => {
    listener.open = false
    if (state.settings.depthKnown[number]) {
      state.counters.abandoned += Math.max(0, depths[number] ?? 0)
    }
    effects.push({ type: 'closeListener', listener: number, handedOver })
  })
  endStop(state, effects)
}
