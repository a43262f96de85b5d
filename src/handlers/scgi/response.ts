/** What the handler writes to: a stream straight to the client, which ends our side of the connection with it. */

import type { Socket } from 'node:net'
import { Writable } from 'node:stream'
import { ScgiClientError } from './client-error.js'

type Callback = (error?: Error | null) => void

/** A response that is cut off does not look like a whole one: an SCGI response ends where the connection does. */
function abort(socket: Socket): void {
  // A Unix socket, or a client that is gone already, cannot be reset.
  if (socket.destroyed || socket.remoteAddress === undefined) socket.destroy()
  else socket.resetAndDestroy()
}

/**
 * Holds back the writer while the client does not read. Destroying it before its end resets the connection. It fails with
 * an ScgiClientError when the client is gone, or takes nothing for `timeout` milliseconds.
 */
export class Response extends Writable {
  readonly #socket: Socket
  /** How the client failed. */
  failure: ScgiClientError | undefined

  /** `onStuck` is called before the client's time to take something ends the connection. */
  constructor(socket: Socket, timeout: number, onStuck = () => {}) {
    super()
    this.#socket = socket
    // A handler that has nothing left to write need not hear that the client has gone.
    this.on('error', () => {})
    socket.on('error', (cause) => this.#gone(cause))
    socket.on('close', () => this.#gone())
    if (socket.destroyed) this.#gone()
    if (!Number.isFinite(timeout)) return
    // Node.js puts this off as long as anything at all is taken of what is in its buffers.
    socket.setTimeout(timeout, () => {
      if (socket.writableLength === 0) return
      const message = `the client took nothing for ${timeout} ms`
      onStuck()
      this.#fail(new ScgiClientError('ERR_SCGI_SEND_TIMEOUT', message))
      socket.destroy()
    })
  }

  /** Whether the client may have seen something of it. */
  get begun(): boolean {
    return this.#socket.bytesWritten > 0 || this.writableLength > 0
  }

  override _write(chunk: Buffer, _: BufferEncoding, callback: Callback) {
    this.#socket.write(chunk, this.#told(callback))
  }

  override _writev(chunks: readonly { chunk: Buffer }[], callback: Callback): void {
    this.#socket.cork()
    chunks.forEach(({ chunk }, i) => {
      this.#socket.write(chunk, i === chunks.length - 1 ? this.#told(callback) : undefined)
    })
    this.#socket.uncork()
  }

  override _final(callback: Callback): void {
    this.#socket.end(this.#told(callback))
  }

  override _destroy(error: Error | null, callback: Callback): void {
    if (!this.writableFinished) abort(this.#socket)
    callback(error)
  }

  /** A write may fail before the socket tells that it has. */
  #told(callback: Callback): Callback {
    return (error) => {
      if (error) this.#gone(error)
      callback(error)
    }
  }

  #gone(cause?: Error): void {
    // Destroyed: by this, or by the handler, who need not be told.
    if (this.writableFinished || this.destroyed) return
    const why = cause === undefined ? '' : `: ${cause.message}`
    const message = `the connection closed before the response was whole${why}`
    this.#fail(new ScgiClientError('ERR_SCGI_CLIENT_GONE', message, { cause }))
  }

  #fail(failure: ScgiClientError): void {
    this.failure = failure
    this.destroy(failure)
  }
}
