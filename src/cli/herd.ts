/** `preforkd herd`: runs the lab, prints its tables, and writes its records and report where it is told to. */

import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exitCodes, SystemError, UsageError } from '../errors.js'
import { type Progress, runLab } from '../herd/lab.js'
import { checkGrants, readLabOptions } from '../herd/lab-options.js'
import type { ResultLine, RunLine } from '../herd/results.js'
import { writeReport } from '../herd/show/write-report.js'
import { formatTables } from '../herd/table.js'
import type { HerdTexts } from './herd-flags.js'

/** Milliseconds between two lines of progress where they cannot be written over each other. */
const progressBeat = 10_000

/** Runs it; resolves to the exit code. Throws UsageError before anything has started. */
export async function runHerd(texts: HerdTexts): Promise<number> {
  if (process.platform !== 'linux') {
    throw new UsageError(
      `herd measures what the kernel of Linux does: it cannot be run on ${process.platform}`,
    )
  }
  const options = readLabOptions(texts, () => Math.floor(Math.random() * 1_000_000))
  checkGrants(options)
  const records = texts.out === undefined ? undefined : openRecords(texts.out)
  const lines: ResultLine[] = []
  const interrupted = new AbortController()
  const interrupt = () => {
    // Asked twice, it leaves everything as it is: no process of the lab outlives it.
    if (interrupted.signal.aborted) process.exit(exitCodes.failed)
    interrupted.abort()
  }
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
  const progress = new ProgressLine()
  try {
    await runLab(
      options,
      {
        line: (line) => {
          lines.push(line)
          if (records !== undefined) appendLine(records, line)
        },
        progress: (now) => progress.show(now),
      },
      interrupted.signal,
    )
  } finally {
    progress.end()
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
    tell(lines, texts.out, interrupted.signal.aborted)
  }
  return exitCodes.stopped
}

/** Prints and writes what there is, also after an interruption or a failure. */
function tell(lines: readonly ResultLine[], out: string | undefined, interrupted: boolean): void {
  const [run, ...others] = lines
  if (run?.type !== 'run') return
  process.stdout.write(`${formatTables(lines)}\n`)
  if (interrupted) process.stderr.write('preforkd herd: interrupted; this is what there is\n')
  if (out === undefined) return
  const all: [RunLine, ...ResultLine[]] = [run, ...others]
  process.stderr.write(`preforkd herd: the report is ${writeReport(out, all)}\n`)
}

/** The file for the records, empty. */
function openRecords(directory: string): string {
  const file = join(directory, 'results.jsonl')
  if (existsSync(file)) {
    throw new UsageError(`--out ${directory} has a results.jsonl already: choose another directory`)
  }
  try {
    mkdirSync(directory, { recursive: true })
    writeFileSync(file, '', { flag: 'wx' })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new UsageError(`--out ${directory} cannot be written to: ${code}`)
  }
  return file
}

function appendLine(file: string, line: ResultLine): void {
  try {
    appendFileSync(file, `${JSON.stringify(line)}\n`)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new SystemError('writing a record', code ?? String(error), file)
  }
}

/** How far it is, on standard error: in place on a terminal, a line now and then elsewhere. */
class ProgressLine {
  #shown = Number.NEGATIVE_INFINITY
  #written = false

  show({ unit, done, of, left }: Progress): void {
    const { strategy, kids, round } = unit
    const text = `${done} of ${of} done, ${inWords(left)} left: ${strategy}, ${kids} ${kids === 1 ? 'kid' : 'kids'}, round ${round}`
    if (process.stderr.isTTY) {
      process.stderr.write(`\r\x1b[K${text}`)
      this.#written = true
    } else if (performance.now() - this.#shown > progressBeat) {
      this.#shown = performance.now()
      process.stderr.write(`${text}\n`)
    }
  }

  end(): void {
    if (this.#written) process.stderr.write('\r\x1b[K')
  }
}

function inWords(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000)
  return seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`
}
