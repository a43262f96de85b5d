/** Drives a kid through the cases, one after the other; the command `preforkd conform` prints what comes of them. */

import type { Options } from '../options.js'
import { environmentNames } from '../protocol/limits.js'
import type { Case } from './case.js'
import { cases } from './cases.js'
import { Failure } from './driven-kid.js'
import { type Limits, Trial } from './trial.js'

export type { Limits } from './trial.js'

/** What came of a case. */
export interface Result {
  readonly title: string
  readonly outcome: 'ok' | 'FAIL' | 'skip'
  /** Of a failure what was expected and what came; of others a remark, or nothing. */
  readonly remark: string | undefined
  /** After a failure: the last lines of the kid's standard output and error. */
  readonly output: readonly string[]
}

/** A version that there is not. */
const otherVersion = '0'

/** The titles of all cases, in their order. */
export const titles: readonly string[] = cases.map(({ title }) => title)

/**
 * Tries the cases whose titles contain `only`. Ends early when no kid comes up. `options` say what the kid is; a new one
 * is started for each case that the one before has not survived.
 *
 * Throws ListenError, SystemError where this system fails, and not the kid.
 */
export async function* conform(
  options: Options,
  limits: Limits,
  only = '',
): AsyncGenerator<Result> {
  let trial: Trial | undefined
  let number = 0
  try {
    for (const each of cases.filter(({ title }) => title.includes(only))) {
      const { title, start, ends } = each
      const started = start === 'other version' ? ofOtherVersion(options) : options
      if (started === undefined) {
        yield { title, outcome: 'skip', remark: 'this kid is our own', output: [] }
        continue
      }
      // One that has said that it leaves was free to do so.
      if (start !== undefined || trial?.kid.saidLeaving) {
        await trial?.dispose()
        trial = undefined
      }
      trial ??= await Trial.begin(started, ++number, limits)
      const { kid } = trial
      const result = await tryCase(each, trial)
      const failed = result.outcome === 'FAIL'
      if (failed || (ends && result.outcome === 'ok')) {
        await trial.dispose()
        trial = undefined
      }
      yield { title, ...result, output: failed ? [...kid.output] : [] }
      // The next one would not come up either, and each would take its time.
      if (failed && kid.slots === 0 && !(start && ends)) return
    }
  } finally {
    await trial?.dispose()
  }
}

async function tryCase(each: Case, trial: Trial): Promise<Pick<Result, 'outcome' | 'remark'>> {
  try {
    if (each.start === undefined) {
      await trial.ready()
      trial.kid.forget()
    }
    const reason = each.skip?.(trial)
    if (reason !== undefined) return { outcome: 'skip', remark: reason }
    const remark = await each.run(trial)
    if (!each.ends) trial.kid.check()
    return { outcome: 'ok', remark }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return { outcome: 'FAIL', remark: error.message }
  }
}

/** A kid that is told of another version; undefined for our own, whose command is not the user's. */
function ofOtherVersion(options: Options): Options | undefined {
  const { kid } = options
  const change = ['env', `${environmentNames.protocol}=${otherVersion}`]
  if (kid === undefined) return undefined
  return {
    ...options,
    kid: typeof kid === 'string' ? `${change.join(' ')} ${kid}` : [...change, ...kid],
  }
}
