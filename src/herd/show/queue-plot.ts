/** Plot: how many connections wait, over time, a row a strategy; used for shapes under which queues tell something. */

import { type QueueSample, thinned } from '../queue-samples.js'
import type { MeasurementLine } from '../results.js'
import { type Cell, metrics, summaryOf } from './figures.js'
import { nothing, type Plot, width } from './plot.js'
import { linearScale, plain } from './scales.js'
import { element, label, path } from './svg.js'
import { colourOf } from './theme.js'

const row = { height: 46, tall: 32, left: 122, right: 322, top: 46 }

/** Of the cells of one shape with one number of kids. One round is shown: a mean over rounds would be of no moment. */
export function queuePlot(cells: readonly Cell[], title: string): Plot {
  const round = ordinaryRound(cells)
  const description =
    'Connections that wait to be accepted, over the time of one measurement, a row a strategy, all of the same round and to the same scale.'
  const rows = cells.flatMap((cell) => {
    const line = cell.rounds.find((line) => line.round === round && line.queueDepth.length > 0)
    return line === undefined ? [] : [{ cell, samples: thinned(line.queueDepth) }]
  })
  if (rows.length === 0) return nothing(title, description)
  const all = rows.flatMap(({ samples }) => samples)
  const bottom = row.top + rows.length * row.height
  // What is still open when a load's time is over takes a little longer: no reason for a tick more.
  const x = linearScale(
    all.map(([ms]) => ms / 1.05),
    [row.left, row.right],
    plain,
  )
  const depths = all.map(([, depth]) => depth)
  const y = linearScale(depths, [0, row.tall], plain)
  const top = y.ticks.at(-1)
  const grid = x.ticks.flatMap(({ value, label: text }) => [
    element('line', { class: 'grid', x1: x.at(value), x2: x.at(value), y1: row.top, y2: bottom }),
    label(x.at(value), bottom + 15, text, { class: 'soft middle small' }),
  ])
  const drawn = rows.map(({ cell, samples }, i) => {
    const base = row.top + (i + 1) * row.height - 4
    const most = Math.max(...samples.map(([, depth]) => depth))
    const height = base - row.tall
    const line = { x1: row.left, x2: row.right }
    return element(
      'g',
      { class: colourOf(cell.strategy) },
      label(row.left - 8, base - 4, cell.strategy, { class: 'end' }),
      label(row.left - 8, height + 4, top?.label ?? '', { class: 'soft end small' }),
      element('line', { class: 'grid', ...line, y1: height, y2: height }),
      path(
        outline(samples, x.at, (depth) => base - y.at(depth), base),
        { class: 'bar' },
      ),
      element('line', { class: 'axis', ...line, y1: base, y2: base }),
      label(row.right + 8, base - 17, `most ${plain(most)}`, { class: 'small' }),
      label(row.right + 8, base - 3, rangeOf(cell), { class: 'small soft' }),
    )
  })
  const names = [
    label(10, row.top - 8, 'connections that wait', { class: 'soft small' }),
    label(
      (row.left + row.right) / 2,
      bottom + 32,
      `milliseconds since the load began, round ${round}`,
      {
        class: 'soft middle small',
      },
    ),
  ]
  const body = [...grid, ...drawn, ...names].join('')
  return { title, description, width, height: bottom + 44, body }
}

/**
 * The round that is shown, the same for all rows, as arrivals are the same within a round: of those that most rows
 * have, the one with the median of all that waited, so neither the calmest nor the worst.
 */
function ordinaryRound(cells: readonly Cell[]): number | undefined {
  const rounds = new Map<number, MeasurementLine[]>()
  for (const line of cells.flatMap((cell) => cell.rounds)) {
    if (line.queueDepth.length === 0) continue
    rounds.set(line.round, [...(rounds.get(line.round) ?? []), line])
  }
  const most = Math.max(0, ...[...rounds.values()].map((lines) => lines.length))
  const full = [...rounds].filter(([, lines]) => lines.length === most)
  const waited = (lines: readonly MeasurementLine[]) =>
    lines.reduce((sum, { queueDepth }) => sum + meanOf(queueDepth), 0)
  full.sort(([a, some], [b, others]) => waited(some) - waited(others) || a - b)
  return full[Math.floor((full.length - 1) / 2)]?.[0]
}

function meanOf(samples: readonly QueueSample[]): number {
  return samples.reduce((sum, [, depth]) => sum + depth, 0) / samples.length
}

/** What is below the samples, each of which holds until the next; the last as long as those before it, on average. */
function outline(
  samples: readonly QueueSample[],
  x: (ms: number) => number,
  y: (depth: number) => number,
  base: number,
): [number, number][] {
  const [first, last] = [samples[0]?.[0] ?? 0, samples.at(-1)?.[0] ?? 0]
  const each = (last - first) / Math.max(1, samples.length - 1)
  const steps = samples.flatMap(([ms, depth], i): [number, number][] => [
    [x(ms), y(depth)],
    [x(samples[i + 1]?.[0] ?? last + each), y(depth)],
  ])
  return [[x(first), base], ...steps, [x(last + each), base]]
}

/** How deep it was at most, in the calmest and the worst round. */
function rangeOf(cell: Cell): string {
  const longest = summaryOf(cell, metrics.longestQueue)
  if (longest === null || cell.rounds.length < 2) return ''
  if (longest.least === longest.most) return 'in every round'
  return `rounds: ${plain(longest.least)} \u2013 ${plain(longest.most)}`
}
