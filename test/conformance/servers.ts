/** The same app served in two ways, each in a process of its own: by its framework, and by kids of preforkd. */

import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { until, withEnvironment, within } from '../process/processes.js'

export const appNames = ['function', 'early', 'express', 'fastify', 'koa'] as const
export type AppName = (typeof appNames)[number]

const plain = fileURLToPath(new URL('plain.js', import.meta.url))
const command = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
/** Each kid alone has room for all connections that are made at once: see compare.ts. */
const room = ['--kids', '2', '--slots', '64']

export class Served {
  port = 0
  readonly #process: ChildProcess
  readonly #mark: string
  readonly #name: string
  #output = ''
  #exit: number | NodeJS.Signals | null | undefined

  private constructor(name: string, args: readonly string[]) {
    this.#name = name
    const [variable, value] = ['PREFORKD_TEST_RUN', randomUUID()]
    this.#mark = `${variable}=${value}`
    this.#process = spawn(process.execPath, args, {
      // Standard input is a pipe by which a plain server is told to end.
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, [variable]: value },
    })
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => {
        this.#output += text
      })
    }
    // Kids of a parent that is killed are ended by the kernel.
    const endWithUs = () => void this.#process.kill('SIGKILL')
    process.once('exit', endWithUs)
    this.#process.once('exit', (code, signal) => {
      process.off('exit', endWithUs)
      this.#exit = signal ?? code
    })
  }

  /** The app as it listens by itself. */
  static plain(app: AppName): Promise<Served> {
    return new Served(`${app} under Node.js`, [plain, pathOf(app)]).#ready(/^(\d+)\n/)
  }

  /** The app as kids serve it. */
  static preforkd(app: AppName): Promise<Served> {
    const args = ['--protocol', 'http', '--handler', pathOf(app), '--listen', '127.0.0.1:0']
    const served = new Served(`${app} under preforkd`, [command, ...args, ...room])
    return served.#ready(/ready: 2 kids on 127\.0\.0\.1:(\d+)/)
  }

  async #ready(pattern: RegExp): Promise<this> {
    try {
      await until(() => pattern.test(this.#output) || this.#exit !== undefined, this.#name)
      if (this.#exit !== undefined) throw new Error(`it has ended with ${this.#exit}`)
    } catch (error) {
      this.#kill()
      throw new Error(`${this.#name} does not start: ${error}\n${this.#output}`)
    }
    this.port = Number(pattern.exec(this.#output)?.[1])
    return this
  }

  /** Ends it. Throws Error if it had ended before, has lost a kid, or leaves a process. */
  async stop(): Promise<void> {
    const ended = this.#exit
    try {
      if (ended !== undefined) throw new Error(`it had ended before, with ${ended}`)
      const exit = once(this.#process, 'close')
      this.#process.stdin?.end()
      if (this.#name.endsWith('preforkd')) this.#process.kill('SIGTERM')
      await within(exit, `the end of ${this.#name}`)
      if (this.#exit !== 0) throw new Error(`it ended with ${this.#exit}`)
      await until(() => withEnvironment(this.#mark).length === 0, 'its processes to be gone')
      // Nothing that a client sends may end a kid, nor be anything to write down; that we are root is said at the start.
      const complaints = this.#output
        .split('\n')
        .filter((line) => /"level":[456]0/.test(line) && !line.includes('kids run as root'))
      if (complaints.length > 0) throw new Error(`it complains: ${complaints.join('\n')}`)
    } catch (error) {
      this.#kill()
      throw new Error(`${this.#name}: ${error}\n${this.#output.slice(-2_000)}`)
    }
  }

  #kill(): void {
    for (const pid of withEnvironment(this.#mark)) process.kill(pid, 'SIGKILL')
  }
}

/** Has two servers that were begun together used, and ends both whatever comes of it. */
export async function withBoth<T>(
  begun: readonly [Promise<Served>, Promise<Served>],
  use: (one: Served, other: Served) => Promise<T>,
): Promise<T> {
  const settled = await Promise.allSettled(begun)
  const up = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  try {
    const [one, other] = await Promise.all(begun)
    return await use(one, other)
  } finally {
    await Promise.all(up.map((served) => served.stop()))
  }
}

function pathOf(app: AppName): string {
  return fileURLToPath(new URL(`apps/${app}.js`, import.meta.url))
}
