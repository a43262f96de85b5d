/** The connections a kid holds: begun after the answer, told as done when complete, or let live on without a slot. */

import type { Socket } from 'node:net'
import type { Detached, KidListener } from '../handlers/handler.js'
import type { Held, Serve } from '../handlers/held.js'
import { formatDetach } from '../protocol/lines.js'
import type { DetachedConnections } from './detached.js'
import { type HandleParts, KidHandle } from './kid-handle.js'
import { Title } from './title.js'

/** A connection from its beginning to its end. */
interface Connection {
  readonly seq: number
  readonly listener: KidListener
  /** False once it is complete, or without a slot. */
  open: boolean
  limits: readonly NodeJS.Timeout[]
  /** Called when it is complete, where it had lost its slot before. */
  ended: () => void
}

const unlimited: readonly NodeJS.Timeout[] = []

function nothing(): void {}

export class Connections {
  readonly #serve: Serve
  readonly #parts: HandleParts
  readonly #detached: DetachedConnections
  readonly #onNone: () => void
  readonly #open = new Map<Connection, Held>()
  readonly #title: Title

  /** `onNone` is called whenever the last connection in a slot is complete. */
  constructor(serve: Serve, parts: HandleParts, detached: DetachedConnections, onNone: () => void) {
    this.#serve = serve
    this.#parts = parts
    this.#detached = detached
    this.#onNone = onNone
    this.#title = new Title(parts.inheritance)
  }

  /** The kid is up, with nothing to do yet. */
  ready(): void {
    this.#title.show(0)
  }

  /** How many hold a slot. */
  get count(): number {
    return this.#open.size
  }

  /** Begins to serve an accepted descriptor, which from now on belongs to the connection. */
  begin(fd: number, seq: number, listener: KidListener): void {
    const connection: Connection = {
      seq,
      listener,
      open: true,
      limits: unlimited,
      ended: nothing,
    }
    const held = this.#serve(fd, new KidHandle(this.#parts, connection))
    this.#open.set(connection, held)
    this.#title.show(this.#open.size)
    connection.limits = this.#limit(held)
    // Last: the handler may detach it at once.
    held.start(() => {
      if (!connection.open) {
        connection.ended()
        return
      }
      this.#tellDone(seq)
      this.#free(connection)
    })
  }

  /** Takes a connection out of its slot. Throws Error, see `Kid.detach`. */
  detach(socket: Socket, detached: Detached): void {
    const found = [...this.#open].find(([, held]) => held.socket === socket)
    if (found === undefined || socket.destroyed) {
      throw new Error(
        'detach: this socket is no connection of this kid, or has ended or lost its slot',
      )
    }
    const [connection, held] = found
    connection.ended = this.#detached.add(held, detached)
    this.#parts.status.say(formatDetach(connection.seq, 1))
    this.#free(connection)
  }

  /** Drops everything at once. */
  destroyAll(): void {
    for (const held of this.#open.values()) held.destroy()
  }

  #free(connection: Connection): void {
    for (const timer of connection.limits) clearTimeout(timer)
    connection.open = false
    this.#open.delete(connection)
    this.#title.show(this.#open.size)
    if (this.#open.size === 0) this.#onNone()
  }

  /**
   * The parent should know soon when a kid has nothing left to do, and when it may be waiting for a slot: of a kid that is
   * full as far as it knows, once half of its slots are free.
   */
  #tellDone(seq: number): void {
    const { status, inheritance } = this.#parts
    const { slots } = inheritance.settings
    const held = this.#open.size - 1
    const untold = status.untold + 1
    status.done(seq, held === 0 || (held + untold >= slots && untold >= slots / 2))
  }

  #limit(held: Held): readonly NodeJS.Timeout[] {
    const { firstByteTimeout, connectionTimeout } = this.#parts.inheritance.settings
    if (firstByteTimeout === undefined && connectionTimeout === undefined) return unlimited
    const { socket } = held
    const limits: NodeJS.Timeout[] = []
    if (firstByteTimeout !== undefined && socket !== undefined) {
      const check = () => {
        if (socket.bytesRead === 0) held.destroy()
      }
      limits.push(setTimeout(check, firstByteTimeout))
    }
    if (connectionTimeout !== undefined) {
      limits.push(setTimeout(() => held.destroy(), connectionTimeout))
    }
    return limits
  }
}
