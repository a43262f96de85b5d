/** `preforkd conform --kid COMMAND`: tries whether a kid keeps to the protocol, and prints a line for each case. */

import { conform, type Limits, type Result, titles } from '../conform/run.js'
import { parseDuration } from '../durations.js'
import { exitCodes, UsageError } from '../errors.js'
import { checkOption, type Options, optionTable, parseOptions, show } from '../options.js'
import { convert, decodeLineEnds } from './configuration.js'
import { conformDefaults } from './conform-flags.js'
import { flagName, type Texts } from './flags.js'

/** What is to be tried, and how. */
interface Wanted {
  readonly options: Options
  readonly limits: Limits
  /** What a case must have in its title; empty for all. */
  readonly only: string
}

/** Tries the kid; resolves to the exit code. Throws UsageError. */
export async function runConform(texts: Texts): Promise<number> {
  const { options, limits, only } = read(texts)
  const counts = { ok: 0, FAIL: 0, skip: 0 }
  // Whoever reads has seen enough, as `head` has; kids end with us.
  process.stdout.once('error', () => process.exit(exitCodes.failed))
  for await (const result of conform(options, limits, only)) {
    counts[result.outcome]++
    process.stdout.write(format(result))
  }
  const { ok, FAIL: failed, skip } = counts
  const untried = titles.filter((title) => title.includes(only)).length - ok - failed - skip
  const rest = untried === 0 ? '' : `, ${untried} not tried, because no kid comes up`
  process.stdout.write(`${ok} passed, ${failed} failed, ${skip} skipped${rest}\n`)
  return failed === 0 ? exitCodes.stopped : exitCodes.failed
}

/** A case as it is printed, with what the kid wrote below it if it has failed. */
function format({ title, outcome, remark, output }: Result): string {
  const first = `${outcome.padEnd(4)} ${title}`
  const rest = remark === undefined ? '' : outcome === 'ok' ? ` (${remark})` : `: ${remark}`
  return [first + rest, ...output.map((line) => `     the kid wrote: ${line}`), ''].join('\n')
}

/** The flags that are options of a server too. */
const optionNames = ['kid', 'handler', 'protocol', 'slots', 'readyTimeout', 'acceptTimeout']

function read(texts: Texts): Wanted {
  const text = (name: string) => texts.get(name) as string | undefined
  refuse(texts)
  const given: Record<string, unknown> = {}
  for (const row of optionTable.filter(({ name }) => optionNames.includes(name))) {
    const value = text(row.name)
    if (value !== undefined) given[row.name] = convert(row, value, flagName(row.name))
  }
  // Deadlines are all that is kept: an answer cannot be late.
  const options = parseOptions({ ...given, kids: 1, lateAfter: 'never' })
  const done = text('doneTimeout') ?? conformDefaults.doneTimeout
  // The same limits as those of any other timeout.
  checkOption('stopTimeout', done, '--done-timeout')
  return {
    options,
    limits: {
      ready: options.readyTimeout,
      accept: options.acceptTimeout,
      done: parseDuration(done),
      send: decodeLineEnds(text('send') ?? conformDefaults.send),
    },
    only: text('only') ?? '',
  }
}

function refuse(texts: Texts): void {
  if (!texts.has('kid') && !texts.has('handler')) {
    throw new UsageError('conform must be given a kid to try: --kid COMMAND or --handler FILE')
  }
  for (const name of ['handler', 'protocol', 'slots']) {
    if (!texts.has('kid') || !texts.has(name)) continue
    throw new UsageError(
      `--kid and --${name} contradict each other: --${name} is for preforkd's own kid`,
    )
  }
  const only = (texts.get('only') as string | undefined) ?? ''
  if (!titles.some((title) => title.includes(only))) {
    throw new UsageError(`--only must be part of a case's title, not ${show(only)}`)
  }
}
