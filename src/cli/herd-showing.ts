/** `preforkd herd report` and `preforkd herd watch`: what was measured, drawn again; and what a running server does. */

import { dirname } from 'node:path'
import { exitCodes, UsageError } from '../errors.js'
import { readResults } from '../herd/show/read-results.js'
import { writeReport } from '../herd/show/write-report.js'
import { watch } from '../herd/watch/watch.js'
import type { Showing } from './herd-showing-flags.js'

/** Shows it; resolves to the exit code. Throws UsageError, SystemError. */
export async function runShowing(showing: Showing): Promise<number> {
  if (showing.show === 'report') {
    const { file, out = dirname(file) } = showing
    process.stdout.write(`${writeReport(out, readResults(file))}\n`)
    return exitCodes.stopped
  }
  await watchServer(pidOf(showing.pid), secondsOf(showing.seconds))
  return exitCodes.stopped
}

async function watchServer(pid: number, seconds: number): Promise<void> {
  if (process.platform !== 'linux') {
    throw new UsageError(
      `herd watch reads /proc as Linux has it: there is none on ${process.platform}`,
    )
  }
  const ended = new AbortController()
  const end = () => ended.abort()
  process.on('SIGINT', end).on('SIGTERM', end)
  const { stdout } = process
  // Whoever reads has seen enough, as `head` has.
  stdout.on('error', end)
  try {
    await watch(pid, {
      seconds,
      write: (text) => void stdout.write(text),
      signal: ended.signal,
      rows: stdout.isTTY ? stdout.rows : undefined,
    })
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end)
  }
}

/** The largest that the kernel gives. */
const mostPid = 4_194_304

function pidOf(text: string): number {
  const pid = /^\d{1,7}$/.test(text) ? Number(text) : 0
  if (pid < 1 || pid > mostPid) {
    throw new UsageError(`PID must be the number of a process, not ${JSON.stringify(text)}`)
  }
  return pid
}

const mostSeconds = 86_400

function secondsOf(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY
  const seconds = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (seconds < 1 || seconds > mostSeconds) {
    throw new UsageError(
      `--seconds must be a whole number from 1 to ${mostSeconds}, not ${JSON.stringify(text)}`,
    )
  }
  return seconds
}
