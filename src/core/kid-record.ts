/** The parent's record of one kid: what it is doing, what it holds and owes. Made when it is spawned. */

import type { KillReason } from './events.js'
import { limitOf } from './jitter.js'
import type { KidState } from './kid-states.js'
import type { CoreSettings } from './settings.js'

/** An accept command in flight. */
export interface Order {
  seq: number
  listener: number
  count: number
  at: number
  /** It went unanswered for lateAfter: its listener no longer waits for the answer. */
  late: boolean
  /** The parent's own sleep was taken off its time already. */
  forgiven: boolean
  /** Connections that were parked have taken the kid's last slot since: finding no room is nobody's fault. */
  excused: boolean
}

/** Connections of one order that were accepted and are not done. */
export interface Held {
  seq: number
  count: number
  since: number
  /** What the kid says it is doing; empty when it said nothing. */
  label: string
  /** As in an order. */
  forgiven: boolean
}

/** The parent's record of one kid. */
export interface Kid {
  readonly number: number
  /** Its place among the kids that stay: see indexes.ts. */
  readonly index: number
  state: KidState
  since: number
  /** Connections it takes at once; 0 until it is up. */
  slots: number
  /** Connections it holds in slots: the sum over `holds`. */
  held: number
  holds: Held[]
  /** Connections that wait for their next request without a slot, and requests that wait for one. */
  parked: number
  waiting: number
  /** When it was last told that others have room; whether it was told to end what is parked. */
  toldRoomAt: number
  toldUnpark: boolean
  /** Connections of its own that have no slot any more. */
  detached: number
  /** It was asked what those are doing, and has named so many of them. */
  reporting: { named: number } | undefined
  order: Order | undefined
  /** When it counts as up although it says nothing, as servers that accept by themselves do; Infinity for never. */
  upAt: number
  /** When pending: to be up by; when leaving: to be gone by. Otherwise Infinity. */
  deadline: number
  /** Why it will be killed if the deadline passes. */
  overdue: KillReason
  /** As in an order, for the deadline. */
  forgiven: boolean
  /** Higher means idle more recently; for choosing. */
  freshness: number
  /** Connections completed, those accepted, and how many it may accept in its life. */
  served: number
  taken: number
  takesAtMost: number
  /** When it becomes too old; Infinity for never. */
  oldAt: number
  /** Which reload it belongs to, counted from 1. */
  generation: number
  /** Why it is to be replaced, or empty. It counts for nothing in the pool's size, and goes when its successor is up. */
  outgoing: string
  saidLeaving: boolean
  hungUp: boolean
  /** Per listener: empty answers in a row while the queue was not empty; how many the others had accepted at the first. */
  strikes: number[]
  strikeMark: number[]
  /** Per listener: the step in which it last answered 0. */
  emptyStep: number[]
}

/** How long, in milliseconds, a server that says nothing must have lived to count as up. */
export const livesFor = 1_000

/** The record of a kid that is about to be spawned. */
export function newKid(
  number: number,
  index: number,
  generation: number,
  settings: CoreSettings,
  now: number,
): Kid {
  const { maxConnections, maxConnectionsJitter, maxAge, commanded, readyTimeout } = settings
  const listeners = settings.depthKnown.length
  return {
    number,
    index,
    state: 'pending',
    since: now,
    slots: 0,
    held: 0,
    holds: [],
    parked: 0,
    waiting: 0,
    toldRoomAt: Number.NEGATIVE_INFINITY,
    toldUnpark: false,
    detached: 0,
    reporting: undefined,
    order: undefined,
    upAt: commanded ? Number.POSITIVE_INFINITY : now + livesFor,
    deadline: commanded ? now + readyTimeout : Number.POSITIVE_INFINITY,
    overdue: 'ready timeout',
    forgiven: false,
    freshness: 0,
    served: 0,
    taken: 0,
    takesAtMost: limitOf(maxConnections, maxConnectionsJitter, number),
    oldAt: now + limitOf(maxAge, maxConnectionsJitter, number),
    generation,
    outgoing: '',
    saidLeaving: false,
    hungUp: false,
    strikes: new Array<number>(listeners).fill(0),
    strikeMark: new Array<number>(listeners).fill(0),
    emptyStep: new Array<number>(listeners).fill(-1),
  }
}
