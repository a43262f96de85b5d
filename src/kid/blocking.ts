/** Whether the app blocks its kid, and which requests have waited for that; asked as requests on parked connections begin. */

import { lastDataAge } from '../system/descriptors.js'

/** A request that has held the process up for so long, in milliseconds, has blocked it: orders are late after 5. */
const longTurn = 5
/** How much of what is counted is kept with each further request. */
const memory = 0.99
/** So much blocking is reason to expect more: one request in 200. */
const expectedAt = 0.5
/** And so many new connections, 25 of 100 requests, reason for the parent to know at once of a kid that may block. */
const oftenAt = 25
/** For so long, in milliseconds, the parent's word counts that other kids have room; and it is asked no more often. */
const roomLasts = 1_000

export class Blocking {
  /** One for each request that has blocked, and for each new connection, fading with each further request. */
  #blocks = 0
  #fresh = 0
  /** The app has held the process up until just now: what is found next may have waited. */
  #hasJustBlocked = false
  #block = 0
  #roomUntil = Number.NEGATIVE_INFINITY
  #askedAt = Number.NEGATIVE_INFINITY

  /** A connection was accepted. */
  accepted(): void {
    this.#fresh++
  }

  /** An app was called for a request, and has returned after so many milliseconds. */
  returned(milliseconds: number): void {
    this.#fresh *= memory
    if (milliseconds < longTurn) {
      this.#blocks *= memory
      return
    }
    this.#blocks++
    this.#hasJustBlocked = true
    const block = ++this.#block
    // What came meanwhile is read in this poll of the loop or in the next.
    setImmediate(() =>
      setImmediate(() => {
        if (block === this.#block) this.#hasJustBlocked = false
      }),
    )
  }

  /** The parent says that other kids have had room for a while. */
  room(): void {
    this.#roomUntil = performance.now() + roomLasts
  }

  /**
   * Whether the parent should know of a request before it begins: a kid that blocks can tell nothing, and would be taken
   * for an idle one by connections that come.
   */
  get isToBeTold(): boolean {
    return this.#blocks > expectedAt && this.#fresh > oftenAt
  }

  /**
   * Whether a request has waited because the kid was blocked, while others had room: `yes`, `no`, or `ask` when the parent
   * has not said so of late.
   */
  hasWaited(fd: number | undefined): 'yes' | 'no' | 'ask' {
    if (!this.#hasJustBlocked || fd === undefined || lastDataAge(fd) < longTurn) return 'no'
    const now = performance.now()
    if (now < this.#roomUntil) return 'yes'
    if (now - this.#askedAt < roomLasts) return 'no'
    this.#askedAt = now
    return 'ask'
  }
}
