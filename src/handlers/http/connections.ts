/** The HTTP connections of a kid: found by their sockets, looked at once a beat, told of pressure and drain. */

import type { Socket } from 'node:net'
import type { Kid } from '../handler.js'
import { slotOf } from '../slot.js'
import { HttpConnection } from './connection.js'
import { beatOf, type HttpLimits } from './limits.js'

/*
 * What a socket carries: properties, as a WeakMap of sockets costs 20 us a connection, in the collector. The kid is known
 * to every copy of this package: an app may import another than the kid runs.
 */
const connectionOfSocket = Symbol('preforkd.connection')
const kidOfSocket = Symbol.for('preforkd.kid')

interface Carrier {
  [connectionOfSocket]?: HttpConnection
  [kidOfSocket]?: Kid
}

/** The connection that a socket was handed in as. */
export function connectionOf(socket: Socket): HttpConnection | undefined {
  return (socket as Carrier)[connectionOfSocket]
}

/** The kid that serves a request. Throws Error for a request that did not come by way of preforkd. */
export function kidOf(request: { readonly socket: Socket }): Kid {
  const kid = (request.socket as Carrier)[kidOfSocket]
  if (kid === undefined) {
    throw new Error('kidOf: this request has not come by a connection of preforkd')
  }
  return kid
}

export class HttpConnections {
  readonly #limits: HttpLimits
  readonly #beat: number
  readonly #open = new Set<HttpConnection>()
  #heedsKid = false
  #onNone: (() => void) | undefined
  #looked = 0
  #timer: NodeJS.Timeout | undefined

  constructor(limits: HttpLimits) {
    this.#limits = limits
    this.#beat = beatOf(limits)
  }

  /** How many there are. */
  get count(): number {
    return this.#open.size
  }

  /** Takes a connection into the books until its socket closes. */
  add(socket: Socket, kid: Kid): HttpConnection {
    this.#heed(kid)
    const connection = new HttpConnection(socket, kid, this.#limits)
    const carrier = socket as Carrier
    carrier[connectionOfSocket] = connection
    carrier[kidOfSocket] = kid
    this.#open.add(connection)
    socket.once('close', () => {
      this.#forget(connection)
    })
    if (this.#timer === undefined) this.#lookLater()
    return connection
  }

  #forget(connection: HttpConnection): void {
    if (this.#open.delete(connection) && this.#open.size === 0) this.#onNone?.()
  }

  /** Calls `listener` whenever the last one has closed. */
  onNone(listener: () => void): void {
    this.#onNone = listener
  }

  /** All kids that a handler gets are the same process; one of them is enough to be told by. */
  #heed(kid: Kid): void {
    if (this.#heedsKid) return
    this.#heedsKid = true
    const endIdle = () => {
      for (const connection of this.#open) connection.endIfIdle()
    }
    const slot = slotOf(kid)
    slot?.onUnpark(endIdle)
    slot?.onCrowd((excess) => this.#makeRoom(excess))
    // Until then a client hears with its next response that this connection ends, and nobody's request is lost.
    const grace = this.#limits.drainGrace ?? 0
    // Without connections there is nothing to wait for; the app's own end would be taken to be at work.
    const begin = () => setTimeout(endIdle, grace).unref()
    if (kid.signal.aborted) begin()
    else kid.signal.addEventListener('abort', begin, { once: true })
  }

  /**
   * Ends so many. First those that have been silent since they came, the oldest first: nobody has been promised anything
   * there. Then those that have been idle for longest.
   */
  #makeRoom(excess: number): void {
    const now = performance.now()
    const silent = [...this.#open].filter((connection) => connection.isSilentAt(now))
    for (const connection of silent.slice(0, excess)) connection.drop()
    const rest = excess - silent.length
    if (rest <= 0) return
    const idle = [...this.#open].filter(({ idleSince }) => idleSince !== undefined)
    idle.sort((a, b) => (a.idleSince ?? 0) - (b.idleSince ?? 0))
    for (const connection of idle.slice(0, rest)) connection.endIfIdle()
  }

  #lookLater(): void {
    this.#looked = performance.now()
    this.#timer = setTimeout(() => this.#look(), this.#beat).unref()
  }

  #look(): void {
    this.#timer = undefined
    const now = performance.now()
    const heldUp = now - this.#looked - this.#beat
    for (const connection of this.#open) {
      // An app may have taken away all listeners of a socket, ours too.
      if (connection.socket.destroyed) {
        this.#forget(connection)
        continue
      }
      // Some app has blocked: what clients have sent meanwhile is read after this.
      if (heldUp > this.#beat) connection.forgive(heldUp)
      else connection.look(now, this.#beat)
    }
    // No connection, no beat: an idle kid sleeps.
    if (this.#open.size > 0) this.#lookLater()
  }
}
