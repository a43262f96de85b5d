/** Takes orders: reads commands, accepts without ever blocking, answers, and only then serves. */

import { mayAcceptAgain } from '../core/accept-errors.js'
import { LineSplitter } from '../protocol/line-splitter.js'
import { type Command, formatAccepted, formatFailed, parseCommand } from '../protocol/lines.js'
import { accept, clientIsGone, close, isReadable, read } from '../system/descriptors.js'
import { errnoName } from '../system/errno.js'
import { Watch } from '../system/watch.js'
import type { Connections } from './connections.js'
import type { Inheritance, InheritedListener } from './inheritance.js'
import type { Ledger } from './ledger.js'
import type { Slots } from './slots.js'
import type { StatusPipe } from './status-pipe.js'

/** What an order can meet beside the connections it is for; more in one order is a storm, and the parent had better know. */
const mostRetries = 16

/** What the parent's other commands are for. */
export interface OrderEars {
  /** The parent says so, or is gone. */
  leave(): void
  pressure(): void
  report(): void
  room(): void
  unpark(): void
}

/** What orders are performed with. */
export interface OrderParts {
  readonly inheritance: Inheritance
  readonly status: StatusPipe
  readonly ledger: Ledger
  readonly slots: Slots
}

export class Orders {
  readonly #parts: OrderParts
  readonly #listeners: readonly InheritedListener[]
  readonly #isGone: ((fd: number) => boolean) | undefined
  readonly #connections: Connections
  readonly #on: OrderEars
  readonly #commandFd: number
  readonly #watch: Watch
  readonly #lines: LineSplitter
  readonly #buffer = Buffer.allocUnsafe(4096)
  #listening = true
  #askedAt = 0
  #anyWaited = false

  constructor(parts: OrderParts, connections: Connections, on: OrderEars) {
    const { inheritance } = parts
    const { skipGone, protocol } = inheritance.settings
    this.#parts = parts
    this.#listeners = inheritance.listeners
    if (skipGone && inheritance.features.has('ends')) {
      this.#isGone = (fd) => clientIsGone(fd, protocol !== 'tcp')
    }
    this.#connections = connections
    this.#on = on
    this.#commandFd = inheritance.commandFd
    // The parent's lines are never too long; if one is, it is not our parent.
    this.#lines = new LineSplitter((line) => this.#obey(parseCommand(line)), on.leave)
    this.#watch = new Watch(this.#commandFd, () => this.#read())
  }

  /** Begins to read commands. They keep the process alive until `close`. */
  start(): void {
    this.#watch.start()
  }

  /** Takes nothing more from the listeners: they are closed, and orders that cross are answered with 0. */
  closeListeners(): void {
    if (!this.#listening) return
    this.#listening = false
    for (const { fd } of this.#listeners) close(fd)
  }

  /** Whether connections wait at any of the listeners. */
  get anyWaiting(): boolean {
    return this.#listening && this.#listeners.some(({ fd }) => isReadable(fd))
  }

  /** The same, asked for each slot that falls free: the kernel is asked once a millisecond at most. */
  anyWaitingNow(): boolean {
    const now = performance.now()
    if (now - this.#askedAt >= 1) {
      this.#askedAt = now
      this.#anyWaited = this.anyWaiting
    }
    return this.#anyWaited
  }

  /** Lets the process end although commands may come. */
  unref(): void {
    this.#watch.unref()
  }

  /** Undoes that. */
  ref(): void {
    this.#watch.ref()
  }

  #read(): void {
    const bytes = read(this.#commandFd, this.#buffer)
    if (bytes > 0) {
      this.#lines.feed(this.#buffer, bytes)
      return
    }
    if (bytes < 0 && mayAcceptAgainLater(bytes)) return
    // End of file, or a pipe that cannot be read: the parent is gone either way.
    this.#watch.stop()
    this.#on.leave()
  }

  #obey(command: Command): void {
    switch (command.type) {
      case 'accept':
        this.#accept(command.seq, command.listener, command.count)
        return
      case 'leave':
        this.#on.leave()
        return
      case 'pressure':
        this.#on.pressure()
        return
      case 'report':
        this.#on.report()
        return
      case 'room':
        this.#on.room()
        return
      case 'unpark':
        this.#on.unpark()
        return
      case 'unknown':
      // A later parent may say more than we know.
    }
  }

  #accept(seq: number, number: number, wanted: number): void {
    const { status, ledger, slots } = this.#parts
    const listener = this.#listeners[number]
    if (!this.#listening || listener === undefined) {
      status.say(formatAccepted(seq, 0))
      return
    }
    // Parked connections may have taken slots meanwhile: that is told before the answer.
    const count = Math.min(wanted, slots.free)
    const accepted: number[] = []
    let failure = ''
    for (let retries = 0; accepted.length < count && retries < mostRetries; ) {
      const fd = accept(listener.fd)
      if (fd >= 0) {
        accepted.push(fd)
        continue
      }
      const code = errnoName(fd)
      if (mayAcceptAgain(code)) {
        retries++
        continue
      }
      if (code !== 'EAGAIN') failure = code
      break
    }
    const answer =
      failure === ''
        ? formatAccepted(seq, accepted.length)
        : formatFailed(seq, accepted.length, failure)
    status.say(answer)
    ledger.accepted(accepted.length)
    slots.ordered(accepted.length, count === 0)
    for (const fd of accepted) {
      if (this.#isGone?.(fd)) this.#connections.skip(fd, seq, listener)
      else this.#connections.begin(fd, seq, listener)
    }
  }
}

function mayAcceptAgainLater(result: number): boolean {
  const code = errnoName(result)
  return code === 'EAGAIN' || code === 'EINTR'
}
