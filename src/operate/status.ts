/** The server's status as plain data: scoreboard, listeners, counters; made when somebody asks. */

import { performance } from 'node:perf_hooks'
import { type Counters, newCounters } from '../core/counters.js'
import type { KidState } from '../core/kid-states.js'
import { timeOverloaded } from '../core/overload.js'
import type { Phase } from '../core/scoreboard.js'
import { formatListenAddress } from '../listen-address.js'
import type { Parent } from '../parent/parent.js'
import type { Listener } from '../system/listeners.js'

/** One kid's row of the scoreboard. */
export interface KidStatus {
  readonly number: number
  /** Its place in the pool, from 0 on; while a successor comes up, two kids have the same. */
  readonly index: number
  readonly pid: number | undefined
  /** Which reload it belongs to, counted from 1. */
  readonly generation: number
  readonly state: KidState
  /** Slots in use, of so many; 0 of 0 until it is up. */
  readonly held: number
  readonly slots: number
  /** Connections that wait for their next request, without a slot; and how many of them have one that waits for a slot. */
  readonly parked: number
  readonly waiting: number
  /** Connections that live on without a slot. */
  readonly detached: number
  /** Connections completed. */
  readonly served: number
  /** Since when it has been in this state, in milliseconds since 1970. */
  readonly since: number
  /** What it says it is doing, for its oldest connection that says anything. */
  readonly label: string
}

export interface ListenerStatus {
  readonly name: string
  readonly address: string
  /** Connections that wait now; where the length is unknown, 1 stands for some. */
  readonly waiting: number
  readonly accepted: number
}

/** All of it. `accepted = done + cut + skipped + held + lost`, always. */
export interface ServerStatus {
  readonly phase: Phase | 'new'
  readonly kids: readonly KidStatus[]
  /** Kids alive, by state. */
  readonly states: Readonly<Record<Exclude<KidState, 'gone'>, number>>
  readonly listeners: readonly ListenerStatus[]
  readonly counters: Readonly<Omit<Counters, 'kills'>> & {
    readonly kills: Readonly<Record<string, number>>
    /** Connections accepted and not done, those without a slot included. */
    readonly held: number
    /** Log lines that nobody took. */
    readonly logDropped: number
  }
  /** Milliseconds in which connections waited for which there was no slot. */
  readonly overloadedFor: number
}

/** Reads the status of a server, or that of one that has not started. */
export function readStatus(
  parent: Parent | undefined,
  listeners: readonly Listener[],
  logDropped: number,
): ServerStatus {
  if (parent === undefined) return unstarted
  const { state } = parent
  const now = performance.now()
  const epoch = Date.now() - now
  const { gone: _, ...states } = state.counts
  const depths = parent.depths()
  const kids = [...state.kids.values()].map((kid) => ({
    number: kid.number,
    index: kid.index,
    pid: parent.pidOf(kid.number),
    generation: kid.generation,
    state: kid.state,
    held: kid.held,
    slots: kid.slots,
    parked: kid.parked,
    waiting: kid.waiting,
    detached: kid.detached,
    served: kid.served,
    since: Math.round(epoch + kid.since),
    label: labelOf(kid.holds),
  }))
  return {
    phase: state.phase,
    kids,
    states,
    listeners: listeners.map(({ name, address }, number) => ({
      name,
      address: formatListenAddress(address),
      waiting: depths[number] ?? 0,
      accepted: state.listeners[number]?.accepted ?? 0,
    })),
    counters: {
      ...state.counters,
      kills: { ...state.counters.kills },
      held: kids.reduce((sum, kid) => sum + kid.held + kid.parked + kid.detached, 0),
      logDropped,
    },
    overloadedFor: Math.round(timeOverloaded(state, now)),
  }
}

/** One kid for the log: its pid, its age in milliseconds, what it holds and what it says it is doing. */
export function recordOf(parent: Parent | undefined, number: number) {
  const kid = parent?.state.kids.get(number)
  return {
    pid: parent?.pidOf(number),
    age: Math.round(performance.now() - (parent?.bornAt(number) ?? performance.now())),
    held: kid?.held ?? 0,
    label: labelOf(kid?.holds ?? []),
  }
}

function labelOf(holds: readonly { label: string }[]): string {
  return holds.find(({ label }) => label !== '')?.label ?? ''
}

const unstarted: ServerStatus = {
  phase: 'new',
  kids: [],
  states: { pending: 0, idle: 0, ordered: 0, late: 0, busy: 0, leaving: 0, killed: 0 },
  listeners: [],
  counters: { ...newCounters(), kills: {}, held: 0, logDropped: 0 },
  overloadedFor: 0,
}
