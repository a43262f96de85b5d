/** Runs a test against a server in this process, and sees at its end that nothing is left and everything adds up. */

import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import {
  createPreforker,
  type Preforker,
  type PreforkerEvents,
  type PreforkerOptions,
} from 'preforkd'
import { type Test, test } from 'tap'
import { Client, type ClientOptions, type Outcome } from './client.js'
import { descriptorsOf, isAlive, until, within, zombies } from './processes.js'

/** A line of the server's log. */
export interface LogLine {
  readonly level: number
  readonly msg: string
  readonly time: number
  readonly kid?: number
  readonly [key: string]: unknown
}

/** What a test says about the server beside its options. */
export interface Expectations {
  /** Each must match a line logged as a warning or worse; what matches none of them or of `mayLog` fails the test. */
  readonly logs?: readonly RegExp[]
  readonly mayLog?: readonly RegExp[]
  /** The test leaves connections or orders that nobody will end: no use waiting for that. */
  readonly unfinished?: boolean
}

export type ServerOptions = PreforkerOptions & Expectations

/** An event of the server, and when it came. */
export type Seen<Name extends keyof PreforkerEvents> = {
  at: number
} & (PreforkerEvents[Name] extends [infer Told] ? Told : unknown)

const names = [
  'ready',
  'spawn',
  'idle',
  'order',
  'done',
  'cut',
  'skip',
  'kill',
  'gone',
  'overload',
  'shed',
  'lost',
  'stop',
] as const satisfies readonly (keyof PreforkerEvents)[]

/** The path of a file under test/fixtures. */
export function fixture(path: string): string {
  return fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url))
}

/** The options of a server whose kids are a foreign program: `name` is a file under test/fixtures/kids. */
export function foreign(name: string, env: Record<string, string> = {}): PreforkerOptions {
  return { kid: [process.execPath, fixture(`kids/${name}.js`)], env }
}

/** The option that names a handler under test/fixtures/handlers. */
export function handler(name: string): PreforkerOptions {
  return { handler: fixture(`handlers/${name}.js`) }
}

/** A path for a Unix socket, short enough for one, in a directory that is removed after the test. */
export function socketPath(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'preforkd-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return join(directory, 's')
}

/** Said where the tests are run as root. */
const asRoot = /^kids run as root, like their parent/
/** Of a machine that is held up for 100 ms; tests of overload look at its events. */
const busyMachine = /^overload (begins|is over)/

/** A server under test. */
export class Served {
  readonly server: Preforker
  readonly log: LogLine[] = []
  readonly pids = new Map<number, number>()
  readonly #seen: { name: string; at: number; told: object }[] = []
  readonly #clients: Client[] = []
  readonly #expectations: Expectations
  readonly #descriptors = descriptorsOf()
  readonly #warnings: Error[] = []
  readonly #onWarning = (warning: Error) => void this.#warnings.push(warning)

  constructor({ logs = [], mayLog = [], unfinished = false, ...options }: ServerOptions) {
    this.#expectations = { logs, mayLog, unfinished }
    const log = pino(
      { level: 'debug', base: null },
      { write: (line) => void this.log.push(JSON.parse(line) as LogLine) },
    )
    this.server = createPreforker({
      listen: '127.0.0.1:0',
      log,
      logLevel: 'debug',
      ...options,
      // tap's own hooks are nothing to kids.
      env: { NODE_OPTIONS: '', ...options.env },
    })
    for (const name of names) {
      this.server.on(name, (told: object = {}) => {
        this.#seen.push({ name, at: performance.now(), told })
      })
    }
    this.server.on('spawn', ({ kid, pid }) => this.pids.set(kid, pid))
    process.on('warning', this.#onWarning)
  }

  /** What has been told so far under a name. */
  seen<Name extends keyof PreforkerEvents>(name: Name): Seen<Name>[] {
    return this.#seen
      .filter((event) => event.name === name)
      .map(({ at, told }) => ({ at, ...told }) as unknown as Seen<Name>)
  }

  /** Settles once so many events of a name were told that match; those of the past count. */
  async event<Name extends keyof PreforkerEvents>(
    name: Name,
    matches: (event: Seen<Name>) => boolean = () => true,
    count = 1,
  ): Promise<Seen<Name>> {
    const found = () => this.seen(name).filter(matches)
    await this.until(() => found().length >= count, `${count} events '${name}'`)
    return found()[count - 1] as Seen<Name>
  }

  /** Settles once `done`; asked after every turn of the parent. */
  until(done: () => boolean, what = String(done), milliseconds?: number): Promise<void> {
    if (done()) return Promise.resolve()
    let check = () => {}
    const so = new Promise<void>((resolve) => {
      check = () => done() && resolve()
      // The last event comes when no turn will follow.
      this.server.on('round', check).on('stop', check).on('gone', check)
    })
    return within(so, what, milliseconds).finally(() =>
      this.server.off('round', check).off('stop', check).off('gone', check),
    )
  }

  /** Settles once a line was logged that matches. */
  async logged(pattern: RegExp): Promise<LogLine> {
    const found = () => this.log.find(({ msg }) => pattern.test(msg))
    // Output of kids is logged without a turn of the parent's.
    await until(() => found() !== undefined, `a log line like ${pattern}`)
    return found() as LogLine
  }

  /** A new connection. */
  client(options: ClientOptions = {}, listener = 0): Client {
    const client = new Client(this.server.addresses[listener], options)
    this.#clients.push(client)
    return client
  }

  /** One connection from its beginning to its end. */
  ask(options: ClientOptions = {}, listener = 0): Promise<Outcome> {
    return this.client(options, listener).outcome
  }

  get counters() {
    return this.server.status().counters
  }

  /** The pid of a kid that was spawned. */
  pid(kid: number): number {
    const pid = this.pids.get(kid)
    if (pid === undefined) throw new Error(`kid ${kid} was never spawned`)
    return pid
  }

  /** Pids of the kids alive that are in the scoreboard. */
  get living(): number[] {
    return this.server.status().kids.map(({ pid }) => pid as number)
  }

  /** Ends what is left, then asserts what must be so at the end of every test. */
  async close(t: Test): Promise<void> {
    for (const client of this.#clients) await client.drop()
    if (!this.#expectations.unfinished) await this.#atRest().catch((error) => t.fail(error))
    await within(
      this.server.stop({ graceful: false }).catch(() => {}),
      'the server to stop',
    )
    process.off('warning', this.#onWarning)
    const { phase, kids, counters, states, listeners } = this.server.status()
    t.ok(['stopped', 'new'].includes(phase), `the server has stopped: ${phase}`)
    t.strictSame(kids, [], 'the scoreboard is empty')
    t.ok(
      Object.values(states).every((count) => count === 0),
      'kids of every state are gone',
    )
    t.strictSame([...this.pids.values()].filter(isAlive), [], 'no kid is left')
    t.strictSame(zombies(), [], 'no zombie is left')
    const { accepted, done, cut, skipped, held, lost } = counters
    t.equal(accepted, done + cut + skipped + held + lost, 'counters add up')
    t.equal(counters.held, 0, 'nothing is held')
    t.equal(counters.deaths, counters.spawns, 'every kid that was spawned was reaped')
    // The descriptors of clients and of last words are closed a moment after they end.
    const extra = () => descriptorsOf().length - this.#descriptors.length
    await until(() => extra() <= 0, 'descriptors to be closed', 2_000).catch(() => {})
    if (extra() !== 0) t.strictSame(descriptorsOf(), this.#descriptors, 'descriptors are as before')
    for (const { address } of listeners) {
      if (address.startsWith('unix:'))
        t.notOk(existsSync(address.slice(5)), 'no socket file is left')
    }
    this.#closeLog(t)
    t.strictSame(this.#warnings, [], 'Node.js has warned of nothing')
  }

  /** Settles when kids have said all that they have to say; a client sees the end of its connection before the parent does. */
  #atRest(): Promise<void> {
    return this.until(() => {
      const { phase, counters, states } = this.server.status()
      return phase !== 'running' || counters.held + states.ordered + states.late === 0
    }, 'nothing to be held or ordered')
  }

  #closeLog(t: Test): void {
    const { logs = [], mayLog = [] } = this.#expectations
    const bad = this.log.filter(({ level }) => level >= 40).map(({ msg }) => msg)
    for (const pattern of logs) {
      t.ok(
        bad.some((msg) => pattern.test(msg)),
        `the log warns of ${pattern}`,
        bad.some((msg) => pattern.test(msg)) ? {} : { bad },
      )
    }
    const lawful = [...logs, ...mayLog, asRoot, busyMachine]
    const unexpected = bad.filter((msg) => !lawful.some((p) => p.test(msg)))
    t.strictSame(unexpected, [], 'the log warns of nothing unexpected')
  }
}

/** A test of a server that was started; it is stopped and checked at the end, whatever the body did. */
export function withServer(
  title: string,
  options: ServerOptions | ((t: Test) => ServerOptions),
  body: (t: Test, served: Served) => Promise<void>,
): void {
  withNewServer(title, options, async (t, served) => {
    await within(served.server.start(), 'the server to start', 15_000)
    await body(t, served)
  })
}

/** The same, but the body starts it. */
export function withNewServer(
  title: string,
  options: ServerOptions | ((t: Test) => ServerOptions),
  body: (t: Test, served: Served) => Promise<void>,
): void {
  void test(title, async (t) => {
    const served = new Served(typeof options === 'function' ? options(t) : options)
    try {
      await body(t, served)
    } catch (error) {
      // The log says more about a wait in vain than the wait does.
      t.comment(served.log.map(({ level, msg }) => `${level} ${msg}`).join('\n'))
      t.comment(JSON.stringify(served.server.status()))
      throw error
    } finally {
      await served.close(t)
    }
  })
}
