/** The records of the lab, one a line of results.jsonl; written by what measures, read by what shows. */

import type { QueueSample } from './queue-samples.js'
import type { ShapeName } from './shapes.js'
import type { StrategyName } from './strategies.js'

/** Any line of the file. The first is the run; the others follow in the order in which they were measured. */
export type ResultLine = RunLine | MeasurementLine | UnavailableLine | TimelineLine

/** What was run, and on what. */
export interface RunLine {
  readonly type: 'run'
  /** Of preforkd. */
  readonly version: string
  /** ISO 8601. */
  readonly startedAt: string
  readonly machine: { readonly cpu: string; readonly cores: number; readonly memoryBytes: number }
  /** As `uname -sr` has it: `Linux 6.18.44`. */
  readonly kernel: string
  /** `v20.20.2`. */
  readonly node: string
  /** Null where it runs outside a git checkout; ends in `+` where files have been changed since. */
  readonly commit: string | null
  readonly options: {
    /** The sizes that every shape but `sweep` is run with. */
    readonly kids: readonly number[]
    readonly rounds: number
    /** Seconds that a measurement lasts, its warm-up not counted. */
    readonly seconds: number
    readonly shapes: readonly ShapeName[]
    /** Those that can be run here; the others have a line of their own. */
    readonly strategies: readonly StrategyName[]
    /** Clients in a closed loop, for `saturate`. */
    readonly clients: number
    /** Connections a second, for `open` and `stall`. */
    readonly rate: number
    /** Of the order of strategies and of the arrivals. */
    readonly seed: number
    readonly quick: boolean
  }
}

/**
 * One strategy under one load shape, once. Null stands for what is not known: Node's servers do not tell how often
 * they wait or accept in vain; a system without schedstat tells no CPU in nanoseconds.
 */
export interface MeasurementLine {
  readonly type: 'measurement'
  /** From 1 on. */
  readonly round: number
  /** Its place among all measurements of the run, from 1 on. */
  readonly order: number
  readonly strategy: StrategyName
  readonly shape: ShapeName
  readonly kids: number
  /** How long it really took. */
  readonly seconds: number
  /** Connections that were answered. */
  readonly connections: number
  /** Refused, reset, or without an answer in time. */
  readonly failed: number
  readonly perSecond: number
  /**
   * From connect to answer; for `open` and `stall` from the time the connection was meant to begin. For `stall` those
   * of fast connections only. For `saturate` it says nothing that perSecond does not.
   */
  readonly latencyUs: Percentiles
  /** [microseconds, connections], ascending: what latencyUs was read from, exact to 1.6 %. */
  readonly histogram: readonly (readonly [us: number, count: number])[]
  readonly perConnection: PerConnection
  /** Connections by kid. */
  readonly kidsAccepted: readonly number[]
  /** Jain's index of kidsAccepted: 1 is even, 1/kids is all by one. */
  readonly jain: number
  /** What a fair random split would have: n / (n + kids - 1). */
  readonly jainExpected: number
  /** The part (0 to 1) of all connections that the kid with most of them had. */
  readonly largestShare: number
  /** Kids without any connection. */
  readonly neverUsed: number
  /** `burst` only. */
  readonly drain: Drain | null
  /**
   * How many connections waited, in the queues of all listeners together: at most 200 samples, each the deepest of its
   * part of the time. Empty where the listener is the server's own.
   */
  readonly queueDepth: readonly QueueSample[]
  /** ListenOverflows and ListenDrops of this machine (of its network namespace) meanwhile. */
  readonly overflows: number
  readonly drops: number
  readonly client: {
    readonly cpuUsPerConnection: number
    /** Its CPU as a part of one core. */
    readonly busy: number
    /** Busy for more than 0.9: then it was the client that was measured. */
    readonly saturated: boolean
  }
  /**
   * Of which threads switches, CPU and run-queue delay are: `main` of the lab's kids, which have no use for others;
   * `all` of Node's servers.
   */
  readonly threads: 'main' | 'all'
  /** Plain sentences: what makes the figures doubtful. */
  readonly warnings: readonly string[]
}

/** In microseconds; null where nothing was answered. */
export interface Percentiles {
  readonly p50: number | null
  readonly p90: number | null
  readonly p99: number | null
  readonly p999: number | null
  readonly max: number | null
}

/** Sums over all kids, or of the parent, divided by the connections answered. */
export interface PerConnection {
  /** Accepts that found nothing. */
  readonly emptyAccepts: number | null
  /** Returns of the wait: of accept, poll, epoll_wait, the lock, or the read of an order. */
  readonly waits: number | null
  /** Voluntary ones are the kernel's wakeups, those included after which a kid slept on without returning. */
  readonly kidSwitchesVoluntary: number
  readonly kidSwitchesInvoluntary: number
  /** 0 where the kids have no parent in the way of connections; so are all figures of the parent's. */
  readonly parentSwitchesVoluntary: number
  readonly parentSwitchesInvoluntary: number
  readonly kidCpuUs: number | null
  readonly parentCpuUs: number | null
  /** Microseconds that they were ready to run and waited for a core. */
  readonly kidRunDelayUs: number | null
  readonly parentRunDelayUs: number | null
}

/** How bursts drained. */
export interface Drain {
  readonly bursts: number
  /** Milliseconds from the first connect of a burst to its last reply: over all bursts. */
  readonly lastReplyMs: { readonly p50: number; readonly p90: number; readonly max: number }
  /** [milliseconds since the start of the burst, connections answered by then]: the median over all bursts. */
  readonly curve: readonly (readonly [ms: number, answered: number])[]
}

/** A strategy that cannot be run here, and why. */
export interface UnavailableLine {
  readonly type: 'unavailable'
  readonly strategy: StrategyName
  readonly reason: string
}

/**
 * Whom the kernel woke, connection by connection, over some connections one after another while all kids were idle; at
 * most one a strategy. Seen by the switches of each kid, so that kids which slept on inside the kernel are there too.
 */
export interface TimelineLine {
  readonly type: 'timeline'
  readonly strategy: StrategyName
  readonly kids: number
  /**
   * `kid` from 0; `us` is when the connection began, from the first one on: all wakes of a connection have the same.
   * `got` is 1 with a connection, 0 in vain. Ascending by us, then by kid.
   */
  readonly wakes: readonly (readonly [kid: number, us: number, got: 0 | 1])[]
}
