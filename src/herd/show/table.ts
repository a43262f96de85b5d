/** The tables of the report: a row a strategy, what shows the herd first. */

import type { MeasurementLine } from '../results.js'
import type { ShapeName } from '../shapes.js'
import { baselineOf, type Cell, type Metric, metrics, ratioOf, summaryOf } from './figures.js'
import { percent, plain, time } from './scales.js'
import { element, escaped } from './svg.js'

interface Column {
  readonly head: string
  /** What it is, shown when it is pointed at. */
  readonly meaning: string
  readonly metric: Metric
  readonly write: (value: number) => string
  /** Whether the range and the ratio to the baseline stand below the value; of others the range is shown when pointed at. */
  readonly ratio?: boolean
  /** Whether it says anything under a shape; left out: under all. */
  readonly under?: (shape: ShapeName) => boolean
}

type Each = keyof MeasurementLine['perConnection']

const each =
  (name: Each): Metric =>
  ({ perConnection }) =>
    perConnection[name]

const honest = (shape: ShapeName) => shape !== 'saturate' && shape !== 'burst'

// biome-ignore format: one a line
const columns: readonly Column[] = [
  { head: 'switches, kids', meaning: 'context switches of all kids per connection', metric: metrics.kidSwitches, write: plain, ratio: true },
  { head: 'switches, parent', meaning: 'context switches of the parent per connection', metric: metrics.parentSwitches, write: plain },
  { head: 'waits returned', meaning: 'returns of the wait to the program, per connection', metric: each('waits'), write: plain },
  { head: 'empty accepts', meaning: 'accepts that found nothing, per connection', metric: each('emptyAccepts'), write: plain },
  { head: 'CPU, kids', meaning: 'CPU of all kids per connection', metric: each('kidCpuUs'), write: time, ratio: true },
  { head: 'CPU, parent', meaning: 'CPU of the parent per connection', metric: each('parentCpuUs'), write: time },
  { head: 'ready, waiting', meaning: 'how long kids and parent waited for a core, per connection', metric: metrics.delay, write: time },
  { head: 'p50', meaning: 'half of the connections were answered within', metric: metrics.p50, write: time, under: honest },
  { head: 'p99', meaning: '99 % of the connections were answered within', metric: metrics.p99, write: time, ratio: true, under: honest },
  { head: 'p99.9', meaning: '99.9 % of the connections were answered within', metric: ({ latencyUs }) => latencyUs.p999, write: time, under: honest },
  { head: 'last reply', meaning: 'from the start of a burst to its last reply, median of all bursts', metric: metrics.lastReply, write: (ms) => time(ms * 1000), ratio: true, under: (shape) => shape === 'burst' },
  { head: 'connections/s', meaning: 'connections answered a second', metric: ({ perSecond }) => perSecond, write: plain, ratio: true, under: (shape) => shape === 'saturate' },
  { head: 'Jain', meaning: "Jain's index of the spread over kids: 1 is even", metric: ({ jain }) => jain, write: plain },
  { head: 'if random', meaning: "Jain's index that a fair random split would have", metric: ({ jainExpected }) => jainExpected, write: plain },
  { head: 'largest share', meaning: 'the part of all connections that one kid had', metric: ({ largestShare }) => largestShare, write: percent },
  { head: 'never used', meaning: 'kids without any connection', metric: ({ neverUsed }) => neverUsed, write: plain },
  { head: 'longest queue', meaning: 'connections that waited, at most, where it was looked', metric: metrics.longestQueue, write: plain },
  { head: 'client busy', meaning: "the load client's CPU as a part of one core", metric: ({ client }) => client.busy, write: percent },
]

/** Cells of one shape with one number of kids. */
export function tableOf(cells: readonly Cell[]): string {
  const [first] = cells
  if (first === undefined) return ''
  const shown = columns.filter(
    ({ under, metric }) =>
      (under?.(first.shape) ?? true) && cells.some((cell) => summaryOf(cell, metric) !== null),
  )
  const head = shown.map(({ head, meaning }) =>
    element('th', { scope: 'col', title: meaning }, escaped(head)),
  )
  const rowOf = (cell: Cell) => {
    const doubtful = cell.rounds.some(({ warnings }) => warnings.length > 0)
    const mark = doubtful
      ? element(
          'a',
          { class: 'mark', href: `#care-${placeOf(cell)}`, title: 'read with care: see below' },
          '\u26a0',
        )
      : ''
    const name = element('th', { scope: 'row' }, escaped(cell.strategy), mark)
    return element('tr', {}, name, ...shown.map((column) => dataOf(column, cell, cells)))
  }
  const groups = (['lab', 'server'] as const).flatMap((kind) => {
    const mine = cells.filter((cell) => cell.kind === kind)
    if (mine.length === 0) return []
    const base = mine.map((cell) => baselineOf(cell, cells)).find((found) => found !== undefined)
    const to = base === undefined ? '' : `; ratios are to ${base.strategy}`
    const title =
      kind === 'lab' ? `The lab's kids${to}` : `Servers, with Node.js around every connection${to}`
    const heading = element('th', { colspan: shown.length + 1, scope: 'colgroup' }, escaped(title))
    return [element('tbody', {}, element('tr', { class: 'kind' }, heading), ...mine.map(rowOf))]
  })
  return element(
    'div',
    {
      class: 'wide',
      tabindex: 0,
      role: 'region',
      'aria-label': `${first.shape}, ${first.kids} kids`,
    },
    element(
      'table',
      {},
      element('thead', {}, element('tr', {}, element('th', { scope: 'col' }, 'strategy'), ...head)),
      ...groups,
    ),
  )
}

/** Names a table within the report. */
export function placeOf({ shape, kids }: Pick<Cell, 'shape' | 'kids'>): string {
  return `${shape}-${kids}`
}

function dataOf({ metric, write, ratio }: Column, cell: Cell, cells: readonly Cell[]): string {
  const summary = summaryOf(cell, metric)
  if (summary === null) return element('td', { class: 'none', title: 'not known' }, '\u2013')
  const { median, least, most } = summary
  const value = element('b', {}, escaped(write(median)))
  const isRange = write(least) !== write(most)
  if (ratio !== true) {
    const title = isRange ? `${write(least)} to ${write(most)}` : undefined
    return element('td', { title }, value)
  }
  const range = isRange ? element('small', {}, span(write(least), write(most))) : ''
  return element('td', {}, value, range, ratioTo(cell, cells, metric))
}

/** A range, with a unit that both ends have written once. */
function span(least: string, most: string): string {
  const [number = '', unit] = least.split(' ')
  const from = unit !== undefined && most.endsWith(` ${unit}`) ? number : least
  return escaped(`${from} \u2013 ${most}`)
}

function ratioTo(cell: Cell, cells: readonly Cell[], metric: Metric): string {
  const base = baselineOf(cell, cells)
  const ratio = base === undefined ? null : ratioOf(cell, base, metric)
  if (ratio === null) return ''
  const { median, resolved, least, most } = ratio
  const title = `to ${base?.strategy}, round by round: ${plain(least)} to ${plain(most)}`
  if (!resolved) return element('i', { class: 'open', title }, 'not resolved')
  return element('i', { title }, escaped(`\u00d7 ${plain(median)}`))
}
