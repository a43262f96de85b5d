/** What a run has shown, in one sentence made from its figures; at the top of the report. */

import type { ResultLine } from '../results.js'
import { summarize } from '../statistics.js'
import { baseline } from '../strategies.js'
import { type Cell, cellsOf, metrics, ratioOf, summaryOf } from './figures.js'
import { plain, time } from './scales.js'

/** How a strategy's switches go with the number of kids. */
type Growth = 'herd' | 'between' | 'flat'

interface Grown {
  readonly name: string
  readonly growth: Growth
  /** Switches per connection with the most kids. */
  readonly switches: number
}

/** With fewer kids one more or less cannot be told from noise. */
const enoughKids = 8

/** The sentence. */
export function verdictOf(lines: readonly ResultLine[]): string {
  const cells = cellsOf(lines)
  const clauses = [...herdClauses(cells, 'lab'), ...herdClauses(cells, 'server')]
  const stall = stallClause(cells)
  if (stall !== undefined) clauses.push(stall)
  if (clauses.length === 0) {
    return 'This run is too small for a verdict: it takes trickle or sweep with 8 kids or more.'
  }
  const sentence = clauses.join('; ')
  return `${sentence[0]?.toUpperCase()}${sentence.slice(1)}.`
}

function herdClauses(cells: readonly Cell[], kind: Cell['kind']): string[] {
  const mine = cells.filter((cell) => cell.kind === kind)
  const swept = grownBySweep(mine)
  const { kids, list } = swept ?? grownByTrickle(mine)
  const of = (growth: Growth) => list.filter((each) => each.growth === growth)
  const clauses: string[] = []
  const [herd, between, flat] = [of('herd'), of('between'), of('flat')]
  const whose = kind === 'server' ? 'of the servers, ' : ''
  if (herd.length > 0) {
    clauses.push(
      `${names(herd)} ${verb(herd, 'has', 'have')} a herd, ${rangeOf(herd)} context switches for a connection with ${kids} kids waiting`,
    )
  }
  if (between.length > 0) {
    clauses.push(
      `${names(between)} ${verb(between, 'lies', 'lie')} between, with ${rangeOf(between)}`,
    )
  }
  if (flat.length > 0) {
    const however = swept === undefined ? `with ${kids} kids` : 'however many kids wait'
    clauses.push(`${names(flat)} ${verb(flat, 'makes', 'make')} ${rangeOf(flat)} ${however}`)
  }
  return clauses.map((clause, i) => (i === 0 ? `${whose}${clause}` : clause))
}

function verb(list: readonly Grown[], one: string, several: string): string {
  return list.length === 1 ? one : several
}

/** By what each kid more costs; a parent's share, which is there from one kid on, cancels out. */
function grownBySweep(cells: readonly Cell[]): { kids: number; list: Grown[] } | undefined {
  const sweep = cells.filter(({ shape }) => shape === 'sweep')
  const sizes = sweep.map(({ kids }) => kids)
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)]
  if (!(most >= enoughKids && most >= least * 8)) return undefined
  const list = sweep
    .filter(({ kids }) => kids === most)
    .flatMap((cell): Grown[] => {
      const first = sweep.find(({ strategy, kids }) => strategy === cell.strategy && kids === least)
      const small = first === undefined ? null : summaryOf(first, metrics.switches)
      const large = summaryOf(cell, metrics.switches)
      if (small === null || large === null) return []
      const perKid = (large.median - small.median) / (most - least)
      const growth = perKid >= 0.7 ? 'herd' : perKid >= 0.05 ? 'between' : 'flat'
      return [{ name: cell.strategy, growth, switches: large.median }]
    })
  return { kids: most, list }
}

/** By what kids alone cost: a herd wakes about as many as there are. */
function grownByTrickle(cells: readonly Cell[]): { kids: number; list: Grown[] } {
  const trickle = cells.filter(({ shape }) => shape === 'trickle')
  const kids = Math.max(0, ...trickle.map((cell) => cell.kids))
  if (kids < enoughKids) return { kids, list: [] }
  const list = trickle
    .filter((cell) => cell.kids === kids)
    .flatMap((cell): Grown[] => {
      const [ofKids, all] = [
        summaryOf(cell, metrics.kidSwitches),
        summaryOf(cell, metrics.switches),
      ]
      if (ofKids === null || all === null) return []
      const growth = ofKids.median >= 0.7 * kids ? 'herd' : 'flat'
      return [{ name: cell.strategy, growth, switches: all.median }]
    })
  return { kids, list }
}

/** How much slower than the baseline's a p99 must be in every round to be worth a word. */
const farSlower = 10

/** Who lets fast connections wait behind slow ones. */
function stallClause(cells: readonly Cell[]): string | undefined {
  const all = cells.filter(({ shape, kind }) => shape === 'stall' && kind === 'lab')
  const most = Math.max(0, ...all.map(({ kids }) => kids))
  const stall = all.filter(({ kids }) => kids === most)
  const p99 = (cell: Cell) => summaryOf(cell, metrics.p99)?.median ?? null
  const base = stall.find(({ strategy }) => strategy === baseline)
  const unit = base === undefined ? null : p99(base)
  if (unit === null || unit === 0) return undefined
  const slow = stall.filter(
    (cell) => (ratioOf(cell, base as Cell, metrics.p99)?.least ?? 0) >= farSlower,
  )
  if (slow.length === 0) return undefined
  const told = slow.map((cell) => `${time(p99(cell) ?? 0)} under ${cell.strategy}`)
  return `while 1 % of the connections hold a kid for long, p99 of the others is ${time(unit)} under ${baseline} but ${andOf(told)}`
}

function names(list: readonly Grown[]): string {
  return andOf(list.map(({ name }) => name))
}

function andOf(list: readonly string[]): string {
  return list.length < 2 ? list.join('') : `${list.slice(0, -1).join(', ')} and ${list.at(-1)}`
}

function rangeOf(list: readonly Grown[]): string {
  const { least, most } = summarize(list.map(({ switches }) => switches))
  return plain(least) === plain(most) ? plain(least) : `${plain(least)} to ${plain(most)}`
}
