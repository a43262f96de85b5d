/** `preforkd herd watch`: looks at a running server once a second, whatever it is, and writes what its kids did. */

import { setTimeout as pause } from 'node:timers/promises'
import { UsageError } from '../../errors.js'
import { heading, linesOf, unseen } from './rates.js'
import { type Sample, startOf, takeSample } from './sample.js'

/** How it is watched, and where that is written. */
export interface WatchOptions {
  /** How often it is looked at, a second apart; Infinity: until the signal. */
  readonly seconds: number
  readonly write: (text: string) => void
  /** Ends it. */
  readonly signal: AbortSignal
  /** Rows of the terminal, where the picture is drawn over the last one; undefined for plain lines. */
  readonly rows?: number | undefined
  /** Milliseconds from one look to the next; a second when left out. */
  readonly beat?: number
}

/** The top left corner, and everything after it cleared. */
const anew = '\u001b[H\u001b[J'

/** Lines besides those of kids: heading, parent, total, and some for queues and remarks. */
const otherLines = 8

/**
 * Watches a process and its kids; settles when the time is over, the signal has come, or the process has ended, which
 * is said. @throws UsageError when there is no such process
 */
export async function watch(pid: number, options: WatchOptions): Promise<void> {
  const { seconds, write, signal, rows, beat = 1000 } = options
  const startedAt = startOf(pid)
  let before = takeSample(pid, startedAt)
  if (before === undefined) throw new UsageError(`there is no process ${pid}`)
  let told = ''
  if (rows === undefined) write(`${'time'.padEnd(9)}${heading}\n`)
  let next = performance.now()
  for (let i = 0; i < seconds && !signal.aborted; i++) {
    next = Math.max(next + beat, performance.now())
    try {
      await pause(next - performance.now(), undefined, { signal })
    } catch {
      // It was the signal: nothing else is thrown.
      return
    }
    const after = takeSample(pid, startedAt)
    if (after === undefined) {
      write(`process ${pid} has ended\n`)
      return
    }
    const remarks = unseen(after)
    if (rows === undefined) {
      // The same again every second would be noise.
      const fresh = remarks.join('\n') === told ? [] : remarks
      write(plainText([...linesOf(before, after), ...fresh]))
      told = remarks.join('\n')
    } else {
      write(picture(before, after, remarks, rows))
    }
    before = after
  }
}

function plainText(lines: readonly string[]): string {
  const time = new Date().toISOString().slice(11, 19)
  return lines.map((line) => `${time} ${line}\n`).join('')
}

function picture(before: Sample, after: Sample, remarks: readonly string[], rows: number): string {
  const most = Math.max(1, rows - otherLines - after.listeners.length - remarks.length)
  return `${anew}${[heading, ...linesOf(before, after, most), ...remarks].join('\n')}\n`
}
