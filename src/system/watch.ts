/** Tells when a descriptor turns readable; used for listeners and for kids' status pipes. */

import { binding, type WatchHandle } from './binding.js'
import { orThrow } from './errno.js'

/**
 * Called in every turn of the loop in which the descriptor is readable (a queue that is not empty, bytes, an end of
 * file) until it is stopped or nothing is left. `status` is 0, or a negated errno; after one of those (-EBADF: the
 * poller reports an error state) the watch has stopped.
 */
export type OnReadable = (status: number) => void

/**
 * A level-triggered watch, stopped at first. A started one keeps the process alive unless `unref` was called, and lives
 * on without anybody naming it; a stopped one that is forgotten is collected.
 *
 * Close it before closing its descriptor: other processes keep the description alive, and the poller its entry. One
 * watch a descriptor: closing a second takes the poller's entry from the first, and closing one late takes it from
 * whoever has the descriptor's number by then.
 */
export class Watch {
  readonly fd: number
  readonly #handle: WatchHandle
  #started = false
  #closed = false

  /**
   * Makes the descriptor non-blocking. What `onReadable` throws is an uncaught exception.
   * @throws SystemError: EEXIST when a stream of Node's already reads it, EPERM for a plain file, EBADF
   */
  constructor(fd: number, onReadable: OnReadable) {
    this.fd = fd
    this.#handle = orThrow(
      binding.watchOpen(fd, (status) => {
        if (status < 0) this.#started = false
        onReadable(status)
      }),
      'watching a descriptor',
      `descriptor ${fd}`,
    )
  }

  /** Whether it is started. */
  get started(): boolean {
    return this.#started
  }

  /** Starts; nothing happens when started or closed already. @throws SystemError: EEXIST when another watch has it */
  start(): void {
    if (this.#started || this.#closed) return
    orThrow(binding.watchStart(this.#handle), 'starting a watch', `descriptor ${this.fd}`)
    this.#started = true
  }

  /** Stops at once: no call comes after this. Nothing happens when stopped or closed already. */
  stop(): void {
    if (!this.#started) return
    this.#started = false
    binding.watchStop(this.#handle)
  }

  /** Stops for good and lets go of everything but the descriptor, which is the caller's. May be called again. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#started = false
    binding.watchClose(this.#handle)
  }

  /** Lets the process end although the watch is started. */
  unref(): this {
    binding.watchUnref(this.#handle)
    return this
  }

  /** Undoes `unref`. */
  ref(): this {
    binding.watchRef(this.#handle)
    return this
  }
}
