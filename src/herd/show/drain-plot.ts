/** Plot: how a burst of connections is answered; used for the shape `burst`. */

import { percentile } from '../statistics.js'
import { type Cell, metrics, summaryOf } from './figures.js'
import { linePlot, type Series } from './line-plot.js'
import type { Plot } from './plot.js'
import { linearScale, plain } from './scales.js'

/** Of the cells of `burst` with one number of kids. */
export function drainPlot(cells: readonly Cell[], title: string): Plot {
  const series = cells.map((cell): Series => {
    const points = curveOf(cell)
    const last = summaryOf(cell, metrics.lastReply)
    const top = points.at(-1)?.[1] ?? 0
    const isRange = last !== null && last.least < last.most && points.length > 0
    return {
      name: cell.strategy,
      points,
      ranges: isRange
        ? [
            [
              [last.least, top],
              [last.most, top],
            ],
          ]
        : [],
    }
  })
  return linePlot({
    title,
    description:
      'Connections answered against the time since the burst began, medians; bars are the range of the time to the last reply over all rounds.',
    names: { x: 'milliseconds since the burst began', y: 'connections answered' },
    series,
    steps: true,
    level: true,
    x: (values, ends) => linearScale(values, ends, plain),
    y: (values, ends) => linearScale(values, ends, plain),
  })
}

/** For each number answered, the median over the rounds of when it was reached. */
function curveOf({ rounds }: Cell): [number, number][] {
  const times = new Map<number, number[]>()
  for (const { drain } of rounds) {
    for (const [ms, answered] of drain?.curve ?? []) {
      const reached = times.get(answered)
      if (reached === undefined) times.set(answered, [ms])
      else reached.push(ms)
    }
  }
  const curve = [...times]
    .sort(([a], [b]) => a - b)
    .map(([answered, ms]): [number, number] => [percentile(ms, 0.5), answered])
  const [first] = curve
  return first === undefined ? [] : [[first[0], 0], ...curve]
}
