/** A client of a kid on trial: connects, says nothing until it is told to, and notes what becomes of the connection. */

import { connect, type Socket } from 'node:net'
import type { SocketAddress } from '../listen-address.js'

export class Client {
  readonly #socket: Socket
  /** The kernel has taken the connection into its queue. */
  connected = false
  /** Bytes that came; what they are is between the kid and its clients. */
  received = 0
  /** It is over, however it ended. */
  closed = false
  /** Why it failed: ECONNREFUSED, ECONNRESET. */
  error: string | undefined
  /** Settles once it is connected, or is not going to be. */
  readonly settled: Promise<void>

  /** `changed` is called after each change of the above. */
  constructor(address: SocketAddress, changed: () => void) {
    const socket = connect(
      address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port },
    )
    this.#socket = socket
    this.settled = new Promise((resolve) => {
      socket.once('connect', () => resolve()).once('close', () => resolve())
    })
    socket.on('connect', () => {
      this.connected = true
      changed()
    })
    socket.on('data', (bytes: Buffer) => {
      this.received += bytes.length
      changed()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.error = error.code ?? error.message
    })
    socket.on('close', () => {
      this.closed = true
      changed()
    })
  }

  /** Says all it has to say, and ends its half of the connection. */
  say(text: string): void {
    // A kid may serve without having listened, and has then ended it.
    if (this.#socket.writable) this.#socket.end(text)
  }

  /** Goes without a word. */
  drop(): void {
    this.#socket.destroy()
  }

  /** Goes as a client that crashes: the other side gets ECONNRESET. */
  reset(): void {
    this.#socket.resetAndDestroy()
  }
}
