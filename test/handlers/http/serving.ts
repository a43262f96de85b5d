/** Serves HTTP in the process of the test, over real sockets, with a kid that says what the test has it say. */

import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { pino } from 'pino'
import type { Test } from 'tap'
import type { Handler, Kid } from '../../../src/handlers/handler.js'
import type { HttpOptions } from '../../../src/handlers/http/limits.js'
import { serveTcp } from '../../../src/handlers/tcp.js'
import { http } from '../../../src/http.js'
import { Client, type Outcome } from '../../process/client.js'
import { until, within } from '../../process/processes.js'

export class Serving {
  /** What the kid says when it is asked whether connections wait; a number counts down to yes. */
  waiting: boolean | number = false
  readonly drain = new AbortController()
  readonly log: { level: number; msg: string; err?: Error }[] = []
  /** How many connections are not complete. */
  open = 0
  readonly port: number
  readonly #pressure = new Set<() => void>()
  readonly #clients: Client[] = []

  private constructor(port: number) {
    this.port = port
  }

  /** Listens on loopback; after the test, connections are dropped and must be complete then. */
  static async start(t: Test, handler: Handler): Promise<Serving> {
    const server = createServer((socket) => {
      serving.open++
      serveTcp(handler, socket, kid, () => serving.open--)
    })
    // So it is not taken for one that an app has made.
    server.listen(0, '127.0.0.1').unref()
    await once(server, 'listening')
    const serving = new Serving((server.address() as AddressInfo).port)
    const log = pino(
      { level: 'debug', base: null },
      { write: (line) => void serving.log.push(JSON.parse(line)) },
    )
    const kid = {
      number: 7,
      log,
      signal: serving.drain.signal,
      waiting: () => {
        if (typeof serving.waiting === 'boolean') return serving.waiting
        return serving.waiting-- <= 0
      },
      onPressure: (listener: () => void) => {
        serving.#pressure.add(listener)
        return () => serving.#pressure.delete(listener)
      },
    } as Partial<Kid> as Kid
    t.teardown(async () => {
      for (const client of serving.#clients) await client.drop()
      await until(() => serving.open === 0, 'connections to be complete')
      const closed = once(server, 'close')
      server.close()
      await within(closed, 'the server to close')
    })
    return serving
  }

  /** The parent says that connections wait. */
  press(): void {
    for (const listener of this.#pressure) listener()
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
export function serve(t: Test, app: unknown, options?: HttpOptions): Promise<Serving> {
  return Serving.start(t, http(app, options))
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
