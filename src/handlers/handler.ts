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
  /** 1 for the kids of the first start; one more with each reload. */
  readonly generation: number
  /** Logs through the parent, marked with the kid's number. */
  readonly log: Logger
  /** The listener this connection came from; the first one in `setup` and `teardown`. */
  readonly listener: KidListener
  /** Aborted when the kid begins to drain: finish what you have. */
  readonly signal: AbortSignal
  /**
   * Says what is being done for this connection, for the scoreboard and for the log if this kid has to be killed. Cut
   * to about 50 printable ASCII characters. Without effect once the connection is complete, and in `setup` and `teardown`.
   */
  label(text: string): void
  /** Asks the whole server to stop: gracefully, or with `{ now: true }` at once. */
  shutdown(how?: { now?: boolean }): void
  /** Has this kid take no more orders, finish what it has and leave; another takes its place. */
  recycle(): void
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
}
