/** A connection served by a handler of sockets: from the handler's call until nothing is left of it, however it ends. */

import { setInterval } from 'node:timers'
import { pollEnd } from '../system/descriptors.js'
import { ConnectionSocket, type SocketEars } from './connection-socket.js'
import { isOfGone } from './gone.js'
import type { Handler, Kid } from './handler.js'
import type { Held, HeldEars } from './held.js'
import { LINGER_BYTES, lingering } from './lingering.js'

/**
 * What the end of the client's side means.
 * - `on`: nothing; the handler ends ours.
 * - `off`: as in plain Node.js, ours is ended once all was read.
 * - `auto`: as `on` while what the handler returned is pending, so that it can answer, and while something is piped to the
 *   client; else as `off`. And as `off` for a handler that waits for the socket to close: it could wait for ever.
 */
export type HalfOpen = 'auto' | 'on' | 'off'

/** How long, in milliseconds, a client may be silent after our end where somebody still reads. */
export const SILENCE = 30_000
/** How long a handler may be at work, or about to be, for a client that has gone, before it counts as having forgotten it. */
export const FORGOTTEN = 30_000
/** The same where the client had said nothing: there is nothing to work at (health checks connect and go). */
export const NOTHING_SAID = 1_000

/** What is told of a connection that nothing else would have ended. */
const reasons = {
  gone: 'the client has gone',
  paused: 'the client has gone, and the handler does not read on',
  returned: 'the client had ended its side, and the handler did not end its own',
  silent: 'the client has said nothing and has ended its side',
  pending:
    'the connection has closed, and what the handler returned has not settled: its slot is free',
} as const

/** What a connection tells of itself at level debug; nothing at all is done for it unless that level is on. */
export type Tell = (kid: Kid, what: string) => void

/*
 * A connection is complete when both have happened:
 *   1. what the handler returned has settled;
 *   2. the socket has closed; or our side was ended, all of it is the kernel's, and nobody reads what still comes.
 *
 * In the latter case what comes is dropped and the socket closes soon (lingering.ts); nobody waits for that but the kid's
 * own end. So a client that says something to a handler which only answers costs it nothing, nor one that never goes.
 */
export class SocketConnection implements Held, SocketEars {
  readonly socket: ConnectionSocket
  readonly #handler: Handler
  readonly #kid: Kid
  readonly #tell: Tell
  #ears: HeldEars | undefined
  #settled = false
  #closed = false
  /** Our side was ended by the handler. */
  #isAnswered = false
  /** A limit, or a stop, has ended it: the handler need not know. */
  #dropped = false
  #isOver = false
  #complete = false
  #windsUp = false
  #silence: NodeJS.Timeout | undefined
  /** When it was first seen that the handler may have forgotten its connection. */
  #forgottenSince: number | undefined

  constructor(fd: number, kid: Kid, handler: Handler, halfOpen: HalfOpen, tell: Tell) {
    this.socket = new ConnectionSocket(fd)
    this.socket.halfOpen = halfOpen
    this.socket.allowHalfOpen = halfOpen !== 'off'
    this.socket.ears = this
    this.#handler = handler
    this.#kid = kid
    this.#tell = tell
  }

  start(ears: HeldEars): void {
    this.#ears = ears
    // Without a promise of its own where the handler returns none, as most do: this runs for every connection there is.
    try {
      const returned: unknown = this.#handler(this.socket, this.#kid)
      if (isThenable(returned)) {
        Promise.resolve(returned).then(
          () => this.#settle(),
          (error: unknown) => {
            this.#fail(error)
            this.#settle()
          },
        )
        return
      }
    } catch (error) {
      this.#fail(error)
    }
    this.#settle()
  }

  destroy(): void {
    this.#dropped = true
    this.socket.destroy()
  }

  look(): void {
    const why = this.#whyForgotten()
    if (why === undefined) {
      this.#forgottenSince = undefined
      return
    }
    const now = performance.now()
    this.#forgottenSince ??= now
    const patience = this.#saidNothing ? NOTHING_SAID : FORGOTTEN
    if (why !== 'gone' && now - this.#forgottenSince < patience) return
    this.#tell(this.#kid, reasons[why])
    if (why === 'gone') this.socket.destroy()
    else if (why === 'pending') this.#over()
    else {
      this.socket.allowHalfOpen = false
      this.socket.end()
    }
  }

  ended(): void {
    const { socket } = this
    // Unless it is Node.js that ends it, because the client has.
    if (!socket.readableEnded || socket.allowHalfOpen) this.#isAnswered = true
    if (this.#settled) this.#windUp()
  }

  clientEnded(): void {
    const { socket } = this
    if (socket.halfOpen !== 'auto') return
    // What is piped into it has a listener for `close` as well, and is an answer on its way.
    if (socket.listenerCount('unpipe') > 0) socket.allowHalfOpen = true
    // An iterator that has come to the end has such a listener too, and takes it away.
    else if (!this.#settled) setImmediate(() => this.#endIfAwaited())
  }

  finished(): void {
    if (!this.#windsUp || this.socket.destroyed || this.#silence !== undefined) return
    lingering.add(this.socket)
    this.#completeOnce()
  }

  failed(error: Error): void {
    this.#tell(this.#kid, `the connection failed: ${error.message}`)
  }

  closed(): void {
    this.#closed = true
    const wasServed = this.#isAnswered && this.socket.writableFinished
    if (!wasServed) this.#ears?.clientGone()
    lingering.remove(this.socket)
    clearInterval(this.#silence)
    if (this.#settled) this.#over()
  }

  #settle(): void {
    this.#settled = true
    const { socket } = this
    if (this.#closed) {
      this.#over()
      return
    }
    if (socket.halfOpen === 'auto') {
      socket.allowHalfOpen = false
      if (socket.readableEnded && !socket.writableEnded) socket.end()
    }
    if (socket.writableEnded) this.#windUp()
  }

  /** Ends our side for a handler that waits until both are. */
  #endIfAwaited(): void {
    const { socket } = this
    if (this.#settled || socket.writableEnded) return
    const pipes = socket.listenerCount('unpipe')
    if (socket.listenerCount('close') > pipes) {
      socket.allowHalfOpen = false
      socket.end()
    }
  }

  /** Our side was ended and the handler is through: what the client still sends is nobody's, unless somebody reads it. */
  #windUp(): void {
    const { socket } = this
    if (this.#windsUp || socket.destroyed) return
    this.#windsUp = true
    // Node.js closes it by itself.
    if (socket.readableEnded) return
    if (socket.isRead) this.#boundSilence()
    else {
      socket.dropRest(LINGER_BYTES)
      if (socket.writableFinished) this.finished()
      else lingering.add(socket)
    }
  }

  #boundSilence(): void {
    const { socket } = this
    let heard = socket.bytesRead
    this.#silence = setInterval(() => {
      if (socket.bytesRead === heard) socket.destroy()
      heard = socket.bytesRead
    }, SILENCE)
  }

  /**
   * Why nothing may ever end this connection, if so:
   * - `gone`: its client is not there, and nobody reads, or all was read;
   * - `paused`: the same, and somebody has read, and does not now;
   * - `returned`: the client has sent its last. The handler has returned, reads nothing, and has not ended its side; it may
   *   be about to, from a timer or a callback of its own;
   * - `silent`: the client has said nothing and has ended its side; the handler waits for its words;
   * - `pending`: the socket has closed, by the client's doing or by a limit, and what the handler returned has not settled.
   */
  #whyForgotten(): keyof typeof reasons | undefined {
    const { socket } = this
    // A destroyed socket's descriptor may be another's by now.
    if (socket.destroyed) {
      // A handler that has answered, or has dropped its client, knows what it is still at work at.
      const isOurs = !socket.clientHasEnded && !this.#dropped
      return this.#closed && !isOurs && !this.#isAnswered ? 'pending' : undefined
    }
    const end = pollEnd(socket.fd)
    if (end === 'gone' && !socket.writableEnded) {
      this.#ears?.clientGone()
      if (!socket.isRead || socket.readableEnded) return 'gone'
      return socket.isPaused() && this.#settled ? 'paused' : undefined
    }
    const clientHasEnded = end === 'ended' || socket.clientHasEnded
    if (!clientHasEnded || socket.writableEnded || socket.halfOpen === 'on') return undefined
    if (socket.writableLength > 0) return undefined
    if (this.#settled) return socket.isRead ? undefined : 'returned'
    return this.#saidNothing && socket.isRead && socket.bytesWritten === 0 ? 'silent' : undefined
  }

  get #saidNothing(): boolean {
    return this.socket.bytesRead === 0
  }

  #fail(error: unknown): void {
    if (isOfGone(error, this.#kid))
      this.#tell(this.#kid, 'the handler has stopped: its client has gone')
    else this.#kid.log.error({ err: error }, 'the handler failed; its connection is closed')
    this.socket.destroy()
  }

  #over(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#completeOnce()
    this.#ears?.closed()
  }

  #completeOnce(): void {
    if (this.#complete) return
    this.#complete = true
    this.#ears?.complete()
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}
