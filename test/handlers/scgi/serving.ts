/** Serves SCGI in the process of the test, over real sockets, with a kid that only logs; and a client for it. */

import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import type { Test } from 'tap'
import type { Handler, Kid } from '../../../src/handlers/handler.js'
import { until, within } from '../../process/processes.js'
import { startAccepting } from '../accepting.js'

export interface Answer {
  readonly text: string
  /** The code of the error that ended it, if one did. */
  readonly error: string | undefined
}

export class Serving {
  readonly log: { level: number; msg: string; reason?: string; err?: Error }[] = []
  /** Settle when the connections are complete, in the order in which they came. */
  readonly complete: Promise<void>[] = []
  readonly #connect: () => Socket

  private constructor(connect: () => Socket) {
    this.#connect = connect
  }

  /** Listens, on a Unix socket unless said otherwise; closed after the test, which waits for what is open. */
  static async start(t: Test, handler: Handler, kind: 'unix' | 'tcp' = 'unix'): Promise<Serving> {
    const directory = mkdtempSync(join(tmpdir(), 'preforkd-'))
    const path = join(directory, 's')
    const log = pino(
      { level: 'debug', base: null },
      { write: (line) => void serving.log.push(JSON.parse(line)) },
    )
    const kid = { number: 1, log } as Kid
    const where =
      kind === 'unix'
        ? ({ kind, name: 'a', path } as const)
        : ({ kind, name: 'a', host: '127.0.0.1', port: 0 } as const)
    let closed = 0
    const { address, connections } = await startAccepting(t, where, {
      kid: () => kid,
      handler,
      halfOpen: 'on',
      ears: () => {
        let done = () => {}
        serving.complete.push(
          new Promise((resolve) => {
            done = resolve
          }),
        )
        return { complete: done, clientGone: () => {}, closed: () => void closed++ }
      },
    })
    const { port } = address
    const serving: Serving = new Serving(() =>
      port === undefined ? connect(path) : connect(port, '127.0.0.1'),
    )
    t.teardown(async () => {
      await until(() => closed === connections.length, 'the connections to close')
      rmSync(directory, { recursive: true, force: true })
    })
    return serving
  }

  /** A new connection, bounded in time; it stays open until both sides have ended it. */
  client(): Client {
    return new Client(this.#connect())
  }

  /** Sends all at once and reads to the end. */
  ask(bytes: string | Uint8Array): Promise<Answer> {
    const client = this.client()
    client.socket.write(bytes)
    return client.answer
  }

  /** Sends piece by piece, each in a turn of its own, and reads to the end. */
  async askInPieces(pieces: readonly Buffer[]): Promise<Answer> {
    const client = this.client()
    client.socket.setNoDelay()
    await once(client.socket, 'connect')
    for (const piece of pieces) {
      client.socket.write(piece)
      await new Promise((resolve) => setImmediate(resolve))
    }
    return client.answer
  }
}

export class Client {
  readonly socket: Socket
  /** Settles when the connection has closed, however it went. */
  readonly answer: Promise<Answer>
  readonly #pieces: Buffer[] = []

  constructor(socket: Socket) {
    this.socket = socket
    let error: string | undefined
    socket.on('error', (cause: NodeJS.ErrnoException) => {
      error = cause.code
    })
    socket.on('data', (piece: Buffer) => void this.#pieces.push(piece))
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    const answer = closed.then(() => ({ text: this.text, error }))
    this.answer = within(answer, 'the connection to close').finally(() => socket.destroy())
    // Whoever drops the client does not ask.
    this.answer.catch(() => {})
  }

  /** What has come so far. */
  get text(): string {
    return Buffer.concat(this.#pieces).toString('latin1')
  }

  /** Settles when what has come so far ends in this. */
  async heard(end: string): Promise<void> {
    await until(() => this.text.endsWith(end), `the client to hear ${end}`)
  }
}
