/** Which connections a kid on trial says to have ended, by order; asked when a case waits for that. */

import { PARKED_SEQ } from '../protocol/limits.js'
import type { Status } from '../protocol/lines.js'

/*
 * A connection that ends while it is parked is not named by its order. So these are a number of their own, from which an
 * order may have as many as it has parked.
 */
export class EndedConnections {
  readonly #ended = new Map<number, number>()
  readonly #parked = new Map<number, number>()
  #endedParked = 0

  /** The kid has said something. */
  hear(status: Status): void {
    switch (status.type) {
      case 'done':
      case 'cut':
      case 'skip':
        if (status.seq === PARKED_SEQ) this.#endedParked += status.count
        else add(this.#ended, status.seq, status.count)
        return
      case 'park':
        add(this.#parked, status.seq, status.count)
        return
      case 'resume':
        add(this.#parked, status.seq, -status.count)
        return
    }
  }

  /** Whether all `count` connections of an order have ended; those that were parked are then taken off. */
  all(seq: number, count: number): boolean {
    const missing = count - (this.#ended.get(seq) ?? 0)
    const fromParked = Math.min(this.#endedParked, this.#parked.get(seq) ?? 0)
    if (missing > fromParked || missing < 0) return false
    this.#endedParked -= missing
    add(this.#parked, seq, -missing)
    add(this.#ended, seq, missing)
    return true
  }
}

function add(counts: Map<number, number>, seq: number, count: number): void {
  counts.set(seq, (counts.get(seq) ?? 0) + count)
}
