/** The body of a request: a stream of exactly so many bytes of the socket, as fast as the handler reads. */

import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { ScgiClientError } from './client-error.js'

/**
 * Fails with an ScgiClientError when the client goes away before the end, or is waited for longer than `timeout`
 * milliseconds in all. Destroying it leaves the socket paused and otherwise alone.
 */
export class RequestBody extends Readable {
  readonly #socket: Socket
  readonly #length: number
  #missing: number
  #patience: number
  #waitingSince: number | undefined
  #timer: NodeJS.Timeout | undefined
  /** How the client failed. */
  failure: ScgiClientError | undefined

  /** Takes a paused socket; nothing else may read from it until this stream has ended or is destroyed. */
  constructor(socket: Socket, length: number, timeout: number) {
    super()
    this.#socket = socket
    this.#length = length
    this.#missing = length
    this.#patience = Math.max(0, timeout)
    // A handler that does not read the body need not hear of its failure; without a listener it would end the kid.
    this.on('error', () => {})
    if (length === 0) {
      this.push(null)
      return
    }
    socket.on('data', this.#onData).on('end', this.#onShort).on('close', this.#onShort)
    if (socket.destroyed) this.#onShort()
  }

  override _read(): void {
    if (this.#missing === 0) return
    this.#startWaiting()
    this.#socket.resume()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (this.#missing > 0) this.#letGo()
    callback(error)
  }

  readonly #onData = (piece: Buffer): void => {
    // What comes behind the body is nobody's.
    const part = piece.length > this.#missing ? piece.subarray(0, this.#missing) : piece
    this.#missing -= part.length
    if (this.#missing === 0) this.#letGo()
    const wantsMore = this.push(part)
    if (this.#missing === 0) {
      this.push(null)
    } else if (!wantsMore) {
      this.#socket.pause()
      this.#stopWaiting()
    }
  }

  readonly #onShort = (): void => {
    const came = this.#length - this.#missing
    const message = `the body ends after ${came} of ${this.#length} bytes`
    this.#fail(new ScgiClientError('ERR_SCGI_SHORT_BODY', message))
  }

  #fail(failure: ScgiClientError): void {
    this.failure = failure
    this.destroy(failure)
  }

  #letGo(): void {
    this.#stopWaiting()
    this.#socket.pause()
    this.#socket.off('data', this.#onData).off('end', this.#onShort).off('close', this.#onShort)
  }

  #startWaiting(): void {
    if (this.#waitingSince !== undefined || !Number.isFinite(this.#patience)) return
    this.#waitingSince = performance.now()
    this.#timer = setTimeout(() => {
      const message = `the client was waited for too long after ${this.#length - this.#missing} of ${this.#length} bytes of the body`
      this.#fail(new ScgiClientError('ERR_SCGI_REQUEST_TIMEOUT', message))
    }, this.#patience)
  }

  #stopWaiting(): void {
    if (this.#waitingSince === undefined) return
    clearTimeout(this.#timer)
    this.#patience = Math.max(0, this.#patience - (performance.now() - this.#waitingSince))
    this.#waitingSince = undefined
  }
}
