/** What a row is run in: a directory, a seed, a ledger of who was served, the servers it starts, and the look at them when it is over. */

import { randomUUID } from 'node:crypto'
import { chmodSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PreforkerOptions } from 'preforkd'
import { randomFrom } from '../../src/herd/random.js'
import { until, withEnvironment } from '../process/processes.js'
import { type Launch, Server } from './server.js'

/** The path of a file under test/fixtures. */
export function fixture(path: string): string {
  return fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url))
}

/** The options of a server whose kids are a foreign program under test/fixtures/kids; those in BAD_KIDS, by default the first, misbehave. */
export function hostile(name: string, env: Record<string, string> = {}): PreforkerOptions {
  return { kid: [process.execPath, fixture(`kids/${name}.js`)], env }
}

export class Bed {
  /** All that is random in the row comes from it. */
  readonly seed: number
  /** From 0 to below 1, the same again from the same seed. */
  readonly random: () => number
  /** Removed when the row is over. */
  readonly directory = realpathSync(mkdtempSync(join(tmpdir(), 'preforkd-fault-')))
  readonly servers: Server[] = []
  /** What the row measured, in milliseconds, beside what the look at its end does. */
  readonly figures: Record<string, number> = {}
  /** How many clients may have failed beside those that counters explain, and why. */
  readonly excuses: { count: number; why: string }[] = []
  readonly #ends: (() => unknown)[] = []
  readonly #lastEnds: (() => unknown)[] = []
  readonly #mark = `PREFORKD_FAULT_ROW=${randomUUID()}`
  #lastId = 0

  constructor(seed: number) {
    this.seed = seed
    this.random = randomFrom(seed)
    // Kids may run as somebody else.
    chmodSync(this.directory, 0o755)
    writeFileSync(this.ledger, '')
    chmodSync(this.ledger, 0o666)
  }

  /** Whom the handler has served: lines of `ID PID`. */
  get ledger(): string {
    return this.path('ledger')
  }

  path(name: string): string {
    return join(this.directory, name)
  }

  /** Starts the library, with our handler unless the options say otherwise; settles once it serves. */
  async serve(options: PreforkerOptions = {}, launch: Omit<Launch, 'args'> = {}): Promise<Server> {
    return this.launch({ ...launch, options }).ready()
  }

  /** Starts the command; settles once it serves. */
  async command(args: readonly string[], launch: Omit<Launch, 'options'> = {}): Promise<Server> {
    return this.launch({ ...launch, args }).ready()
  }

  /** Starts the library or the command, and waits for nothing. */
  launch(launch: Launch): Server {
    const own = { FAULTS_LEDGER: this.ledger }
    const env = { ...own, ...launch.env }
    const server = new Server(
      launch.args === undefined
        ? { ...launch, env, options: withHandler(launch.options ?? {}) }
        : { ...launch, env, args: completed(launch.args) },
      this.#mark,
      () => ++this.#lastId,
    )
    this.servers.push(server)
    return server
  }

  /** So many failed clients are as they should be, though no counter has them. */
  excuse(count: number, why: string): void {
    this.excuses.push({ count, why })
  }

  /** To be done when the row is over, whatever became of it: the last first. */
  finally(end: () => unknown): void {
    this.#ends.unshift(end)
  }

  /** The same, but once nothing that the row started runs any more. */
  atLast(end: () => unknown): void {
    this.#lastEnds.unshift(end)
  }

  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number {
    return least + Math.floor(this.random() * (most - least + 1))
  }

  /** Whatever the row started and that runs still, whoever its parent is by now. */
  left(): number[] {
    return withEnvironment(this.#mark)
  }

  /** Undoes all that is left; after the look. */
  async clear(): Promise<void> {
    for (const end of this.#ends) await end()
    for (const server of this.servers) for (const client of server.clients) void client.drop()
    for (const pid of this.left()) process.kill(pid, 'SIGKILL')
    await until(() => this.left().length === 0, 'what was killed to be gone')
    for (const end of this.#lastEnds) await end()
    rmSync(this.directory, { recursive: true, force: true })
  }
}

const ourHandler = fileURLToPath(new URL('./handler.js', import.meta.url))

function withHandler(options: PreforkerOptions): PreforkerOptions {
  const { handler, program, kid, server } = options
  const own = [handler, program, kid, server].some((each) => each !== undefined)
  return { logLevel: 'debug', ...(own ? {} : { handler: ourHandler }), ...options }
}

function completed(args: readonly string[]): string[] {
  const has = (...flags: string[]) => args.some((arg) => flags.includes(arg.split('=')[0] ?? ''))
  return [
    ...(has('--listen', '--config') ? [] : ['--listen', '127.0.0.1:0']),
    ...(has('--handler', '--kid', '--program', '--server', '--config')
      ? []
      : ['--handler', ourHandler]),
    ...args,
  ]
}
