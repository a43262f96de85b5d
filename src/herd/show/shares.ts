/** How connections were spread over kids: bars by kid beside the fair share, and the Lorenz curve. */

import { type Cell, summaryOf } from './figures.js'
import { linePlot } from './line-plot.js'
import { nothing, type Plot, width } from './plot.js'
import { linearScale, percent, plain } from './scales.js'
import { element, label } from './svg.js'
import { colourOf } from './theme.js'

/** Parts of all connections by kid, the largest first, the mean over all rounds: kids of two rounds have only their rank in common. */
export function sharesOf({ rounds, kids }: Cell): number[] {
  const sums = new Array<number>(kids).fill(0)
  let counted = 0
  for (const { kidsAccepted } of rounds) {
    const total = kidsAccepted.reduce((a, b) => a + b, 0)
    if (total === 0) continue
    counted++
    const sorted = [...kidsAccepted].sort((a, b) => b - a)
    for (let rank = 0; rank < kids; rank++) {
      sums[rank] = (sums[rank] ?? 0) + (sorted[rank] ?? 0) / total
    }
  }
  return counted === 0 ? [] : sums.map((sum) => sum / counted)
}

const row = { height: 46, bars: 30, left: 122, right: 322, top: 44 }

/** Of the cells of one shape with one number of kids: a row a strategy, a bar a kid. */
export function sharesPlot(cells: readonly Cell[], title: string): Plot {
  const description =
    "Each kid's part of all connections, the busiest kid first, one row a strategy; the dashed line is the fair share."
  const rows = cells
    .map((cell) => ({ cell, shares: sharesOf(cell) }))
    .filter(({ shares }) => shares.length > 0)
  if (rows.length === 0) return nothing(title, description)
  const drawn = rows.map(({ cell, shares }, i) => {
    const base = row.top + i * row.height + row.bars
    const most = Math.max(...shares)
    const fair = 1 / cell.kids
    // Each row has its own height: what is compared is a bar with the line of its row.
    const tall = (share: number) => (row.bars * share) / Math.max(most, fair)
    const slot = (row.right - row.left) / shares.length
    const gap = Math.min(2, slot / 4)
    const bars = shares.map((share, kid) =>
      element('rect', {
        class: 'bar',
        x: row.left + kid * slot + gap / 2,
        y: base - tall(share),
        width: slot - gap,
        height: tall(share),
      }),
    )
    const line = base - tall(fair)
    return element(
      'g',
      { class: colourOf(cell.strategy) },
      label(row.left - 8, base - 8, cell.strategy, { class: 'end' }),
      ...bars,
      element('line', { class: 'axis', x1: row.left, x2: row.right, y1: base, y2: base }),
      element('line', { class: 'fair', x1: row.left - 2, x2: row.right + 2, y1: line, y2: line }),
      label(row.right + 8, base - 17, `most ${percent(most)}`, { class: 'small' }),
      label(row.right + 8, base - 3, jainOf(cell), { class: 'small soft' }),
    )
  })
  const fairs = [...new Set(rows.map(({ cell }) => percent(1 / cell.kids)))].join(', ')
  const bottom = row.top + rows.length * row.height
  const note = label(row.left, bottom + 8, `- - -  fair share: ${fairs}`, { class: 'soft small' })
  return { title, description, width, height: bottom + 20, body: drawn.join('') + note }
}

function jainOf(cell: Cell): string {
  const jain = summaryOf(cell, ({ jain }) => jain)
  const expected = summaryOf(cell, ({ jainExpected }) => jainExpected)
  return `Jain ${plain(jain?.median ?? 0)} (${plain(expected?.median ?? 0)})`
}

/** Lorenz curves: what part of the connections the least busy kids had together. */
export function lorenzPlot(cells: readonly Cell[], title: string): Plot {
  const series = cells.map((cell) => {
    const shares = sharesOf(cell).reverse()
    let sum = 0
    const points = shares.map((share, i): [number, number] => {
      sum += share
      return [(100 * (i + 1)) / shares.length, Math.min(100, 100 * sum)]
    })
    return { name: cell.strategy, points: points.length === 0 ? [] : [[0, 0] as const, ...points] }
  })
  return linePlot({
    title,
    description:
      'The part of all connections that the least busy kids had together: the diagonal is even, a line along the floor is all by one kid.',
    names: { x: '% of the kids, the least busy first', y: '% of the connections' },
    series: series.sort((a, b) => evenness(b) - evenness(a)),
    level: true,
    x: (values, ends) => linearScale(values, ends, plain),
    y: (values, ends) => linearScale(values, ends, plain),
  })
}

/** The more even, the higher its curve. */
function evenness({ points }: { readonly points: readonly (readonly [number, number])[] }): number {
  return points.reduce((sum, [, y]) => sum + y, 0)
}
