/** What load the client is to make, and what comes of it; for the lab the plan of each shape. Pure. */

import type { Histogram } from './histogram.js'
import type { Drain, Percentiles } from './results.js'
import type { ShapeName } from './shapes.js'

/** When connections begin. */
export type Arrivals =
  /** So many clients, each beginning again `gapUs` after its last connection has ended. */
  | { readonly kind: 'loop'; readonly clients: number; readonly gapUs: number }
  /** Poisson, so many a second. */
  | { readonly kind: 'poisson'; readonly rate: number }
  /** So many at once, and again `gapUs` after the last reply. */
  | { readonly kind: 'burst'; readonly size: number; readonly gapUs: number }

/** What a connection sends, in ASCII: one that does not work its kid, and one that does. The server ends it. */
export interface Requests {
  readonly light: string
  readonly works: string
}

/** What the client is told. Bounded in time and count, always to loopback. */
export interface LabLoad {
  readonly port: number
  readonly arrivals: Arrivals
  readonly requests: Requests
  /** The part (0 to 1) of connections that work their kid. */
  readonly workPart: number
  /** No connection begins after it. */
  readonly milliseconds: number
  readonly seed: number
}

/** What the client answers. */
export interface LabLoadResult {
  readonly answered: number
  readonly failed: number
  readonly seconds: number
  /** Of those that were not meant to work, or of all where all were. */
  readonly latencyUs: Percentiles
  readonly histogram: Histogram
  readonly drain: Drain | null
  /** Microseconds of CPU that the client took. */
  readonly cpuUs: number
  /** A part of one core. */
  readonly busy: number
}

/** Milliseconds after which a connection has failed. */
export const connectionLimit = 5_000

/** Connections open at once, at most; later ones wait, and their latency counts from when they were meant to begin. */
export const MOST_OPEN = 512

/** The plan of a shape; `sweep` is trickle again and again. */
export function loadOf(
  shape: ShapeName,
  { kids, clients, rate }: { kids: number; clients: number; rate: number },
): Pick<LabLoad, 'arrivals' | 'requests' | 'workPart'> {
  const light = { requests: workFor(0), workPart: 0 }
  switch (shape) {
    case 'trickle':
    case 'sweep':
      return { ...light, arrivals: { kind: 'loop', clients: 1, gapUs: 2_000 } }
    case 'saturate':
      return { ...light, arrivals: { kind: 'loop', clients, gapUs: 0 } }
    case 'open':
      return { ...light, arrivals: { kind: 'poisson', rate } }
    case 'stall':
      return { requests: workFor(50), workPart: 0.01, arrivals: { kind: 'poisson', rate } }
    case 'burst':
      return {
        requests: workFor(1),
        workPart: 1,
        arrivals: { kind: 'burst', size: kids, gapUs: 5_000 },
      }
  }
}

/** What the lab's kids are asked: a byte, so many milliseconds (0 to 255) of work. */
function workFor(milliseconds: number): Requests {
  return { light: '\0', works: String.fromCharCode(milliseconds) }
}
