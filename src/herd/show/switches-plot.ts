/** Plot: context switches per connection against the number of kids; the slope is the herd. */

import { type Cell, metrics, summaryOf } from './figures.js'
import { linePlot, type Series } from './line-plot.js'
import type { Plot } from './plot.js'
import { logScale, plain } from './scales.js'

/** Of the cells of a sweep. */
export function switchesPlot(cells: readonly Cell[], title: string): Plot {
  const kids = [...new Set(cells.map(({ kids }) => kids))].sort((a, b) => a - b)
  const names = [...new Set(cells.map(({ strategy }) => strategy))]
  const series = names.map((name): Series => {
    const mine = cells
      .filter(({ strategy }) => strategy === name)
      .sort((a, b) => a.kids - b.kids)
      .flatMap((cell) => {
        const summary = summaryOf(cell, metrics.switches)
        return summary === null ? [] : [{ kids: cell.kids, ...summary }]
      })
    return {
      name,
      points: mine.map(({ kids, median }) => [kids, median]),
      ranges: mine.map(({ kids, least, most }) => [
        [kids, least],
        [kids, most],
      ]),
    }
  })
  return linePlot({
    title,
    description:
      'Context switches of kids and parent per connection, against the number of kids that wait; bars are the range of all rounds.',
    names: { x: 'kids', y: 'switches per connection' },
    series,
    dots: true,
    x: (values, ends) => logScale(values, ends, plain, kids),
    y: (values, ends) => logScale(values, ends, plain),
  })
}
