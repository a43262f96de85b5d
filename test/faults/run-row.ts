/** Runs one row once: in a bed of its own, with a seed, and the look at everything afterwards. */

import { type After, lookAfter } from './after.js'
import { Bed } from './bed.js'
import type { BuiltRow } from './row.js'

export interface Ran extends After {
  readonly seed: number
  /** What the servers of a row that failed logged last. */
  readonly lastWords: string
}

/** How many lines of a log are shown. */
const lastLines = 30

/** Never rejects: what a row throws is the first of what is wrong. */
export async function runRow(row: BuiltRow, seed: number): Promise<Ran> {
  const bed = new Bed(seed)
  const thrown: string[] = []
  try {
    await row.run(bed)
  } catch (error) {
    thrown.push((error as Error).stack ?? String(error))
  }
  const after = await lookAfter(bed)
  const wrong = [...thrown, ...after.wrong]
  const lastWords =
    wrong.length === 0
      ? ''
      : bed.servers.map(({ stderr }) => stderr.split('\n').slice(-lastLines).join('\n')).join('\n')
  await bed.clear().catch((error: Error) => wrong.push(`afterwards: ${error.message}`))
  return { ...after, wrong, seed, lastWords }
}

/** A seed of its own for each repeat of each row, from that of the run. */
export function seedOf(run: number, row: number, repeat: number): number {
  return (run + row * 1_000 + repeat) % 2 ** 31
}

/** The seed of a run: SEED, or by the clock. */
export function seedOfRun(): number {
  return process.env.SEED === undefined ? Date.now() % 2 ** 31 : Number(process.env.SEED)
}
