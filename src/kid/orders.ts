/** Takes orders: reads commands, accepts without ever blocking, answers, and only then serves. */

import { mayAcceptAgain } from '../core/accept-errors.js'
import { LineSplitter } from '../protocol/line-splitter.js'
import { type Command, formatAccepted, formatFailed, parseCommand } from '../protocol/lines.js'
import { accept, close, isReadable, read } from '../system/descriptors.js'
import { errnoName } from '../system/errno.js'
import { Watch } from '../system/watch.js'
import type { Connections } from './connections.js'
import type { Inheritance, InheritedListener } from './inheritance.js'
import type { StatusPipe } from './status-pipe.js'

/** What an order can meet beside the connections it is for; more in one order is a storm, and the parent had better know. */
const mostRetries = 16

/** What the parent's other commands are for. */
export interface OrderEars {
  /** The parent says so, or is gone. */
  leave(): void
  pressure(): void
  report(): void
}

export class Orders {
  readonly #listeners: readonly InheritedListener[]
  readonly #status: StatusPipe
  readonly #connections: Connections
  readonly #on: OrderEars
  readonly #commandFd: number
  readonly #watch: Watch
  readonly #lines: LineSplitter
  readonly #buffer = Buffer.allocUnsafe(4096)
  #listening = true

  constructor(
    inheritance: Inheritance,
    status: StatusPipe,
    connections: Connections,
    on: OrderEars,
  ) {
    this.#listeners = inheritance.listeners
    this.#status = status
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

  /** Reads no more commands. */
  close(): void {
    this.#watch.close()
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
      case 'unknown':
      // A later parent may say more than we know.
    }
  }

  #accept(seq: number, number: number, count: number): void {
    const listener = this.#listeners[number]
    if (!this.#listening || listener === undefined) {
      this.#status.say(formatAccepted(seq, 0))
      return
    }
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
    this.#status.say(answer)
    for (const fd of accepted) this.#connections.begin(fd, seq, listener)
  }
}

function mayAcceptAgainLater(result: number): boolean {
  const code = errnoName(result)
  return code === 'EAGAIN' || code === 'EINTR'
}
