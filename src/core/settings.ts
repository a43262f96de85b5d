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
  /** The kid, and not the parent, ends a connection that is over its time, also with one slot. */
  kidEndsConnections: boolean
  /** Kids may have connections that are merely kept alive, and are told when others wait in vain. */
  pressure: boolean
  /** False for servers that accept by themselves: no order, no watch, and a kid is up once it has lived for a while. */
  commanded: boolean
  /** At least so long between two spawns. */
  spawnGap: number
  stopTimeout: number
  overload: 'graceful' | 'abrupt'
  shedAfter: number
}
