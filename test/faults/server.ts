/** A server of a row in a process of its own: the library, or the command; started, watched, asked, and ended. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { PreforkerEvents, PreforkerOptions, ServerStatus, SocketAddress } from 'preforkd'
import { isAlive, offspring, until, within } from '../process/processes.js'
import { Asked, type AskedOptions } from './asked.js'

const library = fileURLToPath(new URL('./server-process.js', import.meta.url))
const command = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/** How a server is started. */
export interface Launch {
  /** Options of the library; or else `args` of the command. */
  readonly options?: PreforkerOptions
  readonly args?: readonly string[]
  /** What stands before `node` on the command line: strace, prlimit, setpriv. It must become the parent, not start it. */
  readonly prefix?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Events to hear of beside the usual: 'order', 'done', 'round' come for each connection. */
  readonly tell?: readonly (keyof PreforkerEvents)[]
  /** Exit codes, or signals, with which it may end by itself; without any it must live until the row is over. */
  readonly mayEnd?: readonly (number | NodeJS.Signals)[]
  /** Connections or orders are left that nobody will end. */
  readonly unfinished?: boolean
  /** When the row is over nobody can be served. */
  readonly outOfService?: boolean
}

export interface LogLine {
  readonly level: number
  readonly msg: string
  readonly kid?: number
  readonly [key: string]: unknown
}

/** How the loop of the parent was held up, in milliseconds: in turns without a spawn, and with one. */
export interface Stalls {
  readonly largest: number
  readonly spawning: number
}

export type Status = ServerStatus & { readonly descriptors: number; readonly stalls: Stalls }

/** What the library's process says last: `extra` is descriptors more than before it began. */
export interface End {
  readonly status: ServerStatus
  readonly extra: number
  readonly stalls: Stalls
}

export type Told<Name extends keyof PreforkerEvents> = {
  readonly at: number
} & (PreforkerEvents[Name] extends [infer What] ? What : unknown)

/** Milliseconds for standard error to end after its process, and for its messages to have come. */
const hearFor = 500
const tellFor = 10_000

export class Server {
  readonly process: ChildProcess
  readonly launch: Launch
  readonly clients: Asked[] = []
  stderr = ''
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>
  /** Undefined as long as it runs. */
  exit: number | NodeJS.Signals | null | undefined
  end: End | undefined
  readonly #events: { event: string; at: number; told: object }[] = []
  readonly #asked = new Map<number, (answer: { value?: unknown; error?: string }) => void>()
  readonly #nextId: () => number
  #questions = 0
  #parsed = { upTo: 0, lines: [] as LogLine[] }

  /** `mark` is a variable by which whatever it starts is found again. */
  constructor(launch: Launch, mark: string, nextId: () => number) {
    this.launch = launch
    this.#nextId = nextId
    const { options, args, prefix = [], env, cwd, tell = [] } = launch
    const [name = '', value = ''] = mark.split('=')
    const program =
      args === undefined ? [library, JSON.stringify({ options, tell })] : [command, ...args]
    const [first = '', ...rest] = [...prefix, process.execPath, ...program]
    this.process = spawn(first, rest, {
      stdio: ['ignore', 'ignore', 'pipe', ...(args === undefined ? (['ipc'] as const) : [])],
      env: { PATH: process.env.PATH, ...env, [name]: value },
      ...(cwd === undefined ? {} : { cwd }),
    })
    this.process.stderr?.setEncoding('utf8').on('data', (text) => {
      this.stderr += text
    })
    this.process.on('message', (message) => this.#onMessage(message as Message))
    const disconnected: Promise<unknown> = this.isLibrary
      ? once(this.process, 'disconnect')
      : Promise.resolve()
    disconnected.catch(() => {})
    this.ended = new Promise((resolve, reject) => {
      this.process.once('error', reject)
      this.process.once('exit', (code, signal) => {
        const exit = signal ?? code
        this.exit = exit
        // What it said last may still be on its way; who lives on and has standard error from it may never close it, but
        // nobody else has its messages, so those are not given up so soon.
        const heard = within(once(this.process, 'close'), 'its last words', hearFor)
        const told = within(disconnected, 'its last messages', tellFor)
        void Promise.allSettled([heard, told]).then(() => resolve(exit))
      })
    })
    this.ended.catch(() => {})
  }

  /** Whether it is the library, which can be asked for its status. */
  get isLibrary(): boolean {
    return this.launch.args === undefined
  }

  /** The parent's pid: after an upgrade that of the last one that was ready. */
  get pid(): number {
    const line = [...this.log].reverse().find(({ msg }) => msg.startsWith('ready: '))
    return Number(/pid (\d+)$/.exec(line?.msg ?? '')?.[1] ?? this.process.pid)
  }

  /** The pids of its kids now, as the system has them. */
  get kids(): number[] {
    return offspring(this.pid)
  }

  /** The log so far; lines that are no record are left out. */
  get log(): readonly LogLine[] {
    const upTo = this.stderr.lastIndexOf('\n') + 1
    for (const line of this.stderr.slice(this.#parsed.upTo, upTo).split('\n')) {
      if (line.startsWith('{') && line.endsWith('}')) this.#parsed.lines.push(JSON.parse(line))
    }
    this.#parsed.upTo = upTo
    return this.#parsed.lines
  }

  /** Messages of the log that match. */
  lines(pattern: RegExp): string[] {
    return this.log.map(({ msg }) => msg).filter((msg) => pattern.test(msg))
  }

  /** Settles once so many lines of the log match; gives the last of these. */
  async logged(pattern: RegExp, count = 1, limit?: number): Promise<string> {
    const what = `${count} log lines like ${pattern}`
    await until(() => this.exit !== undefined || this.lines(pattern).length >= count, what, limit)
    const line = this.lines(pattern)[count - 1]
    if (line === undefined) throw new Error(`ended (${this.exit}) without ${what}`)
    return line
  }

  /** Settles once it serves: all the kids it starts with are up. */
  async ready(): Promise<this> {
    await this.logged(/^ready: /, 1, 20_000)
    return this
  }

  /** Where it listens. */
  address(listener = 0): SocketAddress {
    const ready = this.log.find(({ msg }) => msg.startsWith('ready: '))
    const text = (ready?.addresses as string[] | undefined)?.[listener] ?? ''
    if (text.startsWith('unix:'))
      return { kind: 'unix', name: '', path: text.slice(5) } as SocketAddress
    const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(text) ?? []
    return { kind: 'tcp', name: '', host, port: Number(port) }
  }

  /** A new connection: `what` the handler is to do with it (see handler.js), which by default is to answer. */
  client(what = '', options: AskedOptions = {}): Asked {
    const client = new Asked(this.address(options.listener), this.#nextId(), what, options)
    this.clients.push(client)
    return client
  }

  /** What the library has told so far under a name. */
  events<Name extends keyof PreforkerEvents>(name: Name): Told<Name>[] {
    return this.#events
      .filter(({ event }) => event === name)
      .map(({ at, told }) => ({ at, ...told }) as unknown as Told<Name>)
  }

  /** Settles once so many events of a name match; those of the past count. */
  async event<Name extends keyof PreforkerEvents>(
    name: Name,
    matches: (told: Told<Name>) => boolean = () => true,
    count = 1,
    limit?: number,
  ): Promise<Told<Name>> {
    const found = () => this.events(name).filter(matches)
    await until(() => found().length >= count, `${count} events '${name}'`, limit)
    return found()[count - 1] as Told<Name>
  }

  /** The scoreboard and the counters, of the library only. */
  status(): Promise<Status> {
    return this.ask('status') as Promise<Status>
  }

  /** Settles once the status is as wanted; gives it. */
  async statusIs(wanted: (status: Status) => boolean, what: string): Promise<Status> {
    const deadline = performance.now() + 10_000
    for (;;) {
      const status = await this.status()
      if (wanted(status)) return status
      if (performance.now() > deadline)
        throw new Error(`waited in vain for ${what}: ${JSON.stringify(status)}`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  /** Has the library do something: see server-process.js. */
  ask(
    deed: 'status' | 'stop' | 'reload' | 'resize' | 'hold',
    argument?: unknown,
  ): Promise<unknown> {
    const number = ++this.#questions
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#asked.set(number, ({ value, error }) =>
        error === undefined ? resolve(value) : reject(new Error(error)),
      )
      this.process.send({ number, deed, argument }, (error) => {
        if (error) reject(new Error(`the server cannot be asked for '${deed}': ${error.message}`))
      })
    })
    return within(answer, `the server's answer to '${deed}'`, 40_000)
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name)
  }

  /** Whether its parent, or an heir, is there. */
  get runs(): boolean {
    return isAlive(this.pid)
  }

  /** Stops it, and waits until its process has ended. */
  async stop(graceful = true): Promise<void> {
    // The process may end before its answer is heard.
    if (this.isLibrary) void this.ask('stop', graceful).catch(() => {})
    else this.signal(graceful ? 'SIGTERM' : 'SIGINT')
    await within(this.ended, 'the server to end', 40_000)
    await until(() => !this.runs, 'the last parent to end')
  }

  #onMessage(message: Message): void {
    if ('event' in message) this.#events.push(message)
    else if ('end' in message) this.end = message.end
    else this.#asked.get(message.number)?.(message)
  }
}

type Message =
  | { event: string; at: number; told: object }
  | { end: End }
  | { number: number; value?: unknown; error?: string }
