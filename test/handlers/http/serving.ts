/** Serves HTTP in the process of the test, over real sockets, with a kid that says what the test has it say. */

import { pino } from 'pino'
import type { Test } from 'tap'
import type { Handler, Kid } from '../../../src/handlers/handler.js'
import type { HttpOptions } from '../../../src/handlers/http/limits.js'
import { type Slot, slotOfKid } from '../../../src/handlers/slot.js'
import { http } from '../../../src/http.js'
import { Slots, type Waiter } from '../../../src/kid/slots.js'
import { Client, type Outcome } from '../../process/client.js'
import { until } from '../../process/processes.js'
import { type Accepting, startAccepting } from '../accepting.js'

/** What a test asks of the kid. */
export interface ServingOptions {
  readonly slots?: number
  /** How long a request may wait for a slot. */
  readonly patience?: number
}

export class Serving {
  /** Whether responses are to be the last of their connections. */
  shouldEnd = false
  readonly drain = new AbortController()
  readonly log: { level: number; msg: string; err?: Error }[] = []
  /** How many connections are not complete, how many of them are parked, and how many were ended by a limit. */
  open = 0
  parked = 0
  cut = 0
  /** How many have begun to linger or have closed. */
  complete = 0
  recycled = 0
  /** How many clients have gone with a request unanswered. */
  gone = 0
  readonly slots: Slots
  readonly #patience: number | undefined
  #accepting: Accepting | undefined
  readonly #unpark = new Set<() => void>()
  readonly #crowd = new Set<(excess: number) => void>()
  readonly #clients: Client[] = []

  private constructor({ slots = 100, patience }: ServingOptions) {
    this.slots = new Slots(slots, 5, { anyWaiting: () => false, tell: () => {} })
    this.#patience = patience
  }

  /** Listens on loopback; after the test, connections are dropped and must be gone then. */
  static async start(t: Test, handler: Handler, options: ServingOptions = {}): Promise<Serving> {
    const serving = new Serving(options)
    await serving.#start(t, handler)
    return serving
  }

  async #start(t: Test, handler: Handler): Promise<void> {
    const log = pino(
      { level: 'debug', base: null },
      { write: (line) => void this.log.push(JSON.parse(line)) },
    )
    let slot: Slot
    const kid = (): Kid => {
      slot = this.#newSlot()
      return {
        number: 7,
        log,
        signal: this.drain.signal,
        recycle: () => void this.recycled++,
        [slotOfKid]: slot,
      } as Partial<Kid> as Kid
    }
    const ears = () => {
      this.open++
      this.slots.ordered(1, false)
      const own = slot as Slot & { end(): void }
      return {
        complete: () => {
          this.complete++
          own.end()
        },
        clientGone: () => {},
        closed: () => void this.open--,
      }
    }
    const where = { kind: 'tcp', name: 'web', host: '127.0.0.1', port: 0 } as const
    this.#accepting = await startAccepting(t, where, { kid, handler, halfOpen: 'auto', ears })
    t.teardown(async () => {
      for (const client of this.#clients) await client.drop()
      await until(() => this.open === 0, 'connections to be gone')
    })
  }

  /** A slot as a kid's connection has one. */
  #newSlot(): Slot & { end(): void } {
    const serving = this
    let place: 'slot' | 'parked' | 'waiting' = 'slot'
    let waits: (() => void) | undefined
    const leave = (to: 'slot' | 'parked' | 'waiting') => {
      if (place === 'parked' || place === 'waiting') serving.parked--
      if (to === 'parked' || to === 'waiting') serving.parked++
      place = to
    }
    const waiter: Waiter = {
      begin: () => {
        leave('slot')
        waits?.()
      },
    }
    return {
      park: () => {
        if (place !== 'slot') return
        leave('parked')
        this.slots.release()
      },
      resume: (begin) => {
        if (place === 'slot') return true
        if (this.slots.take()) {
          leave('slot')
          return true
        }
        leave('waiting')
        waits = begin
        this.slots.wait(waiter)
        return false
      },
      patience: this.#patience,
      giveUp: () => {
        this.slots.forget(waiter)
        leave('parked')
      },
      clientGone: () => void this.gone++,
      isAtWork: undefined,
      isDetached: false,
      cut: () => void this.cut++,
      heldUp: () => {},
      get shouldEnd() {
        return serving.shouldEnd
      },
      onUnpark: (listener) => void this.#unpark.add(listener),
      onCrowd: (listener) => void this.#crowd.add(listener),
      end: () => {
        this.slots.forget(waiter)
        if (place === 'slot') this.slots.release()
        else this.parked--
      },
    }
  }

  get port(): number {
    return this.#accepting?.address.port as number
  }

  /** The parent says that what is parked must end. */
  unpark(): void {
    for (const listener of this.#unpark) listener()
  }

  /** One connection too many is parked. */
  crowd(): void {
    for (const listener of this.#crowd) listener(1)
  }

  /** A new connection, bounded in time. */
  client(send?: string): Client {
    const address = { kind: 'tcp', host: '127.0.0.1', port: this.port, name: 'web' } as const
    const client = new Client(address, send === undefined ? {} : { send })
    this.#clients.push(client)
    return client
  }

  /** Sends all at once and reads to the end. */
  ask(send: string): Promise<Outcome> {
    return this.client(send).outcome
  }
}

/** Serves an app. */
export function serve(
  t: Test,
  app: unknown,
  options?: HttpOptions,
  serving?: ServingOptions,
): Promise<Serving> {
  return Serving.start(t, http(app, options), serving)
}

/** A request without a body. */
export function get(path = '/', headers = ''): string {
  return `GET ${path} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`
}

/** A request with a body, or the beginning of one. */
export function post(length: number, body: string): string {
  return `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n${body}`
}

/** How often a text is in another. */
export function count(text: string, pattern: RegExp): number {
  return [...text.matchAll(new RegExp(pattern, 'g'))].length
}
