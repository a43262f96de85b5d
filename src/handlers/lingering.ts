/** Connections that have been served and whose client may still send: dropped bytes until the client ends too, within bounds. */

import type { ConnectionSocket } from './connection-socket.js'

/**
 * How long, in milliseconds, a client may go on after its answer is the kernel's. nginx waits 5 s for the next bytes and
 * 30 s in all (`lingering_timeout`, `lingering_time`), Apache 2 s (`MAX_SECS_TO_LINGER` is 30).
 */
export const LINGER_TIME = 2_000
/** How many bytes of it are read and dropped after the answer. */
export const LINGER_BYTES = 16 * 1024 * 1024
/** How many connections of a process linger at once; one more, and the oldest is closed. They cost a descriptor each. */
export const LINGER_MOST = 256

/*
 * Closing a socket with unread bytes resets the connection, and the client may lose what it has not read of the answer.
 * So what still comes is dropped until the client has ended too; then Node.js closes the socket by itself.
 *
 * All wait for the same time, so the oldest is always the next: one timer for all.
 */
export class Lingering {
  /** In the order in which their time ends, with that time; by the clock of `performance.now`. */
  readonly #until = new Map<ConnectionSocket, number>()
  #timer: NodeJS.Timeout | undefined

  /**
   * Begins, or begins anew: our side has been ended. While the answer is still on its way reading ends when the time is
   * over, for what keeps coming must not pass for progress; after that (`finished`) the socket closes then.
   */
  add(socket: ConnectionSocket): void {
    this.#until.delete(socket)
    this.#until.set(socket, performance.now() + LINGER_TIME)
    if (this.#until.size > LINGER_MOST) {
      const [oldest] = this.#until.keys()
      if (oldest !== undefined) this.#expire(oldest)
    }
    this.#timer ??= setTimeout(() => this.#look(), LINGER_TIME)
  }

  /** It has closed. */
  remove(socket: ConnectionSocket): void {
    if (!this.#until.delete(socket) || this.#until.size > 0) return
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #look(): void {
    this.#timer = undefined
    const now = performance.now()
    for (const [socket, until] of this.#until) {
      if (until > now) {
        this.#timer = setTimeout(() => this.#look(), until - now)
        return
      }
      this.#expire(socket)
    }
  }

  #expire(socket: ConnectionSocket): void {
    this.#until.delete(socket)
    if (socket.writableFinished) socket.destroy()
    else socket.pause()
  }
}

/** Those of this process. */
export const lingering = new Lingering()
