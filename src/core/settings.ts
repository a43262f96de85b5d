/** What the core knows of the options; made by the parent at the start, and again at a reload. */

/** What the core needs to know of the options; durations in milliseconds, `Infinity` for never or no limit. */
export interface CoreSettings {
  /** For each listener whether the length of its queue can be read. */
  depthKnown: readonly boolean[]
  /** Slots a kid is expected to have before it has said so. */
  slots: number
  startKids: number
  leastKids: number
  minSpare: number
  maxSpare: number
  maxKids: number
  idleTimeout: number
  /** A kid takes so many connections and no more, give or take the jitter, a fraction. */
  maxConnections: number
  maxConnectionsJitter: number
  maxAge: number
  pick: 'warm' | 'fair'
  maxOrders: number
  lateAfter: number
  acceptTimeout: number
  readyTimeout: number
  connectionTimeout: number
  stopTimeout: number
  overload: 'graceful' | 'abrupt'
  shedAfter: number
}
