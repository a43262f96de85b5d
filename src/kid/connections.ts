/** The connections a kid holds: begun after the answer, parked and resumed, told as done when complete, or let live on without a slot. */

import type { Socket } from 'node:net'
import type { Detached, KidListener } from '../handlers/handler.js'
import type { Held, Serve } from '../handlers/held.js'
import { formatChange } from '../protocol/lines.js'
import { close, isReadable } from '../system/descriptors.js'
import { Blocking } from './blocking.js'
import { Connection, type ConnectionOwner } from './connection.js'
import type { DetachedConnections } from './detached.js'
import { type HandleParts, KidHandle } from './kid-handle.js'
import type { Ledger } from './ledger.js'
import type { Slots } from './slots.js'
import { Title } from './title.js'

/** How often, in milliseconds, connections are looked at whose client may have gone unnoticed. */
const lookEvery = 1_000
/** For so long, in milliseconds, an app may be at work in a slot for a client that has gone; and how often that is looked at. */
const worksOn = 1_000
const lookForEnd = 10
/** So long after too many were parked, in milliseconds, some of them go. */
const thinAfter = 10
/** Responses announce the end of their connections when so much of `maxParked` is parked. */
const crowdedAt = 0.9

/** What else the connections need. */
export interface ConnectionsParts extends HandleParts {
  readonly ledger: Ledger
  readonly slots: Slots
  /** Whether connections wait at the listeners; asks the kernel once a millisecond at most. */
  readonly anyWaitingNow: () => boolean
  /** How many connections may be parked. */
  readonly maxParked: number
}

export class Connections implements ConnectionOwner {
  readonly unpark = new Set<() => void>()
  readonly crowd = new Set<(excess: number) => void>()
  readonly #serve: Serve
  readonly #parts: ConnectionsParts
  readonly #detached: DetachedConnections
  readonly #onNone: () => void
  readonly #open = new Set<Connection>()
  /** Complete, and still to be closed. */
  readonly #closing = new Set<Connection>()
  readonly #title: Title
  readonly #parks: boolean
  #parked = 0
  readonly #blocking = new Blocking()
  #looking: NodeJS.Timeout | undefined
  #thinning: NodeJS.Timeout | undefined

  /** `onNone` is called whenever the last connection that is not detached has gone. */
  constructor(
    serve: Serve,
    parts: ConnectionsParts,
    detached: DetachedConnections,
    onNone: () => void,
  ) {
    this.#serve = serve
    this.#parts = parts
    this.#detached = detached
    this.#onNone = onNone
    this.#title = new Title(parts.inheritance)
    this.#parks = parts.inheritance.features.has('parking')
  }

  /** The kid is up, with nothing to do yet. */
  ready(): void {
    this.#title.show(0)
  }

  /** How many there are, the detached excepted: what a kid that leaves must wait for. */
  get count(): number {
    return this.#open.size + this.#closing.size
  }

  get patience(): number | undefined {
    return this.#parts.inheritance.settings.shedAfter
  }

  get isCrowded(): boolean {
    return this.#parked >= this.#parts.maxParked * crowdedAt
  }

  /** Begins to serve an accepted descriptor, which from now on belongs to the connection. It is in a slot. */
  begin(fd: number, seq: number, listener: KidListener): void {
    this.#blocking.accepted()
    const connection = new Connection(seq, listener, this, fd)
    const held = this.#serve(fd, new KidHandle(this.#parts, connection))
    connection.held = held
    this.#open.add(connection)
    this.#title.show(this.#parts.slots.working)
    this.#limit(connection, held)
    if (this.#looking === undefined) this.#lookLater()
    // Last: the handler may detach it at once.
    held.start(connection)
  }

  /** Closes an accepted descriptor whose client has gone: it is not served. */
  skip(fd: number, seq: number, listener: KidListener): void {
    close(fd)
    const connection = new Connection(seq, listener, this, undefined)
    this.#parts.ledger.ended(connection, 'skip')
    this.#parts.slots.release()
    this.#note(true)
  }

  /** Takes a connection out of its slot. Throws Error, see `Kid.detach`. */
  detach(socket: Socket, detached: Detached): void {
    const connection = this.#find(socket)
    const held = connection?.held
    if (connection?.place !== 'slot' || held === undefined || socket.destroyed) {
      throw new Error(
        'detach: this socket is no connection of this kid, or has ended or lost its slot',
      )
    }
    connection.onEnd = this.#detached.add(held, detached)
    this.#parts.status.say(formatChange('detach', connection.seq, 1))
    this.#parts.ledger.detached(connection)
    this.#free(connection)
  }

  #find(socket: Socket): Connection | undefined {
    for (const connection of this.#open) if (connection.held?.socket === socket) return connection
    return undefined
  }

  /** The parent says that other kids have room. Requests that wait here are to be answered as the last of their connections. */
  roomElsewhere(): void {
    for (const connection of this.#parts.slots.waiters as Iterable<Connection>) {
      connection.hadToWait = true
    }
    this.#blocking.room()
  }

  /** Drops everything at once. */
  destroyAll(): void {
    for (const { held } of [...this.#open, ...this.#closing]) held?.destroy()
  }

  // What connections tell.

  park(connection: Connection, isNew: boolean): void {
    if (!this.#parks) return
    const { ledger, slots } = this.#parts
    connection.place = 'parked'
    for (const timer of connection.limits.splice(0)) clearTimeout(timer)
    this.#parked++
    ledger.moved(connection)
    slots.release()
    this.#title.show(slots.working)
    // Its client, and others, may say something in a moment: nobody needs this slot unless somebody waits for an order.
    this.#note(!isNew && this.#parts.anyWaitingNow())
    if (this.#parked > this.#parts.maxParked) this.#thinning ??= setTimeout(this.#thin, thinAfter)
  }

  /** A moment later: what has just come may be about to say something, and then it is not parked. */
  readonly #thin = (): void => {
    this.#thinning = undefined
    const excess = this.#parked - this.#parts.slots.waiting - this.#parts.maxParked
    if (excess > 0) for (const listener of this.crowd) listener(excess)
  }

  resume(connection: Connection): boolean {
    const { ledger, slots } = this.#parts
    if (slots.take()) {
      this.#enter(connection)
      return true
    }
    connection.place = 'waiting'
    slots.wait(connection)
    ledger.waits(slots.waiting)
    this.#note(false)
    return false
  }

  begins(connection: Connection): void {
    this.#parts.ledger.waits(this.#parts.slots.waiting)
    this.#enter(connection)
  }

  giveUp(connection: Connection): void {
    const { slots, ledger } = this.#parts
    connection.place = 'parked'
    slots.forget(connection)
    ledger.waits(slots.waiting)
    this.#note(false)
  }

  complete(connection: Connection): void {
    if (connection.isAtWork?.() === true) {
      this.#awaitApp(connection, performance.now() + worksOn)
      return
    }
    connection.isComplete = true
    this.#closing.add(connection)
    if (connection.onEnd !== undefined) {
      connection.onEnd()
      return
    }
    const { ledger, inheritance } = this.#parts
    ledger.ended(connection, inheritance.features.has('ends') ? connection.ending : 'done')
    this.#free(connection)
    this.#note(true)
  }

  closed(connection: Connection): void {
    if (!connection.isComplete) {
      connection.hasClosed = true
      return
    }
    this.#closing.delete(connection)
    if (this.count === 0) this.#onNone()
  }

  heldUp(milliseconds: number): void {
    this.#blocking.returned(milliseconds)
  }

  /** The app of a connection whose client has gone is at work on: the slot is not another's before it has ended, or is given up. */
  #awaitApp(connection: Connection, until: number): void {
    setTimeout(() => {
      if (connection.isAtWork?.() === true && performance.now() < until) {
        this.#awaitApp(connection, until)
        return
      }
      connection.isAtWork = undefined
      this.complete(connection)
      if (connection.hasClosed) this.closed(connection)
    }, lookForEnd)
  }

  /** A parked connection is in a slot again. */
  #enter(connection: Connection): void {
    const { ledger, slots, status, inheritance } = this.#parts
    const waited = this.#blocking.hasWaited(connection.fd)
    if (waited === 'ask') {
      // As one that waits, which it did; the next word says how many do now.
      status.flush()
      status.say(ledger.sayWaiting(slots.waiting + 1))
    } else if (waited === 'yes') connection.hadToWait = true
    connection.place = 'slot'
    connection.renewed ||= connection.labelled || inheritance.settings.renews
    connection.labelled = false
    this.#parked--
    this.#limitWork(connection)
    ledger.moved(connection)
    this.#title.show(slots.working)
    if (this.#blocking.isToBeTold && ledger.toldHeld < slots.working) status.flush()
    else this.#note(false)
  }

  #free(connection: Connection): void {
    const { slots } = this.#parts
    for (const timer of connection.limits.splice(0)) clearTimeout(timer)
    clearTimeout(connection.firstByte)
    connection.open = false
    this.#open.delete(connection)
    if (connection.place === 'slot') slots.release()
    else {
      this.#parked--
      if (connection.place === 'waiting') {
        connection.place = 'parked'
        slots.forget(connection)
        this.#parts.ledger.waits(slots.waiting)
      }
    }
    this.#title.show(slots.working)
  }

  /**
   * The parent should know soon when a kid has nothing left to do, and when it may be waiting for a slot: of a kid that is
   * full as far as it knows, once half of its slots are free.
   */
  #note(maySoon: boolean): void {
    const { ledger, slots, status, inheritance } = this.#parts
    if (!ledger.pending) return
    const most = inheritance.settings.slots
    const untold = ledger.toldHeld - slots.working
    const isFull = ledger.toldHeld >= most && untold * 2 >= most
    status.note(maySoon && untold > 0 && (slots.working === 0 || isFull))
  }

  #limit(connection: Connection, { socket }: Held): void {
    const { firstByteTimeout } = this.#parts.inheritance.settings
    this.#limitWork(connection)
    if (firstByteTimeout === undefined || socket === undefined) return
    connection.firstByte = setTimeout(() => {
      // Held up, the kid may not have read what is there.
      if (socket.bytesRead > 0 || socket.destroyed) return
      if (connection.fd === undefined || !isReadable(connection.fd)) connection.end('cut')
    }, firstByteTimeout)
  }

  #limitWork(connection: Connection): void {
    const { connectionTimeout } = this.#parts.inheritance.settings
    if (connectionTimeout === undefined) return
    connection.limits.push(setTimeout(() => connection.end('cut'), connectionTimeout))
  }

  #lookLater(): void {
    this.#looking = setTimeout(() => this.#look(), lookEvery).unref()
  }

  /** Looks at those that were there a while ago. What is parked is being read from, and tells by itself. */
  #look(): void {
    this.#looking = undefined
    for (const connection of this.#open) {
      if (connection.seen && connection.place !== 'parked') connection.held?.look?.()
      connection.seen = true
    }
    // No connection, no look: an idle kid sleeps.
    if (this.#open.size > 0) this.#lookLater()
  }
}
