/** A connection being served, as the kid sees it whatever is spoken on it; what every way of serving returns. */

import type { Socket } from 'node:net'
import type { Kid } from './handler.js'

/** Who is told how a connection goes. */
export interface HeldEars {
  /** It is complete: nothing more is done for its client. Told once. */
  complete(): void
  /** Its client can be served no more: it has reset, or the socket has closed before all was done. May be told again. */
  clientGone(): void
  /** Nothing is left of it in this process: told once, after `complete`. */
  closed(): void
}

/** One connection that is served. */
export interface Held {
  /** Begins, once it is in the books. Never throws. */
  start(ears: HeldEars): void
  /** The socket, where it is served in this process. */
  readonly socket?: Socket
  /** Drops it at once. */
  destroy(): void
  /** Looks whether its client has gone, which a socket that nobody reads does not tell; called about once a second. */
  look?(): void
}

/** Takes over an accepted descriptor, which from then on belongs to what this returns. */
export type Serve = (fd: number, kid: Kid) => Held
