/** One HTTP connection of a kid: what it has in hand, when it is to end, and what it may take its time for. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Kid } from '../handler.js'
import type { HttpLimits } from './limits.js'

/*
 * new:  nothing has come yet; how long that may last is the kid's own affair (firstByteTimeout).
 * head: something has come, and is not a whole head yet.
 * busy: a request is being received or answered, or several are.
 * idle: kept alive for the next request.
 * over: the last response has been announced as such, and what comes after its request is not looked at.
 * else: it speaks something else now, or is a tunnel.
 */
type Phase = 'new' | 'head' | 'busy' | 'idle' | 'over' | 'else'

/** A new connection that has said nothing for so many beats ends when it is in the way. */
const silentBeats = 2

export class HttpConnection {
  readonly socket: Socket
  readonly kid: Kid
  readonly #limits: HttpLimits
  #phase: Phase
  /** When it entered its phase; of requests, when the latest of them began. */
  #since = performance.now()
  /** How many bytes had been read when it last had nothing in hand. */
  #readBefore = 0
  /** The latest request and its response, and all responses that have not ended. */
  #request: IncomingMessage | undefined
  #response: ServerResponse | undefined
  readonly #unanswered = new Set<ServerResponse>()
  /** The socket's own timeout is ours: something is being sent. */
  #sending = false
  // Node.js does the same, unless the app listens for timeouts.
  readonly #onStuck = () => void this.socket.destroy()

  constructor(socket: Socket, kid: Kid, limits: HttpLimits) {
    this.socket = socket
    this.kid = kid
    this.#limits = limits
    // Together with a header of the PROXY protocol the beginning of a request may have been read.
    this.#phase = socket.bytesRead === 0 ? 'new' : 'head'
  }

  /** A request has come; false when it comes after the response that was announced as the last, and must not be served. */
  take(request: IncomingMessage, response: ServerResponse): boolean {
    if (this.#unanswered.has(response)) return true
    if (this.#phase === 'over') return false
    if (this.#phase !== 'head') this.#since = performance.now()
    this.#phase = 'busy'
    this.#request = request
    this.#response = response
    this.#unanswered.add(response)
    const { writeHead } = response
    // Every head goes this way, that of a bare `end()` too.
    response.writeHead = (...args: unknown[]) => {
      this.#beforeHead(request, response)
      return writeHead.apply(response, args as Parameters<typeof writeHead>)
    }
    response.once('close', () => {
      this.#unanswered.delete(response)
      this.#afterResponse()
    })
    return true
  }

  /** It speaks something else from now on: none of the limits of HTTP hold any more. */
  release(): void {
    this.#phase = 'else'
    this.#stopSending()
  }

  /** Ends it if it is merely kept alive. */
  endIfIdle(): void {
    if (this.#phase === 'idle') this.#endIfSilent()
  }

  /** Looks at the limits; called once a beat, of so many milliseconds. */
  look(now: number, beat: number): void {
    const { socket } = this
    if (this.#phase !== 'else') this.#lookAtSending()
    switch (this.#phase) {
      case 'new':
      case 'idle':
        if (socket.bytesRead !== this.#readBefore) {
          this.#phase = 'head'
          this.#since = now
        } else this.#lookAtSilence(now - this.#since, beat)
        return
      case 'head':
        if (now - this.#since >= (this.#limits.headersTimeout ?? Infinity)) this.#expire()
        return
      case 'busy':
        this.#lookAtRequest(now, beat)
        return
      case 'over':
      case 'else':
    }
  }

  /** The kid was held up: what is overdue may have come, and has not been looked at. */
  forgive(by: number): void {
    this.#since += by
    if (this.#sending) this.socket.setTimeout(this.#limits.sendTimeout ?? 0)
  }

  /*
   * The client may be sending a request just now. What has arrived is read in the loop's next poll, which comes between
   * two immediates; then it is served. What arrives later finds the connection closed: then no app has seen it, and the
   * client, which has to reckon with that on any kept connection, sends it again.
   */
  #endIfSilent(): void {
    const { socket } = this
    const phase = this.#phase
    setImmediate(() =>
      setImmediate(() => {
        if (this.#phase === phase && socket.bytesRead === this.#readBefore) this.#end()
      }),
    )
  }

  #beforeHead(request: IncomingMessage, response: ServerResponse): void {
    // Only the last response may say so, or those that wait behind it would be lost. Nor may one whose request is still
    // coming: closing then would reset the connection, and the client might lose the response.
    if (response !== this.#response || !request.complete || response.headersSent) return
    if (response.shouldKeepAlive && !this.#shouldEnd()) return
    response.shouldKeepAlive = false
    this.#phase = 'over'
  }

  #afterResponse(): void {
    if (this.#unanswered.size > 0 || this.socket.destroyed) return
    if (this.#phase === 'over') {
      // Node.js has done this, unless the app has said `Connection: keep-alive` over our heads.
      this.socket.destroySoon()
    } else if (this.#request?.complete) this.#becomeIdle()
  }

  #becomeIdle(): void {
    this.#phase = 'idle'
    this.#since = performance.now()
    this.#readBefore = this.socket.bytesRead
    if (this.#shouldEnd()) this.endIfIdle()
  }

  #shouldEnd(): boolean {
    return this.#limits.keepAliveTimeout === undefined || this.#isInTheWay()
  }

  #isInTheWay(): boolean {
    return this.kid.signal.aborted || this.kid.waiting()
  }

  #lookAtRequest(now: number, beat: number): void {
    const request = this.#request
    if (request === undefined) return
    if (request.complete) {
      // The rest of it may have come after the response.
      if (this.#unanswered.size === 0) this.#becomeIdle()
    } else if (request.readableLength > 0) {
      // The app leaves unread what has come: it is not the client that is waited for.
      this.#since += beat
    } else if (now - this.#since >= (this.#limits.requestTimeout ?? Infinity)) {
      if (this.#unanswered.size > 0) this.#expire()
      else this.#end()
    }
  }

  #lookAtSilence(lasts: number, beat: number): void {
    const { keepAliveTimeout = 0 } = this.#limits
    const isOverdue =
      this.#phase === 'idle'
        ? // Node.js ends it after keepAliveTimeout, unless the app listens for timeouts.
          lasts >= keepAliveTimeout + beat || this.#shouldEnd()
        : // Opened in advance, as browsers do, or its first packet was lost: that one comes again within a second.
          lasts >= silentBeats * beat && this.#isInTheWay()
    if (isOverdue) this.#endIfSilent()
  }

  /*
   * Only the socket's own timeout knows whether a large piece is being taken bit by bit. It is set only while something is
   * to be sent, so that a slow app is not taken for a slow client; and not if the app has set one.
   */
  #lookAtSending(): void {
    const { socket } = this
    const { sendTimeout } = this.#limits
    if (sendTimeout === undefined) return
    if (socket.writableLength === 0) this.#stopSending()
    else if (!this.#sending && !socket.timeout) {
      this.#sending = true
      socket.setTimeout(sendTimeout)
      socket.on('timeout', this.#onStuck)
    }
  }

  #stopSending(): void {
    if (!this.#sending) return
    this.#sending = false
    this.socket.off('timeout', this.#onStuck)
    if (this.socket.timeout === this.#limits.sendTimeout) this.socket.setTimeout(0)
  }

  /** Has Node.js do what it does when a server that listens finds a request too slow: `clientError`, or 408. */
  #expire(): void {
    const error = Object.assign(new Error('request timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' })
    this.socket.emit('error', error)
    this.#end()
  }

  #end(): void {
    this.#phase = 'over'
    this.socket.destroySoon()
  }
}
