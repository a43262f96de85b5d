/** The tables of the lab for a terminal: one for each shape and number of kids, what the herd costs first. Pure. */

import type { ResultLine, RunLine } from './results.js'
import { shapes } from './shapes.js'
import {
  baselineOf,
  type Cell,
  cellsOf,
  type Metric,
  metrics,
  ratioOf,
  summaryOf,
} from './show/figures.js'
import { stripsText } from './show/strips.js'
import type { Summary } from './statistics.js'

interface Column {
  readonly title: string
  readonly text: (cell: Cell) => string
}

/** What a shape is about: its figure is shown with its range, and as a ratio to the baseline. */
interface Headline {
  readonly title: string
  readonly metric: Metric
}

const switches: Headline = { title: 'all switches (range)', metric: metrics.switches }
const tail: Headline = { title: 'p99 us (range)', metric: metrics.p99 }

const headlines: Readonly<Record<Cell['shape'], Headline>> = {
  trickle: switches,
  sweep: switches,
  saturate: { title: 'conn/s (range)', metric: ({ perSecond }) => perSecond },
  open: tail,
  stall: tail,
  burst: { title: 'last reply ms (range)', metric: metrics.lastReply },
}

/** All that was measured. */
export function formatTables(lines: readonly ResultLine[]): string {
  const run = lines.find((line) => line.type === 'run')
  const cells = cellsOf(lines)
  const groups = new Map<string, Cell[]>()
  for (const cell of cells) {
    // The sweep is one table: what it shows is how a figure grows with kids.
    const key = cell.shape === 'sweep' ? 'sweep' : `${cell.shape} ${cell.kids}`
    groups.set(key, [...(groups.get(key) ?? []), cell])
  }
  const tables = [...groups.values()].map((group) =>
    group[0]?.shape === 'sweep' ? formatSweep(group) : formatGroup(group, cells),
  )
  const strips = stripsText(lines)
  return [
    ...(run === undefined ? [] : [formatRun(run)]),
    ...tables,
    ...(strips === undefined ? [] : [strips]),
    ...notes(lines),
    ...unavailable(lines),
  ].join('\n\n')
}

/** Machine, kernel, Node.js, commit and seed: without them figures mean nothing. */
export function formatRun({ machine, kernel, node, commit, version, options }: RunLine): string {
  const gigabytes = (machine.memoryBytes / 2 ** 30).toFixed(0)
  const ours = commit === null ? `preforkd ${version}` : `preforkd ${version} at ${commit}`
  return [
    `${machine.cores} x ${machine.cpu}, ${gigabytes} GiB, ${kernel}, Node.js ${node}, ${ours}`,
    `loopback, client on the same cores; ${options.rounds} rounds of ${options.seconds} s, seed ${options.seed}, ${options.clients} clients, ${options.rate}/s`,
    'Per connection, median of the rounds; kids and (parent) apart. Jain: 1 is even; in brackets, what chance gives.',
    'x: the median of the ratios of a round to the baseline of the same; not resolved: rounds disagree, or are fewer than 3.',
  ].join('\n')
}

function formatGroup(group: readonly Cell[], cells: readonly Cell[]): string {
  const [{ shape, kids }] = group as [Cell]
  const meaning = shapes.find(({ name }) => name === shape)?.meaning
  const kinds = [
    group.filter(({ kind }) => kind === 'lab'),
    group.filter(({ kind }) => kind === 'server'),
  ]
  return [
    `${shape}, ${kids} ${kids === 1 ? 'kid' : 'kids'}: ${meaning}`,
    // Two tables: Node.js around the connection costs more than all that the others differ in.
    ...kinds.filter(({ length }) => length > 0).map((kind) => align(columnsOf(kind, cells), kind)),
  ].join('\n')
}

function columnsOf(group: readonly Cell[], cells: readonly Cell[]): Column[] {
  const [{ shape, kind }] = group as [Cell]
  const headline = headlines[shape]
  const base = group.map((cell) => baselineOf(cell, cells)).find((found) => found !== undefined)
  const lab = kind === 'lab'
  return [
    { title: lab ? 'lab' : 'server', text: ({ strategy }) => strategy },
    { title: 'switches', text: both('kidSwitches', 'parentSwitches') },
    ...(lab ? [{ title: 'empty', text: of((line) => line.perConnection.emptyAccepts) }] : []),
    ...(lab ? [{ title: 'waits', text: of((line) => line.perConnection.waits) }] : []),
    { title: 'CPU us', text: cpu },
    // In a closed loop it says nothing but clients divided by conn/s; in a burst the last reply says more.
    ...(shape === 'saturate' || shape === 'burst'
      ? []
      : [{ title: 'p50 us', text: of(metrics.p50) }]),
    ...(shape === 'trickle' ? [{ title: 'p99 us', text: of(metrics.p99) }] : []),
    { title: 'Jain', text: jain },
    { title: 'most', text: (cell) => percent(summaryOf(cell, (line) => line.largestShare)) },
    { title: 'unused', text: of((line) => line.neverUsed) },
    { title: headline.title, text: (cell) => range(summaryOf(cell, headline.metric)) },
    ...(base === undefined
      ? []
      : [
          {
            title: `x ${base.strategy}`,
            text: (cell: Cell) => against(cell, base, headline.metric),
          },
        ]),
    { title: 'each kid', text: sparkline },
  ]
}

/** One row a strategy, one column for each number of kids. */
function formatSweep(group: readonly Cell[]): string {
  const sizes = [...new Set(group.map(({ kids }) => kids))].sort((a, b) => a - b)
  const rows = [...new Set(group.map(({ strategy }) => strategy))]
  const at = (strategy: string, kids: number) =>
    group.find((cell) => cell.strategy === strategy && cell.kids === kids)
  const columns: Column[] = [
    { title: 'kids', text: ({ strategy }) => strategy },
    ...sizes.map((kids) => ({
      title: `${kids}`,
      text: ({ strategy }: Cell) => {
        const cell = at(strategy, kids)
        return cell === undefined ? '' : digits(summaryOf(cell, metrics.switches)?.median)
      },
    })),
  ]
  const first = rows.map((strategy) => group.find((cell) => cell.strategy === strategy) as Cell)
  return `sweep: switches per connection, kids and parent together, one connection at a time\n${align(columns, first)}`
}

function align(columns: readonly Column[], cells: readonly Cell[]): string {
  const rows = [
    columns.map(({ title }) => title),
    ...cells.map((cell) => columns.map(({ text }) => text(cell))),
  ]
  const widths = columns.map((_, i) => Math.max(...rows.map((row) => (row[i] as string).length)))
  const pad = (text: string, i: number) =>
    // Names and pictures begin at the left, figures end at the right.
    i === 0 || i === columns.length - 1
      ? text.padEnd(widths[i] as number)
      : text.padStart(widths[i] as number)
  return rows.map((row) => `  ${row.map(pad).join('  ')}`.trimEnd()).join('\n')
}

function of(metric: Metric): Column['text'] {
  return (cell) => digits(summaryOf(cell, metric)?.median)
}

function both(kids: keyof typeof metrics, parent: keyof typeof metrics): Column['text'] {
  return (cell) =>
    withParent(summaryOf(cell, metrics[kids])?.median, summaryOf(cell, metrics[parent])?.median)
}

function cpu(cell: Cell): string {
  const median = (metric: Metric) => summaryOf(cell, metric)?.median
  return withParent(
    median((line) => line.perConnection.kidCpuUs),
    median((line) => line.perConnection.parentCpuUs),
  )
}

function withParent(kids: number | undefined, parent: number | undefined): string {
  return parent === undefined || parent === 0 ? digits(kids) : `${digits(kids)} (${digits(parent)})`
}

function jain(cell: Cell): string {
  const found = summaryOf(cell, (line) => line.jain)?.median ?? 1
  const expected = summaryOf(cell, (line) => line.jainExpected)?.median ?? 1
  return `${found.toFixed(2)} (${expected.toFixed(2)})`
}

function against(cell: Cell, base: Cell, metric: Metric): string {
  const ratio = cell === base ? null : ratioOf(cell, base, metric)
  if (ratio === null) return ''
  return ratio.resolved ? range(ratio) : 'not resolved'
}

function range(summary: Summary | null): string {
  if (summary === null) return ''
  return `${digits(summary.median)} (${digits(summary.least)}..${digits(summary.most)})`
}

function percent(summary: Summary | null): string {
  return summary === null ? '' : `${Math.round(summary.median * 100)}%`
}

/** Three digits are all that is true. */
function digits(value: number | undefined): string {
  if (value === undefined) return '-'
  if (value === 0) return '0'
  if (Math.abs(value) >= 100) return value.toFixed(0)
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2)
}

const bars = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const

/** A bar for each kid, over all rounds: against the kid with the most connections; a blank for none. */
export function sparkline({ rounds }: Cell): string {
  const sums = (rounds[0]?.kidsAccepted ?? []).map((_, kid) =>
    rounds.reduce((sum, line) => sum + (line.kidsAccepted[kid] ?? 0), 0),
  )
  const most = Math.max(...sums)
  return sums
    .map((sum) => (sum === 0 ? ' ' : bars[Math.ceil((sum / most) * bars.length) - 1]))
    .join('')
}

/** Places that are named; of a warning that holds for more of them only how many. */
const mostPlaces = 6

/** Each warning once, as it was first said, with where it holds: counts differ from round to round. */
function notes(lines: readonly ResultLine[]): string[] {
  const found = new Map<string, { warning: string; places: string[] }>()
  const measured = lines.filter((line) => line.type === 'measurement')
  for (const { strategy, shape, kids, warnings } of measured) {
    for (const warning of warnings) {
      const key = warning.replace(/\d+/g, '')
      const note = found.get(key) ?? { warning, places: [] }
      found.set(key, note)
      note.places.push(`${strategy} (${shape}, ${kids})`)
    }
  }
  return [...found.values()].map(({ warning, places }) => {
    const distinct = [...new Set(places)]
    const where = distinct.length > mostPlaces ? '' : `: ${distinct.join(', ')}`
    return `Note: ${warning} So, or nearly so, in ${places.length} of ${measured.length} measurements${where}.`
  })
}

function unavailable(lines: readonly ResultLine[]): string[] {
  return lines
    .filter((line) => line.type === 'unavailable')
    .map(({ strategy, reason }) => `${strategy} is left out: ${reason}`)
}
