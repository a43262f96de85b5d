/** The kid's end of the status pipe: answers at once, gathers what can wait; used for every word to the parent. */

import { formatDone } from '../protocol/lines.js'
import { writeText } from '../system/descriptors.js'

/** Lines gathered into one write stay below what the system writes without a Buffer (and far below PIPE_BUF). */
const longestWrite = 448

/**
 * How long, in milliseconds, the end of a connection may stay untold. Every write wakes the parent, which costs it more
 * than what it then does (4 kids x 8 slots, 32 clients in a closed loop: a third fewer wakes). Far below what any limit
 * or figure of the parent's is counted in.
 */
const gatherFor = 2

/**
 * Writes block when the pipe is full: then the parent is held up, and so must be who talks to it. Errors are passed over:
 * the only one that can come is that the parent is gone (EPIPE), which the command pipe tells as well.
 */
export class StatusPipe {
  readonly #fd: number
  /** Connections of each order that are done and not told yet, and their sum. */
  readonly #done = new Map<number, number>()
  #untold = 0
  #soon: NodeJS.Immediate | undefined
  #later: NodeJS.Timeout | undefined

  constructor(fd: number) {
    this.#fd = fd
  }

  /** How many connections are done of which the parent does not know. */
  get untold(): number {
    return this.#untold
  }

  /** Writes a line now, after all that is done. */
  say(line: string): void {
    writeText(this.#fd, this.#gather(line))
  }

  /**
   * Notes that a connection of an order is complete: told with the next line, or at the end of this turn of the loop if
   * the parent should know `soon`, or else 2 ms later.
   */
  done(seq: number, soon: boolean): void {
    this.#done.set(seq, (this.#done.get(seq) ?? 0) + 1)
    this.#untold++
    if (soon) this.#soon ??= setImmediate(this.flush)
    else this.#later ??= setTimeout(this.flush, gatherFor)
  }

  /** Tells all that is done. */
  readonly flush = (): void => {
    const lines = this.#gather('')
    if (lines !== '') writeText(this.#fd, lines)
  }

  #gather(last: string): string {
    if (this.#untold === 0) return last
    this.#untold = 0
    clearImmediate(this.#soon)
    clearTimeout(this.#later)
    this.#soon = undefined
    this.#later = undefined
    let lines = ''
    for (const [seq, count] of this.#done) {
      lines += formatDone(seq, count)
      if (lines.length <= longestWrite) continue
      writeText(this.#fd, lines)
      lines = ''
    }
    this.#done.clear()
    if (lines.length + last.length <= longestWrite) return lines + last
    writeText(this.#fd, lines)
    return last
  }
}
