/** The kid's end of the status pipe: answers at once, gathers what can wait; used for every word to the parent. */

import { writeText } from '../system/descriptors.js'
import type { Ledger } from './ledger.js'

/** Lines gathered into one write stay below what the system writes without a Buffer (and far below PIPE_BUF). */
const longestWrite = 448

/**
 * How long, in milliseconds, what happens to connections may stay untold. Every write wakes the parent, which costs it
 * more than what it then does (4 kids x 8 slots, 32 clients in a closed loop: a third fewer wakes). Far below what any
 * limit or figure of the parent's is counted in.
 */
const gatherFor = 2

/**
 * Writes block when the pipe is full: then the parent is held up, and so must be who talks to it. Errors are passed over:
 * the only one that can come is that the parent is gone (EPIPE), which the command pipe tells as well.
 */
export class StatusPipe {
  readonly #fd: number
  readonly #ledger: Ledger
  #atEnd: NodeJS.Immediate | undefined
  #isUrgent = false
  #later: NodeJS.Timeout | undefined

  constructor(fd: number, ledger: Ledger) {
    this.#fd = fd
    this.#ledger = ledger
  }

  /** Writes a line now, after all that is in the ledger. */
  say(line: string): void {
    this.#write(line)
  }

  /**
   * The ledger has something: told with the next line, or at the end of this turn of the loop if the parent should know
   * `soon`, or else 2 ms later. Most requests begin and end within one turn, and then nothing is left to be told: the end
   * of the turn decides whether there is to be a timer, each of which wakes the kid.
   */
  note(soon: boolean): void {
    this.#isUrgent ||= soon
    if (this.#later === undefined || soon) this.#atEnd ??= setImmediate(this.#decide)
  }

  readonly #decide = (): void => {
    this.#atEnd = undefined
    if (!this.#ledger.pending) return
    if (this.#isUrgent) this.flush()
    else this.#later ??= setTimeout(this.flush, gatherFor)
  }

  /** Tells all that is in the ledger now. */
  readonly flush = (): void => this.#write('')

  #write(last: string): void {
    if (this.#atEnd !== undefined) clearImmediate(this.#atEnd)
    if (this.#later !== undefined) clearTimeout(this.#later)
    this.#atEnd = undefined
    this.#later = undefined
    this.#isUrgent = false
    let lines = ''
    for (const line of this.#ledger.take()) {
      if (lines.length + line.length > longestWrite) {
        writeText(this.#fd, lines)
        lines = ''
      }
      lines += line
    }
    if (lines.length + last.length > longestWrite) {
      writeText(this.#fd, lines)
      lines = ''
    }
    lines += last
    if (lines !== '') writeText(this.#fd, lines)
  }
}
