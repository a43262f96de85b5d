/** How long a client of HTTP may take nothing of what is being sent to it; looked after while something is. */

import type { Socket } from 'node:net'

/*
 * Only the socket's own timeout knows whether a large piece is being taken bit by bit. It is set only while something is
 * to be sent, so that a slow app is not taken for a slow client; and not if the app has set one.
 */
export class SendLimit {
  readonly #socket: Socket
  readonly #timeout: number | undefined
  readonly #onStuck: () => void
  /** The socket's own timeout is ours: something is being sent. */
  #sending = false

  /** `onStuck` is called before the socket is destroyed. */
  constructor(socket: Socket, timeout: number | undefined, onStuck: () => void) {
    this.#socket = socket
    this.#timeout = timeout
    this.#onStuck = () => {
      onStuck()
      // Node.js does the same, unless the app listens for timeouts.
      socket.destroy()
    }
  }

  /** Begins or ends it, as there is something to be sent or not; called once a beat. */
  look(): void {
    const socket = this.#socket
    if (this.#timeout === undefined) return
    if (socket.writableLength === 0) this.stop()
    else if (!this.#sending && !socket.timeout) {
      this.#sending = true
      socket.setTimeout(this.#timeout)
      socket.on('timeout', this.#onStuck)
    }
  }

  /** Begins anew: the process was held up. */
  forgive(): void {
    if (this.#sending) this.#socket.setTimeout(this.#timeout ?? 0)
  }

  stop(): void {
    if (!this.#sending) return
    this.#sending = false
    this.#socket.off('timeout', this.#onStuck)
    if (this.#socket.timeout === this.#timeout) this.#socket.setTimeout(0)
  }
}
