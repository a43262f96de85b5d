/** The `kid` that handlers are given: one for the process, and for each connection one that knows its order. */

import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import type { Logger, pino } from 'pino'
import type { Detached, Kid, KidListener } from '../handlers/handler.js'
import { type Slot, slotOfKid } from '../handlers/slot.js'
import { formatLabel, formatShutdown } from '../protocol/lines.js'
import type { Connection } from './connection.js'
import type { Inheritance } from './inheritance.js'
import type { StatusPipe } from './status-pipe.js'

/** What the handle needs of the rest of the kid. */
export interface HandleParts {
  readonly inheritance: Inheritance
  readonly status: StatusPipe
  readonly signal: AbortSignal
  readonly recycle: () => void
  readonly waiting: () => boolean
  readonly pressure: Set<() => void>
  readonly detach: (socket: Socket, detached: Detached) => void
}

export class KidHandle implements Kid {
  readonly #parts: HandleParts
  readonly #connection: Connection | undefined

  constructor(parts: HandleParts, connection?: Connection) {
    this.#parts = parts
    this.#connection = connection
  }

  get number(): number {
    return this.#parts.inheritance.number
  }

  get index(): number {
    return this.#parts.inheritance.index
  }

  get generation(): number {
    return this.#parts.inheritance.generation
  }

  get log(): Logger {
    return openLog(this.#parts.inheritance.settings.logLevel)
  }

  get listener(): KidListener {
    const listener = this.#connection?.listener ?? this.#parts.inheritance.listeners[0]
    return listener as KidListener
  }

  get signal(): AbortSignal {
    return this.#parts.signal
  }

  get gone(): AbortSignal {
    return this.#connection?.gone ?? new AbortController().signal
  }

  /** What the protocols of this package tell of the connection; see handlers/slot.ts. */
  get [slotOfKid](): Slot | undefined {
    return this.#connection
  }

  label(text: string): void {
    const connection = this.#connection
    if (!connection?.open || connection.place !== 'slot') return
    connection.labelled = true
    this.#parts.status.say(formatLabel(connection.seq, text))
  }

  shutdown({ now = false } = {}): void {
    this.#parts.status.say(formatShutdown(!now))
  }

  recycle(): void {
    this.#parts.recycle()
  }

  waiting(): boolean {
    return this.#parts.waiting()
  }

  onPressure(listener: () => void): () => void {
    // Wrapped, so that one function given twice is called twice and ended once.
    const own = () => listener()
    this.#parts.pressure.add(own)
    return () => void this.#parts.pressure.delete(own)
  }

  detach(socket: Socket, detached: Detached): void {
    this.#parts.detach(socket, detached)
  }
}

let log: Logger | undefined

/*
 * Opened when first used: pino takes 20 ms to load, which no kid should spend before it is up. It writes to standard
 * error at once; the parent reads the lines there, adds the kid's number and writes them to where its own log goes.
 */
function openLog(level: string): Logger {
  if (log === undefined) {
    const load = createRequire(import.meta.url)('pino') as typeof pino
    log = load({ level, base: null, timestamp: false }, load.destination({ dest: 2, sync: true }))
  }
  return log
}
