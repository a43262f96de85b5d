/** What has happened so far, in numbers that add up; kept by the core, shown by the status. */

import type { KillReason } from './events.js'

/**
 * Counters that add up: accepted = done + cut + skipped + held + lost, where those without a slot, parked or detached, are
 * held as well.
 */
export interface Counters {
  accepted: number
  done: number
  /** Ended by a limit before they were complete. */
  cut: number
  /** Gone before they were served. */
  skipped: number
  /** Held by kids that died; `lostIdle` of them were parked: nothing was being done for their clients. */
  lost: number
  lostIdle: number
  unanswered: number
  /** Answers that found nothing; a late one is counted as late, and here too when it is empty. */
  empty: number
  late: number
  failed: number
  /** Connections that were let live on without a slot. */
  detached: number
  shed: number
  orders: number
  rounds: number
  spawns: number
  deaths: number
  kills: Partial<Record<KillReason, number>>
  /** How often a listener was found changed, by some kid. */
  meddled: number
  /** Connections that were still queued when the listener was closed; where the length is known. */
  abandoned: number
}

/** All at nothing. */
export function newCounters(): Counters {
  return {
    accepted: 0,
    done: 0,
    cut: 0,
    skipped: 0,
    lost: 0,
    lostIdle: 0,
    unanswered: 0,
    empty: 0,
    late: 0,
    failed: 0,
    detached: 0,
    shed: 0,
    orders: 0,
    rounds: 0,
    spawns: 0,
    deaths: 0,
    kills: {},
    meddled: 0,
    abandoned: 0,
  }
}
