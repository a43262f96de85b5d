/** One HTTP connection of a kid: what it has in hand, when it is at work, and when it is to end. */

import { AsyncResource } from 'node:async_hooks'
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Kid } from '../handler.js'
import { type Slot, slotOf } from '../slot.js'
import { announcesClose, isWhole, refusalOf } from './heads.js'
import type { HttpLimits } from './limits.js'
import { SendLimit } from './send-limit.js'

/*
 * new:  nothing has come yet; how long that may last is the kid's own affair (firstByteTimeout).
 * head: something has come, and is not a whole head yet.
 * busy: a request is being answered, waits for that, or several are.
 * rest: it was answered, and the rest of it is still coming.
 * idle: kept alive for the next request.
 * over: the last response has been announced as such, and what comes after its request is not looked at.
 * else: it speaks something else now, or is a tunnel.
 *
 * The connection is in a slot while it is busy or else. In all other phases it is parked.
 */
type Phase = 'new' | 'head' | 'busy' | 'rest' | 'idle' | 'over' | 'else'

/** A client that says nothing for so long, in milliseconds, after it has come is not just about to. */
const silentFor = 1_000

export class HttpConnection {
  readonly socket: Socket & { expectsNothing?: boolean }
  readonly kid: Kid
  readonly #slot: Slot | undefined
  readonly #limits: HttpLimits
  readonly #sending: SendLimit
  #phase: Phase
  /** When it entered its phase; of requests, when the latest of them began. */
  #since = performance.now()
  /** How many bytes had been read when it last had nothing in hand. */
  #readBefore = 0
  /** The latest request and its response, and all responses that have not ended. */
  #request: IncomingMessage | undefined
  #response: ServerResponse | undefined
  readonly #unanswered = new Set<ServerResponse>()
  /** Responses whose client has gone before the app has ended them. */
  readonly #abandoned = new Set<ServerResponse>()
  /** What is to be done as soon as there is a slot; undefined while nothing waits for one. */
  #waits: (() => void)[] | undefined
  #patience: NodeJS.Timeout | undefined
  #afterwards: (() => void) | undefined

  constructor(socket: Socket, kid: Kid, limits: HttpLimits) {
    this.socket = socket
    this.kid = kid
    this.#slot = slotOf(kid)
    if (this.#slot !== undefined) this.#slot.isAtWork = () => this.#isAtWork()
    this.#limits = limits
    this.#sending = new SendLimit(socket, limits.sendTimeout, () => this.#slot?.cut())
    // Together with a header of the PROXY protocol the beginning of a request may have been read.
    this.#phase = socket.bytesRead === 0 ? 'new' : 'head'
  }

  /** Whether its client has come a while ago and not said anything yet. */
  isSilentAt(now: number): boolean {
    const isNew = this.#phase === 'new' && this.socket.bytesRead === 0 && !this.socket.destroyed
    return isNew && now - this.#since >= silentFor
  }

  /** Since when it has been kept alive and nothing else; undefined where it is not. */
  get idleSince(): number | undefined {
    return this.#phase === 'idle' ? this.#since : undefined
  }

  /** Whether its last response was announced. */
  get isOver(): boolean {
    return this.#phase === 'over'
  }

  #isAtWork(): boolean {
    if (this.#waits !== undefined) return false
    return [...this.#unanswered, ...this.#abandoned].some((response) => !response.writableEnded)
  }

  /** It has begun: until its client has sent a whole head, it needs no slot. */
  begun(): void {
    if (this.#phase === 'new' || this.#phase === 'head') this.#slot?.park(true)
  }

  /**
   * A request has come, and is answered by `answer`: now, or when there is a slot for it. Never, if it comes after the
   * response that was announced as the last; refused, if it is none that may be answered.
   */
  take(request: IncomingMessage, response: ServerResponse, answer: () => void): void {
    // `checkContinue` may be followed by `request`.
    if (this.#unanswered.has(response)) {
      answer()
      return
    }
    if (this.#phase === 'over') return
    const refusal = refusalOf(request)
    if (refusal !== undefined) {
      this.socket.emit('error', refusal)
      return
    }
    if (this.#phase !== 'head') this.#since = performance.now()
    this.#phase = 'busy'
    this.#request = request
    this.#response = response
    this.#unanswered.add(response)
    const { writeHead } = response
    const clientEnds = !response.shouldKeepAlive
    // Every head goes this way, that of a bare `end()` too.
    response.writeHead = (...args: unknown[]) => {
      this.#beforeHead(request, response, clientEnds, args)
      return writeHead.apply(response, args as Parameters<typeof writeHead>)
    }
    response.once('close', () => {
      this.#unanswered.delete(response)
      if (!response.writableEnded) this.#abandoned.add(response)
      if (!response.writableFinished && this.socket.destroyed) this.#slot?.clientGone()
      this.#afterResponse()
    })
    this.#inSlot(answer)
  }

  /** It speaks something else from now on, by `begin`, which needs a slot: none of the limits of HTTP hold any more. */
  release(begin: () => void): void {
    this.#phase = 'else'
    this.#sending.stop()
    this.#inSlot(begin)
  }

  /** What it was asked to speak, it does not: it begins again with a request, by `again`, once the last one is answered. */
  rewind(again: () => void): void {
    if (this.#unanswered.size > 0) {
      this.#afterwards = again
      return
    }
    this.#afterwards = undefined
    this.#phase = 'head'
    this.#since = performance.now()
    again()
  }

  /** Ends it if nothing is in hand: it is idle, or has never said anything. */
  endIfIdle(): void {
    if (this.#phase === 'idle' || this.#phase === 'new') this.#endIfSilent()
  }

  /** Drops it, because there are too many. */
  drop(): void {
    this.#slot?.cut()
    this.socket.destroy()
  }

  /** Looks at the limits; called once a beat, of so many milliseconds. */
  look(now: number, beat: number): void {
    const { socket } = this
    if (this.#slot?.isDetached) {
      this.#sending.stop()
      return
    }
    if (this.#phase !== 'else') this.#sending.look()
    switch (this.#phase) {
      case 'new':
      case 'idle':
        if (socket.bytesRead !== this.#readBefore) {
          this.#phase = 'head'
          this.#since = now
        } else if (this.#phase === 'idle') {
          // Node.js ends it after keepAliveTimeout, unless the app listens for timeouts.
          const { keepAliveTimeout = 0 } = this.#limits
          if (now - this.#since >= keepAliveTimeout + beat) this.#endIfSilent()
        }
        return
      case 'head':
        if (now - this.#since >= (this.#limits.headersTimeout ?? Infinity)) this.#expire()
        return
      case 'busy':
      case 'rest':
        this.#lookAtRequest(now, beat)
        return
      case 'over':
      case 'else':
    }
  }

  /** The kid was held up: what is overdue may have come, and has not been looked at. */
  forgive(by: number): void {
    this.#since += by
    this.#sending.forgive()
  }

  /** Does what needs a slot, now or as soon as there is one. */
  #inSlot(what: () => void): void {
    if (this.#waits !== undefined) {
      this.#waits.push(AsyncResource.bind(what))
    } else if (this.#slot === undefined || this.#slot.resume(this.#begin)) {
      what()
    } else {
      // It will be called out of another request's end, and must not find that one's AsyncLocalStorage.
      this.#waits = [AsyncResource.bind(what)]
      const { patience } = this.#slot
      if (patience !== undefined) this.#patience = setTimeout(this.#refuse, patience).unref()
    }
  }

  readonly #begin = (): void => {
    clearTimeout(this.#patience)
    const waits = this.#waits ?? []
    this.#waits = undefined
    // It was refused while it waited: what its client has been told must stay true.
    if (this.socket.destroyed || this.socket.writableEnded) return
    for (const begin of waits) begin()
  }

  /** No slot within shedAfter: what the parent does with those that wait in the kernel. */
  readonly #refuse = (): void => {
    if (this.socket.destroyed) return
    this.#slot?.giveUp()
    this.#waits = undefined
    const [response] = this.#unanswered
    this.#phase = 'over'
    if (response === undefined) {
      // One that was to speak something else.
      this.socket.write(`HTTP/1.1 503 ${STATUS_CODES[503]}\r\nConnection: close\r\n\r\n`)
      this.socket.destroySoon()
      return
    }
    response.shouldKeepAlive = false
    response.writeHead(503, { 'Content-Length': 0 }).end()
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

  #beforeHead(
    request: IncomingMessage,
    response: ServerResponse,
    clientEnds: boolean,
    args: readonly unknown[],
  ): void {
    // Only the last response may say so, or those that wait behind it would be lost.
    if (response !== this.#response || response.headersSent) return
    const appEnds = !response.shouldKeepAlive || announcesClose(response, args)
    if (!clientEnds && !appEnds && !this.#shouldEnd()) return
    response.shouldKeepAlive = false
    this.#phase = 'over'
    // A client that has said that this is its last request sends nothing more: no need to wait for its end.
    this.socket.expectsNothing = clientEnds && isWhole(request)
  }

  #afterResponse(): void {
    if (this.#unanswered.size > 0 || this.socket.destroyed) return
    if (this.#phase === 'over') {
      // Node.js has done this, unless the app has said `Connection: keep-alive` over our heads.
      this.socket.destroySoon()
      return
    }
    if (this.#afterwards !== undefined) {
      this.rewind(this.#afterwards)
      return
    }
    if (this.#phase !== 'busy' || this.socket.writableEnded) return
    this.#phase = 'rest'
    this.#slot?.park(false)
    if (this.#request?.complete) this.#becomeIdle()
  }

  #becomeIdle(): void {
    this.#phase = 'idle'
    this.#since = performance.now()
    this.#readBefore = this.socket.bytesRead
  }

  #shouldEnd(): boolean {
    if (this.#limits.keepAliveTimeout === undefined || this.kid.signal.aborted) return true
    return this.#slot?.shouldEnd === true
  }

  #lookAtRequest(now: number, beat: number): void {
    const request = this.#request
    if (request === undefined) return
    if (request.complete) {
      // The rest of it has come after the response.
      if (this.#phase === 'rest') this.#becomeIdle()
    } else if (request.readableLength > 0) {
      // The app leaves unread what has come: it is not the client that is waited for.
      this.#since += beat
    } else if (now - this.#since >= (this.#limits.requestTimeout ?? Infinity)) {
      if (this.#phase === 'busy') this.#expire()
      else {
        this.#slot?.cut()
        this.#end()
      }
    }
  }

  /** Has Node.js do what it does when a server that listens finds a request too slow: `clientError`, or 408. */
  #expire(): void {
    this.#slot?.cut()
    const error = Object.assign(new Error('request timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' })
    this.socket.emit('error', error)
    this.#end()
  }

  #end(): void {
    this.#phase = 'over'
    this.socket.destroySoon()
  }
}
