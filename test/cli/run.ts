/** Runs the command as a user does, and sees at its end that it left nothing running. */

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import type { SocketAddress } from '../../src/listen-address.js'
import { Client, type ClientOptions } from '../process/client.js'
import { isAlive, offspring, until, withEnvironment, within } from '../process/processes.js'

const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/** The path of a file under test/fixtures. */
export function fixture(path: string): string {
  return fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url))
}

export interface RunOptions {
  readonly env?: Record<string, string>
  readonly cwd?: string
  /** Runs as this user and group instead of ours. */
  readonly uid?: number
  /** Starts it with this descriptor open, as a careless program might. */
  readonly stray?: number
  /** Without tap's hooks, which cost every Node.js process below it some 150 ms of CPU: for those that start many. */
  readonly bare?: boolean
  /** Flags of Node.js itself. */
  readonly flags?: readonly string[]
}

export interface Ready {
  readonly addresses: string[]
  readonly kids: number
  readonly pid: number
  readonly msg: string
}

export class Run {
  readonly process: ChildProcess
  stdout = ''
  stderr = ''
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>
  readonly #mark = `PREFORKD_TEST_RUN=${randomUUID()}`

  constructor(
    t: Test,
    args: readonly string[],
    { env = {}, cwd, uid, stray, bare = false, flags = [] }: RunOptions = {},
  ) {
    const [name = '', value = ''] = this.#mark.split('=')
    const stdio: StdioOptions = ['ignore', 'pipe', 'pipe']
    // What is passed over is closed in the new process.
    if (stray !== undefined) stdio[stray] = 0
    for (let fd = 0; fd < stdio.length; fd++) stdio[fd] ??= 'ignore'
    // tap puts its hooks into the environment of whatever is spawned; env takes them out, and becomes the command.
    const prefix = bare ? ['/usr/bin/env', '-u', 'NODE_OPTIONS'] : []
    const [first = '', ...rest] = [...prefix, process.execPath, ...flags, program, ...args]
    this.process = spawn(first, rest, {
      stdio,
      env: { PATH: process.env.PATH, [name]: value, ...env },
      ...(cwd === undefined ? {} : { cwd }),
      ...(uid === undefined ? {} : { uid, gid: uid }),
    })
    this.process.stdout?.setEncoding('utf8').on('data', (text) => {
      this.stdout += text
    })
    this.process.stderr?.setEncoding('utf8').on('data', (text) => {
      this.stderr += text
    })
    this.ended = new Promise((resolve) => {
      this.process.once('close', (code, signal) => resolve(signal ?? code))
    })
    t.teardown(() => {
      for (const pid of this.left()) process.kill(pid, 'SIGKILL')
    })
  }

  get pid(): number {
    return this.process.pid as number
  }

  /** The kids it has now. */
  get kids(): number[] {
    return offspring(this.pid)
  }

  /** Whatever of it runs still, whoever its parent is by now: found by a variable in its environment. */
  left(): number[] {
    return withEnvironment(this.#mark)
  }

  /** The log so far, a record a line; lines that are no JSON are left out. */
  get log(): ({ level: number; msg: string } & Record<string, unknown>)[] {
    return this.stderr
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line))
  }

  /** Settles once it has logged such a line. */
  async logged(pattern: RegExp): Promise<Record<string, unknown>> {
    const found = () => this.log.find(({ msg }) => pattern.test(msg))
    await until(() => found() !== undefined || !isAlive(this.pid), `a log line like ${pattern}`)
    const line = found()
    if (line === undefined)
      throw new Error(`it has ended without a line like ${pattern}: ${this.stderr}`)
    return line
  }

  /** Settles once it is up. */
  async ready(): Promise<Ready> {
    return (await this.logged(/^ready: /)) as unknown as Ready
  }

  /** A connection to the first address of the ready line. */
  client(options?: ClientOptions): Client {
    const ready = this.log.find(({ msg }) => msg.startsWith('ready: '))
    return new Client(parse((ready?.addresses as string[] | undefined)?.[0]), options)
  }

  signal(name: NodeJS.Signals): void {
    this.process.kill(name)
  }

  /** Waits for its end, then asserts that nothing of it runs any more; gives what it ended with. */
  async end(t: Test, limit = 10_000): Promise<number | NodeJS.Signals | null> {
    const code = await within(this.ended, 'the command to end', limit)
    await until(() => this.left().length === 0, 'its kids to end', 2_000).catch(() => {})
    t.strictSame(this.left(), [], 'nothing is left running')
    return code
  }
}

function parse(address: string | undefined): SocketAddress {
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(address ?? '') ?? []
  return { kind: 'tcp', name: '', host, port: Number(port) }
}

/** Runs the command to its refusal: `sentence` is the whole last line without the program's name. */
export async function refused(
  t: Test,
  args: string[],
  code: number,
  sentence: RegExp | string,
): Promise<Run> {
  const run = new Run(t, args)
  t.equal(await run.end(t), code, 'exit code')
  const lines = run.stderr.trimEnd().split('\n')
  const last = lines.at(-1) ?? ''
  t.ok(last.startsWith('preforkd: '), last)
  const said = last.slice('preforkd: '.length)
  if (typeof sentence === 'string') t.equal(said, sentence)
  else t.match(said, sentence)
  t.equal(run.stdout, '', 'nothing is said on standard output')
  t.notMatch(run.stderr, /(src|dist)\/(cli|parent|preforker|options)/, 'no stack trace of ours')
  return run
}
