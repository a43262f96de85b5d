/** A command under a load that does not end while it is reloaded, upgraded and stopped; used by the tests of signals. */

import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SocketAddress } from 'preforkd'
import type { Test } from 'tap'
import { Run } from '../cli/run.js'
import { Client, type Outcome } from './client.js'
import { isAlive, offspring, until, within } from './processes.js'

/** A handler that answers with its version and its pid. */
export function version(name: string): string {
  return `export default (socket) => {
  socket.on('error', () => {})
  socket.end('${name} ' + process.pid + '\\n')
}\n`
}

/** A directory that a server is deployed to; removed after the test. */
export class Deploy {
  readonly directory = realpathSync(mkdtempSync(join(tmpdir(), 'preforkd-')))
  readonly handler = this.path('handler.mjs')

  constructor(t: Test, text = version('one')) {
    this.write(text)
    t.teardown(() => rmSync(this.directory, { recursive: true, force: true }))
  }

  path(name: string): string {
    return join(this.directory, name)
  }

  write(text: string, name = 'handler.mjs'): void {
    writeFileSync(this.path(name), text)
  }
}

/** A command, its heirs, and whoever connects to them. */
export class Signalled {
  readonly run: Run
  readonly clients: Clients
  /** Nobody is left who could say anything. */
  #closed = false

  constructor(t: Test, args: readonly string[], socket?: string) {
    const listen = socket === undefined ? '127.0.0.1:0' : `unix:${socket}`
    this.run = new Run(t, ['--listen', listen, ...args])
    this.clients = new Clients(() => this.address(socket))
    void this.run.ended.then(() => {
      this.#closed = true
    })
  }

  /** Lines of the log that match. */
  lines(pattern: RegExp): string[] {
    return this.run.log.map(({ msg }) => msg).filter((msg) => pattern.test(msg))
  }

  /** Settles once so many lines of the log match, of whatever parent. */
  async said(pattern: RegExp, count = 1): Promise<string> {
    await until(
      () => this.#closed || this.lines(pattern).length >= count,
      `${count} log lines like ${pattern}`,
      15_000,
    ).catch((error: Error) => {
      throw new Error(`${error.message}:\n${this.run.stderr}`)
    })
    const line = this.lines(pattern)[count - 1]
    if (line === undefined) throw new Error(`ended without ${pattern}:\n${this.run.stderr}`)
    return line
  }

  /** The pid of the parent that was last ready. */
  get parent(): number {
    const line = this.lines(/^ready: /).at(-1)
    return Number(/pid (\d+)$/.exec(line ?? '')?.[1])
  }

  get kids(): number[] {
    return offspring(this.parent)
  }

  /** Settles once there are so many kids. */
  async haveKids(count: number): Promise<void> {
    await until(() => this.kids.length === count, `${count} kids`)
  }

  signal(name: NodeJS.Signals, pid = this.parent): void {
    process.kill(pid, name)
  }

  /** One connection: what was answered, or what became of it. */
  async ask(): Promise<string> {
    const { result, text } = await new Client(this.clients.address()).outcome
    return result === 'ok' ? text.trim() : result
  }

  /** Settles once all the answers are of a version. */
  async serves(name: string): Promise<void> {
    const deadline = performance.now() + 10_000
    while (!(await this.ask()).startsWith(`${name} `)) {
      if (performance.now() > deadline) throw new Error(`never served ${name}`)
    }
  }

  /** Stops the last parent gracefully and sees that nothing is left: no process, no file. */
  async end(t: Test, files: readonly string[] = []): Promise<void> {
    const failed = await this.clients.stop()
    t.same(failed, [], 'no client has failed')
    if (isAlive(this.parent)) this.signal('SIGTERM')
    t.equal(await this.run.end(t), 0, 'exit code')
    t.same(files.filter(existsSync), [], 'no file is left')
  }

  private address(socket: string | undefined): SocketAddress {
    if (socket !== undefined) return { kind: 'unix', name: '', path: socket } as SocketAddress
    const [, port = ''] = /:(\d+), pid/.exec(this.lines(/^ready: /)[0] ?? '') ?? []
    return { kind: 'tcp', name: '', host: '127.0.0.1', port: Number(port) }
  }
}

/** Clients that connect again and again. */
export class Clients {
  readonly address: () => SocketAddress
  readonly outcomes: Outcome[] = []
  #loops: Promise<void>[] = []
  #over = false

  constructor(address: () => SocketAddress) {
    this.address = address
  }

  begin(count: number): void {
    this.#loops = Array.from({ length: count }, async () => {
      while (!this.#over) this.outcomes.push(await new Client(this.address()).outcome)
    })
  }

  /** Settles once so many more connections have been served. */
  async more(count: number): Promise<void> {
    const goal = this.outcomes.length + count
    await until(() => this.outcomes.length >= goal, `${count} more connections`)
  }

  /** Ends it; gives whatever did not end well. */
  async stop(): Promise<string[]> {
    this.#over = true
    await within(Promise.all(this.#loops), 'clients to end')
    return this.outcomes.filter(({ result }) => result !== 'ok').map(({ result }) => result)
  }
}

/** What a pid file says at this moment, or what the one says that an upgrade has put aside. */
export function pidIn(path: string): number {
  for (const name of [path, `${path}.old`]) {
    try {
      return Number(readFileSync(name, 'latin1'))
    } catch {
      // Not there: then the other is.
    }
  }
  return Number.NaN
}
