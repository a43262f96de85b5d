/** The parent's whole memory: kids, listeners, counters; made once, and changed by the step function alone. */

import { InternalError } from '../errors.js'
import { type Counters, newCounters } from './counters.js'
import { lowestFreeIndex } from './indexes.js'
import { type Kid, newKid } from './kid-record.js'
import { type KidChange, type KidState, nextState } from './kid-states.js'
import { newRhythm, type PoolRhythm } from './pool.js'
import { newRestartBudget, type RestartBudget } from './restart-budget.js'
import type { CoreSettings } from './settings.js'

/** One listener as the parent sees it. */
export interface ListenerState {
  watched: boolean
  open: boolean
  /** Orders out that are not late, and the sum of their counts. */
  ordersOut: number
  promised: number
  /** How many kids the next step for late orders takes at least: 0, 1, 2, 4 … */
  wave: number
  waveDue: boolean
  /** Ends when somebody accepts or the poller is asked again; within it nobody who answered 0 is tried twice. */
  step: number
  /** Kids that found nothing since the last turn, with no excuse for it. */
  emptied: number[]
  /** Kids whose accept failed with EINVAL since the last turn: their own fault, unless the listener was shut down. */
  accused: number[]
  /**
   * Connections accepted by kids; and those with what the parent shed and what kids died with before they could say what
   * they had accepted: how far the queue has moved, at most.
   */
  accepted: number
  taken: number
  /** Not looked at before this time: the system is short of something. */
  restUntil: number
  /** When those who answered 0 are asked again (Infinity: not waiting for that), and how long that wait is. */
  retryAt: number
  retryWait: number
  /** Whether the present trouble was told of. */
  saidResting: boolean
  /** While stopping: how many of those that were queued are still to be taken. */
  toServe: number
  /** The queue's tail at past times, while connections wait: what had arrived by then. Oldest first. */
  tail: { at: number; arrived: number }[]
}

/** Whether connections wait that nobody can take. */
export interface OverloadState {
  /** Since when it has been so without a break; undefined when it is not so now. */
  began: number | undefined
  /** When it was last so. */
  lastSeen: number
  /** Since when it has been announced; undefined when it is not. */
  announced: number | undefined
  /** Milliseconds in all, without the present stretch. */
  total: number
  /** When kids were last told; and whether it was in the present stretch. */
  pressedAt: number
  pressed: boolean
}

/** How far the server is with stopping. */
export type Phase = 'running' | 'parked' | 'draining' | 'leaving' | 'stopped'

/** All of it. */
export interface State {
  settings: CoreSettings
  phase: Phase
  /** While stopping: everything must be over by then. */
  stopBy: number
  kids: Map<number, Kid>
  /** The kid that index 0 is with; 0 before there was any. */
  zeroth: number
  counts: Record<KidState, number>
  /** Kids that are to be replaced, whatever their state. */
  outgoing: number
  listeners: ListenerState[]
  /** The listener that has the first turn. */
  turn: number
  nextKid: number
  /** When a kid was last spawned. */
  lastSpawn: number
  nextSeq: number
  /** Orders of all kids that have not been answered, late ones included. */
  unanswered: number
  /** Of all kids: connections that are parked, and requests that wait for a slot in a kid. */
  parked: number
  waitingInKids: number
  /** When it is next to be seen whether a kid with parked connections should hear that others have room. */
  roomLookAt: number
  freshest: number
  /** First kids still to be spawned, and whether any kid has ever been up. */
  firstKids: number
  everUp: boolean
  /** Not one of them came up, and the server has taken itself down. */
  gaveUp: boolean
  budget: RestartBudget
  rhythm: PoolRhythm
  /** Whether it was said that the pool is as large as it may be. */
  saidFull: boolean
  /** The generation that kids are spawned in, and the last number that was given out. */
  generation: number
  lastGeneration: number
  /** The reload that is under way: what it came from, and whether one kid of the new generation has been up. */
  reload: { from: number; settings: CoreSettings; up: boolean } | undefined
  /** When the last step was taken. */
  lastStep: number
  /** Nothing is due before this time; may be earlier than what is due. */
  earliest: number
  /** The same of all but orders: nearly all are answered long before they are late, and then this is what is left. */
  beyond: number
  overload: OverloadState
  counters: Counters
}

/** The state of a server that has not done anything yet. */
export function newState(settings: CoreSettings): State {
  return {
    settings,
    phase: 'running',
    stopBy: Number.POSITIVE_INFINITY,
    kids: new Map(),
    zeroth: 0,
    counts: {
      pending: 0,
      idle: 0,
      ordered: 0,
      late: 0,
      busy: 0,
      leaving: 0,
      killed: 0,
      gone: 0,
    },
    outgoing: 0,
    listeners: settings.depthKnown.map(newListenerState),
    turn: 0,
    nextKid: 1,
    lastSpawn: Number.NEGATIVE_INFINITY,
    nextSeq: 1,
    unanswered: 0,
    parked: 0,
    waitingInKids: 0,
    roomLookAt: Number.POSITIVE_INFINITY,
    freshest: 0,
    firstKids: settings.startKids,
    // A pool that begins with nobody has nothing to prove before it serves.
    everUp: settings.startKids === 0,
    gaveUp: false,
    budget: newRestartBudget(),
    rhythm: newRhythm(),
    saidFull: false,
    generation: 1,
    lastGeneration: 1,
    reload: undefined,
    lastStep: 0,
    earliest: Number.POSITIVE_INFINITY,
    beyond: Number.POSITIVE_INFINITY,
    overload: { began: undefined, lastSeen: 0, announced: undefined, total: 0, ...unpressed },
    counters: newCounters(),
  }
}

const unpressed = { pressedAt: Number.NEGATIVE_INFINITY, pressed: false }

function newListenerState(): ListenerState {
  return {
    watched: false,
    open: true,
    ordersOut: 0,
    promised: 0,
    wave: 0,
    waveDue: false,
    step: 0,
    emptied: [],
    accused: [],
    accepted: 0,
    taken: 0,
    restUntil: Number.NEGATIVE_INFINITY,
    retryAt: Number.POSITIVE_INFINITY,
    retryWait: 0,
    saidResting: false,
    toServe: Number.POSITIVE_INFINITY,
    tail: [],
  }
}

/** Enters a kid that is about to be spawned. */
export function addKid(state: State, now: number): Kid {
  const index = lowestFreeIndex(state.kids.values())
  const kid = newKid(state.nextKid++, index, state.generation, state.settings, now)
  state.kids.set(kid.number, kid)
  if (index === 0) state.zeroth = kid.number
  state.counts.pending++
  state.counters.spawns++
  state.lastSpawn = now
  soon(state, Math.min(kid.deadline, kid.upAt, kid.oldAt))
  return kid
}

/** Moves a kid along the table, and keeps the counts by state in step. */
export function moveKid(state: State, kid: Kid, change: KidChange, now: number): void {
  const to = nextState(kid.state, change)
  if (to === kid.state) return
  state.counts[kid.state]--
  if (to !== 'gone') state.counts[to]++
  else {
    state.kids.delete(kid.number)
    if (kid.outgoing !== '') state.outgoing--
  }
  kid.state = to
  kid.since = now
}

/** The record of a kid. Throws InternalError for a number that is not in the table: the parent only names kids it knows. */
export function kidOf(state: State, number: number): Kid {
  const kid = state.kids.get(number)
  if (kid === undefined) throw new InternalError(`no kid ${number} in the scoreboard`)
  return kid
}

/** The record of a listener. */
export function listenerOf(state: State, number: number): ListenerState {
  const listener = state.listeners[number]
  if (listener === undefined) throw new InternalError(`no listener ${number}`)
  return listener
}

/** Whether a kid can be asked what its detached connections are doing. */
export function mayAsk(kid: Kid): boolean {
  return kid.detached > 0 && kid.state !== 'killed' && !kid.hungUp
}

/** Kids that take orders now or may later: all but those leaving or killed. */
export function stayingKids(state: State): number {
  const { pending, idle, ordered, late, busy } = state.counts
  return pending + idle + ordered + late + busy
}

/** How many connections of a listener kids may have accepted without having said so: the sum of all orders out, late or not. */
export function unansweredOf(state: State, listener: number): number {
  let sum = 0
  for (const { order } of state.kids.values()) {
    if (order?.listener === listener) sum += order.count
  }
  return sum
}

/** Whether a turn has a use for the length of this listener's queue. */
export function wantsDepth(state: State, number: number, now: number): boolean {
  const listener = listenerOf(state, number)
  if (!listener.open || listener.watched || !state.settings.commanded) return false
  // While the server stops, a listener that rests is not dry for that: what waits there is still to be served.
  return now >= listener.restUntil || state.phase === 'draining'
}

/** Remembers that something is due at `at`. */
export function soon(state: State, at: number): void {
  if (at < state.beyond) state.beyond = at
  if (at < state.earliest) state.earliest = at
}
