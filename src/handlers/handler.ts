/** What a handler module offers and what it gets: the types users write against. */

import type { Socket } from 'node:net'
import type { Logger } from 'pino'

/** The listener a connection came from. */
export interface KidListener {
  /** Its number, counted from 0 in the order of `listen`. */
  readonly number: number
  readonly name: string
  /** `host:port`, `[v6]:port` or `unix:/path`. */
  readonly address: string
}

/** What a kid can do; given to the handler with each connection, and to `setup` and `teardown`. */
export interface Kid {
  /** The kid's number, as in the log and the scoreboard. */
  readonly number: number
  /** Its place in the pool: from 0 on, no two that stay have the same, and a successor takes over its forerunner's. */
  readonly index: number
  /** 1 for the kids of the first start; one more with each reload. */
  readonly generation: number
  /** Logs through the parent, marked with the kid's number. */
  readonly log: Logger
  /** The listener this connection came from; the first one in `setup` and `teardown`. */
  readonly listener: KidListener
  /** Aborted when the kid begins to drain: finish what you have. */
  readonly signal: AbortSignal
  /**
   * Aborted when this connection's client has gone: it has reset the connection, or the socket has closed before the
   * handler was through. A client that has only ended its side may still wait for its answer, and has not gone. Found
   * within a second where nobody reads. In `setup` and `teardown` it is never aborted.
   */
  readonly gone: AbortSignal
  /**
   * Says what is being done for this connection, for the scoreboard and for the log if this kid has to be killed. Cut
   * to about 50 printable ASCII characters. Without effect once the connection is complete, and in `setup` and `teardown`.
   */
  label(text: string): void
  /** Asks the whole server to stop: gracefully, or with `{ now: true }` at once. */
  shutdown(how?: { now?: boolean }): void
  /** Has this kid take no more orders, finish what it has and leave; another takes its place. */
  recycle(): void
  /**
   * Whether connections wait at this kid's listeners while it has no slot free for one: then what is merely kept alive
   * had better end. Asks the kernel without waiting, and only when no slot is free.
   */
  waiting(): boolean
  /**
   * Calls `listener` whenever connections wait and no slot of any kid is free, so that what is merely kept alive can be
   * closed. Returns what ends that.
   */
  onPressure(listener: () => void): () => void
  /**
   * Frees the slot of a connection that is to live on, under the kid's supervision: a WebSocket, a stream of events.
   * It is counted, shown in the scoreboard, asked for its status, and told to end when the kid drains; the kid leaves
   * when the last one has ended, or is killed when its time to leave is up. Call it once for each socket, as soon as it
   * is known to live long.
   * Throws Error when the socket is not a connection of this kid, is detached already or has ended, and when the kid
   * has `maxDetached` of them: then it keeps its slot.
   */
  detach(socket: Socket, detached: Detached): void
}

/** A connection without a slot: what the kid asks of it and tells it. */
export interface Detached {
  /** One line on what it is doing, for the scoreboard; cut to about 40 printable ASCII characters. */
  status(): string
  /**
   * Asks it to end: say goodbye and close the socket, which is waited for within `stopTimeout`. Called once; `reason` is
   * `drain` (the parent says so: a stop, a reload, recycling), `recycle` (the handler does), `SIGTERM` or `quit`, after which the
   * socket is destroyed at once.
   */
  terminate(reason: string): void
}

/**
 * Serves one connection. The connection is complete when the socket has closed and what the handler returned has
 * settled. When it throws or rejects, that is logged and the socket destroyed; the kid goes on.
 */
export type Handler = (socket: Socket, kid: Kid) => unknown

/** A handler module: ESM or CommonJS. */
export interface HandlerModule {
  default: Handler
  /** Awaited before the kid says that it is up, within `readyTimeout`. */
  setup?: (kid: Kid) => unknown
  /** Awaited before the kid exits, within `stopTimeout`. */
  teardown?: (kid: Kid) => unknown
  /** Stands in for the option of that name, for plain connections: true is `on`, false is `off`. */
  allowHalfOpen?: boolean
}
