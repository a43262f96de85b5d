/** Plot: latency by percentile, the axis stretched towards the slowest, as HdrHistogram draws it. */

import type { MeasurementLine } from '../results.js'
import { type Cell, metrics, summaryOf } from './figures.js'
import { linePlot, type Series } from './line-plot.js'
import type { Plot } from './plot.js'
import { logScale, time } from './scales.js'

/** Of the cells of one shape with one number of kids. */
export function percentilesPlot(cells: readonly Cell[], title: string): Plot {
  const series = cells.map((cell): Series => {
    const p99 = summaryOf(cell, metrics.p99)
    return {
      name: cell.strategy,
      points: curveOf(cell.rounds),
      ranges:
        p99 === null
          ? []
          : [
              [
                [at99, p99.least],
                [at99, p99.most],
              ],
            ],
    }
  })
  return linePlot({
    title,
    description:
      'Latency by percentile, all rounds together; bars at 99 % are the range of the rounds.',
    names: { x: 'so many connections were answered within', y: 'latency' },
    series,
    apart: 4,
    x: (values, ends) => {
      const most = values.reduce((a, b) => Math.max(a, b), 10)
      return logScale([1, most], ends, ofOneIn, decades(most))
    },
    y: (values, ends) => logScale(values, ends, time),
  })
}

/** On an axis of 1 / (1 - p), where 100 is one connection in a hundred. */
const at99 = 100

function ofOneIn(n: number): string {
  // The quickest of all is of no interest, and its name would run into the next.
  return n === 1 ? '' : `${Number((100 - 100 / n).toPrecision(12))} %`
}

function decades(most: number): number[] {
  const ticks = [1, 2]
  for (let n = 10; n <= most * 1.001; n *= 10) ticks.push(n)
  return most > 1e5 ? ticks.filter((n) => n !== 2) : ticks
}

/** How many points a curve has at most. */
const resolution = 90

/** [1 / (1 - p), microseconds]: up to where a single connection is slower. */
function curveOf(rounds: readonly MeasurementLine[]): [number, number][] {
  const buckets = new Map<number, number>()
  for (const { histogram } of rounds) {
    for (const [us, count] of histogram) buckets.set(us, (buckets.get(us) ?? 0) + count)
  }
  const sorted = [...buckets].sort(([a], [b]) => a - b)
  const total = sorted.reduce((sum, [, count]) => sum + count, 0)
  if (total === 0) return []
  const points: [number, number][] = []
  let [bucket, below] = [0, 0]
  for (let i = 0; i <= resolution; i++) {
    const oneIn = total ** (i / resolution)
    const rank = Math.max(1, Math.ceil(total * (1 - 1 / oneIn)))
    while (bucket < sorted.length - 1 && below + (sorted[bucket]?.[1] ?? 0) < rank) {
      below += sorted[bucket]?.[1] ?? 0
      bucket++
    }
    points.push([oneIn, sorted[bucket]?.[0] ?? 0])
  }
  return points
}
