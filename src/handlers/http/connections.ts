/** The HTTP connections of a kid: found by their sockets, looked at once a beat, told of pressure and drain. */

import type { Socket } from 'node:net'
import type { Kid } from '../handler.js'
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
  #looked = 0
  #timer: NodeJS.Timeout | undefined

  constructor(limits: HttpLimits) {
    this.#limits = limits
    this.#beat = beatOf(limits)
  }

  /** Takes a connection into the books until its socket closes. */
  add(socket: Socket, kid: Kid): void {
    this.#heed(kid)
    const connection = new HttpConnection(socket, kid, this.#limits)
    const carrier = socket as Carrier
    carrier[connectionOfSocket] = connection
    carrier[kidOfSocket] = kid
    this.#open.add(connection)
    socket.once('close', () => this.#open.delete(connection))
    if (this.#timer === undefined) this.#lookLater()
  }

  /** All kids that a handler gets are the same process; one of them is enough to be told by. */
  #heed(kid: Kid): void {
    if (this.#heedsKid) return
    this.#heedsKid = true
    const endIdle = () => {
      for (const connection of this.#open) connection.endIfIdle()
    }
    kid.onPressure(endIdle)
    kid.signal.addEventListener('abort', endIdle, { once: true })
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
      // Some app has blocked: what clients have sent meanwhile is read after this.
      if (heldUp > this.#beat) connection.forgive(heldUp)
      else connection.look(now, this.#beat)
    }
    // No connection, no beat: an idle kid sleeps.
    if (this.#open.size > 0) this.#lookLater()
  }
}
