/** A connection served by a handler of sockets: from the handler's call until nothing is left of it, however it ends. */

import { setInterval } from 'node:timers'
import { type ConnectionEnd, pollEnd } from '../system/descriptors.js'
import { ConnectionSocket, type SocketEars } from './connection-socket.js'
import type { Handler, Kid } from './handler.js'
import type { Held, HeldEars } from './held.js'
import { LINGER_BYTES, lingering } from './lingering.js'

/**
 * What the end of the client's side means.
 * - `on`: nothing; the handler ends ours.
 * - `off`: as in plain Node.js, ours is ended once all was read.
 * - `auto`: as `on` while what the handler returned is pending, so that it can answer; from then on as `off`.
 */
export type HalfOpen = 'auto' | 'on' | 'off'

/** How long, in milliseconds, a client may be silent after our end where somebody still reads. */
export const SILENCE = 30_000
/** The same where a handler has returned, reads nothing and has not ended its side, and the client has. */
export const FORGOTTEN = 30_000

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
    this.socket.destroy()
  }

  look(): void {
    const { socket } = this
    // A destroyed socket's descriptor may be another's by now.
    if (socket.destroyed) return
    const end = pollEnd(socket.fd)
    if (end === 'reset') this.#ears?.clientGone()
    if (!this.#isForgotten(end)) {
      this.#forgottenSince = undefined
      return
    }
    const now = performance.now()
    this.#forgottenSince ??= now
    if (end === 'reset' && !socket.isRead) {
      this.#tell(this.#kid, 'the client has reset the connection')
      socket.destroy()
    } else if (now - this.#forgottenSince >= FORGOTTEN) {
      this.#tell(this.#kid, 'the client has gone, and the handler did not end the connection')
      if (end === 'reset') socket.destroy()
      else socket.end()
    }
  }

  ended(): void {
    if (this.#settled) this.#windUp()
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
    lingering.remove(this.socket)
    clearInterval(this.#silence)
    if (this.#settled) this.#over()
    else this.#ears?.clientGone()
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

  /*
   * Whether nothing may ever end this connection. Its client has reset it, and nobody reads that, or not now. Or a handler
   * has returned and reads nothing, its client has sent its last and waits, or has gone: it may be about to answer, from a
   * timer or a callback of its own, or it has forgotten.
   */
  #isForgotten(end: ConnectionEnd): boolean {
    const { socket } = this
    if (end === 'reset') return true
    if (end === 'open' && !socket.clientHasEnded) return false
    const waits = this.#settled && !socket.writableEnded && !socket.isRead
    return waits && socket.halfOpen !== 'on' && socket.writableLength === 0
  }

  #fail(error: unknown): void {
    this.#kid.log.error({ err: error }, 'the handler failed; its connection is closed')
    this.socket.destroy()
  }

  #over(): void {
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
