/** The kid's end of the status pipe: answers at once, gathers what can wait; used for every word to the parent. */

import { formatDone } from '../protocol/lines.js'
import { writeText } from '../system/descriptors.js'

/** Lines gathered into one write stay below what the system writes without a Buffer (and far below PIPE_BUF). */
const longestWrite = 448

/**
 * Writes block when the pipe is full: then the parent is held up, and so must be who talks to it. Errors are passed over:
 * the only one that can come is that the parent is gone (EPIPE), which the command pipe tells as well.
 */
export class StatusPipe {
  readonly #fd: number
  /** Connections of each order that are done and not told yet. */
  readonly #done = new Map<number, number>()
  #flush: NodeJS.Immediate | undefined

  constructor(fd: number) {
    this.#fd = fd
  }

  /** Writes a line now, after all that is done. */
  say(line: string): void {
    writeText(this.#fd, this.#gather(line))
  }

  /** Notes that a connection of an order is complete; told in one write with all others of this turn of the loop. */
  done(seq: number): void {
    this.#done.set(seq, (this.#done.get(seq) ?? 0) + 1)
    this.#flush ??= setImmediate(() => this.flush())
  }

  /** Tells all that is done. */
  flush(): void {
    const lines = this.#gather('')
    if (lines !== '') writeText(this.#fd, lines)
  }

  #gather(last: string): string {
    if (this.#flush !== undefined) {
      clearImmediate(this.#flush)
      this.#flush = undefined
    }
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
