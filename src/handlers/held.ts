/** A connection being served, as the kid sees it whatever is spoken on it; what every way of serving returns. */

import type { Socket } from 'node:net'
import type { Kid } from './handler.js'

/** One connection that is served. */
export interface Held {
  /** Begins, once it is in the books; calls `complete` once, when it is complete. Never throws. */
  start(complete: () => void): void
  /** The socket, where it is served in this process. */
  readonly socket?: Socket
  /** Drops it at once. */
  destroy(): void
}

/** Takes over an accepted descriptor, which from then on belongs to what this returns. */
export type Serve = (fd: number, kid: Kid) => Held
