/** Plot: what a connection costs in CPU against how long the slowest wait; the better is below and to the left. */

import { type Cell, metrics, summaryOf } from './figures.js'
import { box, range } from './line-plot.js'
import { axes, nothing, type Plot, spread, width } from './plot.js'
import { logScale, time } from './scales.js'
import { element, label, path } from './svg.js'
import { colourOf } from './theme.js'

/** Of the cells of one shape with one number of kids. */
export function paretoPlot(cells: readonly Cell[], title: string): Plot {
  const description =
    'CPU of kids and parent per connection against the latency that 1 % of connections exceed; crosses are the ranges of all rounds, the dashed line joins those that no other beats in both.'
  const points = cells.flatMap((cell) => {
    const [cpu, p99] = [summaryOf(cell, metrics.cpu), summaryOf(cell, metrics.p99)]
    return cpu === null || p99 === null ? [] : [{ name: cell.strategy, cpu, p99 }]
  })
  if (points.length === 0) return nothing(title, description)
  const ends = ({ least, most }: { least: number; most: number }) => [least, most]
  const x = logScale(
    points.flatMap(({ cpu }) => ends(cpu)),
    [box.left, box.right],
    time,
  )
  const y = logScale(
    points.flatMap(({ p99 }) => ends(p99)),
    [box.bottom, box.top],
    time,
  )
  const at = points.map(({ cpu, p99 }): [number, number] => [x.at(cpu.median), y.at(p99.median)])
  const heights = spread(
    at.map(([, y]) => y),
    15,
    box.top + 4,
    box.bottom,
  )
  const drawn = points.map(({ name, cpu, p99 }, i) => {
    const [cx, cy] = at[i] as [number, number]
    const nameY = heights[i] as number
    return element(
      'g',
      { class: colourOf(name) },
      range([x.at(cpu.least), cy], [x.at(cpu.most), cy]),
      range([cx, y.at(p99.least)], [cx, y.at(p99.most)]),
      path(
        [
          [cx, cy],
          [box.right + 3, nameY],
          [box.right + 13, nameY],
        ],
        { class: 'leader' },
      ),
      element('circle', { class: 'dot', cx, cy, r: 4.5 }),
      label(box.right + 16, nameY + 4, name),
    )
  })
  const frame = axes(box, x, y, { x: 'CPU per connection', y: 'p99 latency' })
  const best = path(frontOf(at), { class: 'front' })
  return { title, description, width, height: 334, body: frame + best + drawn.join('') }
}

/** The points that no other is left of and below (in pixels: lower is larger), in steps from left to right. */
function frontOf(points: readonly (readonly [number, number])[]): [number, number][] {
  const front: [number, number][] = []
  for (const [x, y] of [...points].sort(([ax, ay], [bx, by]) => ax - bx || by - ay)) {
    const last = front.at(-1)
    if (last === undefined) front.push([x, y])
    else if (y > last[1]) front.push([x, last[1]], [x, y])
  }
  return front
}
