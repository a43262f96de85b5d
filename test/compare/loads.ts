/** What the benches' client can be asked to do, and what it answers: messages between two processes. */

import type { Percentiles } from '../../src/herd/results.js'

/** Requests one after another by so many clients, each resting in between; a connection is kept while it may be. */
export interface LoopLoad {
  readonly kind: 'loop'
  readonly port: number
  readonly clients: number
  readonly request: string
  /** The shortest and the longest rest, in milliseconds. */
  readonly rest: readonly [number, number]
  readonly milliseconds: number
  readonly seed: number
}

/** A new connection every so often, whatever became of the others, with one request. */
export interface NewcomersLoad {
  readonly kind: 'newcomers'
  readonly port: number
  readonly request: string
  /** Milliseconds between two. */
  readonly every: number
  readonly milliseconds: number
}

/** So many requests a second in all, by clients of one kept connection each. */
export interface ArrivalsLoad {
  readonly kind: 'arrivals'
  readonly port: number
  readonly clients: number
  readonly rate: number
  readonly times: Times
  readonly to: To
  readonly light: string
  readonly heavy: string
  /** The part (0 to 1) of requests that are heavy. */
  readonly heavyPart: number
  /** Milliseconds from the begin for which nothing counts, and of all. */
  readonly settle: number
  readonly milliseconds: number
  readonly seed: number
}

/** When requests come: at random, or each as long after the one before. */
export type Times = 'poisson' | 'even'

/**
 * Which client makes a request: `own`, each has a share of its own, and requests that come while it waits for a response
 * wait too; or one that is free, `random`, the one that was free `last`, as pools of proxies choose, or the one that is free
 * `longest`. A request that finds none free waits for the first.
 */
export type To = 'own' | 'random' | 'last' | 'longest'

/** Opens so many connections more, makes one request on each and leaves them be. */
export interface OpenIdle {
  readonly kind: 'open'
  readonly port: number
  readonly connections: number
  readonly request: string
  /** Which addresses they come from: 0, 1, 2, ... so that no run meets the ports of the one before. */
  readonly run: number
}

/** How many of those are still open; and then ends them. */
export interface CloseIdle {
  readonly kind: 'close'
}

/** What became of idle connections: how many are, or were, open; and those that were not kept after their first request, by what ended them. */
export interface Held {
  readonly open: number
  readonly failed: Readonly<Record<string, number>>
}

export type Load = LoopLoad | NewcomersLoad | ArrivalsLoad | OpenIdle | CloseIdle

export interface LoadResult {
  /** Responses with status 200. */
  readonly ok: number
  /** All others, by their status or the code of the error. */
  readonly failed: Readonly<Record<string, number>>
  /** Responses, of whatever status, after which the connection was kept. */
  readonly kept: number
  /** Connections begun. */
  readonly connections: number
  /** Kept connections that the server closed while they were idle, seen before the next request was sent. */
  readonly closedIdle: number
  /** Requests on a kept connection that met its end: they were sent again on another, as a browser does, and count once. */
  readonly again: number
  /** Of light requests, from when they were sent; and from when they were meant to be. */
  readonly sentUs: Percentiles
  readonly meantUs: Percentiles
  /** By how much a request began late for the client's own sake, in microseconds. */
  readonly lagUs: Percentiles
  readonly seconds: number
  /** A part of one core. */
  readonly busy: number
}

/** How long, in milliseconds, a response may take. */
export const patience = 10_000

/** All failures together. */
export function failures({ failed }: LoadResult): number {
  return Object.values(failed).reduce((sum, count) => sum + count, 0)
}
