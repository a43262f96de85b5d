/** One moment to be woken at, which can be taken back for nothing; used by the parent for all that will be due. */

import { binding } from './binding.js'
import { close, read } from './descriptors.js'
import { errnoName, orThrow } from './errno.js'
import { Watch } from './watch.js'

/**
 * A timer that is as often stopped as it is set. Node.js does not stop its own timer with the last timeout, so a timeout
 * that was cleared wakes the process all the same; a process that serves a few hundred connections a second spends a
 * fifth of its wakes on that. On Linux this is a descriptor of the kernel's, elsewhere a timeout.
 *
 * While it is set it keeps the process alive. Close it in the end.
 */
export class Alarm {
  readonly #onTime: () => void
  readonly #descriptor: { readonly fd: number; readonly watch: Watch } | undefined
  #timeout: NodeJS.Timeout | undefined
  #set = false
  #closed = false

  /** Calls `onTime` once for each time that was set and has come. @throws SystemError (EMFILE) */
  constructor(onTime: () => void) {
    this.#onTime = onTime
    const fd = binding.timerOpen()
    if (fd < 0 && errnoName(fd) === 'ENOTSUP') return
    orThrow(fd, 'opening a timer')
    this.#descriptor = { fd, watch: new Watch(fd, () => this.#ring(fd)) }
  }

  /** Whether it is set. */
  get isSet(): boolean {
    return this.#set
  }

  /** Sets it anew, to so many milliseconds from now; what has passed comes in the next turn of the loop. */
  set(milliseconds: number): void {
    this.#set = true
    if (this.#descriptor === undefined) {
      clearTimeout(this.#timeout)
      this.#timeout = setTimeout(() => this.#come(), Math.max(1, Math.ceil(milliseconds)))
      return
    }
    const { fd, watch } = this.#descriptor
    // 0 would stop it.
    const microseconds = Math.max(1, Math.ceil(Math.min(milliseconds, longest) * 1_000))
    orThrow(binding.timerSet(fd, microseconds), 'setting a timer')
    watch.start()
  }

  /** Stops it: no call comes after this until it is set again. */
  stop(): void {
    if (!this.#set) return
    this.#set = false
    clearTimeout(this.#timeout)
    if (this.#descriptor !== undefined) {
      orThrow(binding.timerSet(this.#descriptor.fd, 0), 'stopping a timer')
    }
  }

  /** Stops it for good. May be called again. */
  close(): void {
    if (this.#descriptor === undefined) {
      clearTimeout(this.#timeout)
    } else if (!this.#closed) {
      this.#descriptor.watch.close()
      close(this.#descriptor.fd)
    }
    this.#closed = true
    this.#set = false
  }

  #ring(fd: number): void {
    // One that was set anew since it rang has nothing to read.
    if (read(fd, expirations) > 0 && this.#set) this.#come()
  }

  #come(): void {
    this.#set = false
    this.#onTime()
  }
}

/** A year: what is due later is set again then. */
const longest = 31_536_000_000

/** How often a timer has come since it was last read; of no interest, but it has to be read. */
const expirations = Buffer.alloc(8)
