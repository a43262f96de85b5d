/** Rounds of a comparison: contestants interleaved, figures printed with their ratios; used by every comparison. */

import { cpus, release } from 'node:os'
import { type Contestant, contestants } from './contestants.js'
import { ratios, summarize } from './statistics.js'

/** Figures of one contestant in one round, by their names. */
export type Figures = Readonly<Record<string, number>>

/** What all contestants came to, a round after the other. */
export type Rounds = ReadonlyMap<Contestant, readonly Figures[]>

/** Measures each contestant in each round, prints the medians and returns all; `round` counts from 1. */
export async function interleave(
  title: string,
  rounds: number,
  measure: (name: Contestant, round: number) => Promise<Figures>,
): Promise<Rounds> {
  const figures = new Map<Contestant, Figures[]>(contestants.map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    // Interleaved and in an order that changes, so that what drifts on the machine drifts for all.
    const order = contestants.map((_, i) => contestants[(i + round) % contestants.length])
    for (const name of order as Contestant[]) {
      figures.get(name)?.push(await measure(name, round + 1))
    }
  }
  console.log(`\n${title}: median (least .. most) of ${rounds} rounds`)
  const names = Object.keys(figures.get('preforkd')?.[0] ?? {})
  const width = Math.max(15, ...names.map(({ length }) => length))
  for (const figure of names) {
    const of = (name: Contestant) => (figures.get(name) ?? []).map((each) => each[figure] as number)
    const told = contestants.map((name) => `${name} ${formatRange(of(name))}`)
    const over = contestants.slice(1).flatMap((base) => {
      const to = ratios(of('preforkd'), of(base))
      // To none of something there is no ratio.
      return to.every(Number.isFinite) ? [`/ ${base} ${formatRange(to)}`] : []
    })
    console.log(`  ${figure.padEnd(width)} ${told.join('   ')}   ${over.join('  ')}`)
  }
  return figures
}

/** The median, and the least and the most. */
export function formatRange(values: readonly number[]): string {
  const { median, least, most } = summarize(values)
  const digits = (value: number) => (value >= 100 ? value.toFixed(0) : value.toPrecision(3))
  return `${digits(median)} (${digits(least)} .. ${digits(most)})`
}

/** What the figures were measured on. */
export function machine(): string {
  return `Node ${process.version}, Linux ${release()}, ${cpus().length} x ${cpus()[0]?.model.trim()}, loopback`
}
