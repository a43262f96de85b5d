/** A kid on trial: started as the parent would start it, told what a case wants, and listened to. */

import pTimeout from 'p-timeout'
import { formatDuration } from '../durations.js'
import type { Options } from '../options.js'
import { type KidEnd, KidProcess } from '../parent/kid-process.js'
import { settingsOf } from '../parent/settings.js'
import { formatAccept, formatLeave, type Status } from '../protocol/lines.js'
import type { Listener } from '../system/listeners.js'
import { EndedConnections } from './ended.js'
import { Judge } from './judge.js'
import { lineOf } from './said.js'

/** The kid did not do as it should. The message goes behind a case's title: what was expected, and what came. */
export class Failure extends Error {}

/** The answer to an order. */
export type Answer = Extract<Status, { type: 'accepted' | 'failed' }>

/** Between two looks at what no event tells of, in milliseconds. */
const lookAgain = 10
/** How long, in milliseconds, a kid may take to die that has closed its pipes. */
const dying = 500
/** Lines that are shown of what it said in a case, and of what it wrote to its standard output and error. */
const mostShown = 6

export class DrivenKid {
  /** How it ended; undefined while it lives. */
  end: KidEnd | undefined
  /** Its answers by the numbers of the orders, and which of their connections it said to have ended. */
  readonly answers = new Map<number, Answer>()
  readonly ended = new EndedConnections()
  readonly #process: KidProcess
  readonly #judge: Judge
  readonly #output: string[] = []
  readonly #watchers = new Set<() => void>()
  #said: string[] = []
  #breach: string | undefined
  /** What it did to its command pipe. */
  #deaf: string | undefined
  #hungUp = false

  /** Starts it. Throws SystemError when there are no descriptors for its pipes; any later failure is its `end`. */
  constructor(options: Options, listeners: readonly Listener[], number: number) {
    this.#judge = new Judge(settingsOf(options, listeners))
    this.#process = new KidProcess(
      options,
      listeners,
      { number, index: 0, generation: 1 },
      {
        status: (status) => this.#hear(status),
        broke: (detail) => this.#break(detail),
        hangup: () => {
          this.#hungUp = true
        },
        end: (end) => {
          this.end = end
          this.changed()
        },
        output: ({ text }) => {
          this.#output.push(text)
          if (this.#output.length > mostShown) this.#output.shift()
        },
      },
    )
    this.#process.output.release()
  }

  /** How many connections it takes at once; 0 until it is up. */
  get slots(): number {
    return this.#judge.slots
  }

  /** How many connections it holds, by its own account. */
  get held(): number {
    return this.#judge.held
  }

  /** Of these, how many are parked. */
  get parked(): number {
    return this.#judge.parked
  }

  get saidLeaving(): boolean {
    return this.#judge.saidLeaving
  }

  /** The last lines it wrote to its standard output and error; complete when it was disposed of. */
  get output(): readonly string[] {
    return this.#output
  }

  /** Writes to its command pipe, whole lines or not. Throws Failure when nobody reads there. */
  async send(text: string): Promise<void> {
    const result = this.#process.send(text)
    if (result === 'sent') return
    this.#deaf = result === 'full' ? 'let its command pipe fill up' : 'closed its command pipe'
    // Usually it is dying, and how it does is more to the point.
    await this.until(() => undefined, dying, 'it to read its commands')
  }

  /** The line of an order, which counts as given. */
  orderLine(seq: number, listener: number, count: number): string {
    this.#judge.ordered(seq, listener, count)
    return formatAccept(seq, listener, count)
  }

  /** The line that tells it to leave, which counts as said. */
  leaveLine(): string {
    this.#judge.toldToLeave()
    return formatLeave()
  }

  /** It may now say what is detached. */
  mayReport(): void {
    this.#judge.asked()
  }

  /** Closes its command pipe. */
  endCommands(): void {
    this.#process.endCommands()
  }

  signal(name: NodeJS.Signals): void {
    this.#process.signal(name)
  }

  /** Hears all that it has said so far. */
  readDry(): void {
    this.#process.readDry()
  }

  /** Forgets what it said: another case begins. */
  forget(): void {
    this.#said = []
  }

  /** Something has changed that somebody may be waiting for. */
  changed(): void {
    for (const watcher of [...this.#watchers]) watcher()
  }

  /**
   * What `look` gives as soon as it is not undefined. Throws Failure, with the words of what was expected, after `limit`
   * milliseconds, when the kid breaks the protocol, and, unless it `mayEnd`, when it ends without that; or throws what
   * `look` throws. `hint` is what else to say when time is up.
   */
  async until<T>(
    look: () => T | undefined,
    limit: number,
    expected: string,
    { mayEnd = false, hint = '' } = {},
  ): Promise<T> {
    const find = () => {
      if (this.#breach !== undefined) throw this.#failure(expected)
      const found = look()
      if (found === undefined && this.end !== undefined && !mayEnd) throw this.#failure(expected)
      return found
    }
    let watcher = () => {}
    const found = new Promise<T>((resolve, reject) => {
      watcher = () => {
        try {
          const result = find()
          if (result !== undefined) resolve(result)
        } catch (error) {
          reject(error)
        }
      }
      watcher()
    })
    const fallback = () => {
      // We may have been held up ourselves: what it said in time is in the pipe.
      this.readDry()
      const result = find()
      if (result !== undefined) return result
      throw this.#failure(`${expected} within ${formatDuration(limit)}`, hint)
    }
    this.#watchers.add(watcher)
    const timer = setInterval(watcher, lookAgain)
    try {
      return await pTimeout(found, { milliseconds: limit, fallback })
    } finally {
      clearInterval(timer)
      this.#watchers.delete(watcher)
    }
  }

  /** Throws Failure, unless it lives or has left by its own word, and has kept to the protocol. */
  check(): void {
    this.readDry()
    if (this.#breach !== undefined || (this.end !== undefined && !this.saidLeaving)) {
      throw this.#failure('it to live on')
    }
  }

  /** Kills it if it lives; settles when it is gone and its last words were read. */
  async dispose(): Promise<void> {
    this.#process.ignore()
    this.#process.signal('SIGKILL')
    await new Promise<void>((resolve) => {
      const ended = () => {
        if (this.end !== undefined) resolve()
      }
      this.#watchers.add(ended)
      ended()
    })
    await this.#process.output.end()
  }

  #hear(status: Status): void {
    this.#said.push(lineOf(status))
    if (status.type === 'accepted' || status.type === 'failed') {
      this.answers.set(status.seq, status)
    }
    this.ended.hear(status)
    const breach = this.#judge.hear(status)
    if (breach !== undefined) this.#break(`it ${breach}`)
    // Once all that it wrote at once is heard: its answer may stand behind what it says of an earlier order.
    queueMicrotask(() => this.changed())
  }

  #break(detail: string): void {
    this.#breach ??= detail
    this.changed()
  }

  #failure(expected: string, hint = ''): Failure {
    const said = this.#said.slice(-mostShown).map((line) => `"${line}"`)
    if (said.length < this.#said.length) said.unshift('...')
    const breach = this.#breach === undefined ? '' : `broke the protocol: ${this.#breach}`
    const came = said.length > 0 ? `said ${said.join(', ')}` : breach === '' && 'said nothing'
    const ended =
      this.end === undefined ? this.#hungUp && 'closed its status pipe' : describeEnd(this.end)
    const what = [came, this.#deaf, ended].filter(Boolean).join(', and ')
    const both = [breach, what].filter((part) => part !== '').join('; it ')
    return new Failure(`expected ${expected}, but it ${both}${hint}`)
  }
}

/** How a kid ended, in words that follow "it". */
export function describeEnd({ code, signal, spawnError }: KidEnd): string {
  if (spawnError !== undefined) return `could not be started: ${spawnError.message}`
  return signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`
}
