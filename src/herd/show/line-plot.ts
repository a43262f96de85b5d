/** Lines with their names at their right ends; switches, percentiles, drains and shares are drawn with it. */

import { type AxisNames, axes, type Box, nothing, type Plot, spread, width } from './plot.js'
import type { Scale } from './scales.js'
import { element, label, path } from './svg.js'
import { colourOf } from './theme.js'

type Point = readonly [x: number, y: number]

/** One line. */
export interface Series {
  readonly name: string
  readonly points: readonly Point[]
  /** Where it was in other rounds: bars from one point to another, along either axis. */
  readonly ranges?: readonly (readonly [from: Point, to: Point])[]
}

/** All that a line plot needs. */
export interface LinePlot {
  readonly title: string
  readonly description: string
  readonly names: AxisNames
  readonly series: readonly Series[]
  /** Makes an axis from all values on it and the pixels it has. */
  readonly x: (values: readonly number[], ends: readonly [number, number]) => Scale
  readonly y: (values: readonly number[], ends: readonly [number, number]) => Scale
  /** Whether each point is marked. */
  readonly dots?: boolean
  /** Drawn in steps: a value holds until the next. */
  readonly steps?: boolean
  /** All end at one height: names are in the order in which lines end, with a piece of their line beside them. */
  readonly level?: boolean
  /** Pixels by which ranges that would lie over each other are set apart, to the side. */
  readonly apart?: number
}

export const box: Box = { left: 52, right: 318, top: 50, bottom: 290 }
const height = 334
const nameAt = box.right + 16

/** Draws it; series without points are left out. */
export function linePlot(plot: LinePlot): Plot {
  const { title, description, names, dots = false, steps = false, level = false, apart = 0 } = plot
  const series = plot.series
    .map((each) => ({ ...each, points: each.points.filter(isDrawable) }))
    .filter(({ points }) => points.length > 0)
  if (series.length === 0) return nothing(title, description)
  const all = series.flatMap(({ points, ranges = [] }) => [...points, ...ranges.flat()])
  const x = plot.x(
    all.map(([x]) => x),
    [box.left, box.right],
  )
  const y = plot.y(
    all.map(([, y]) => y),
    [box.bottom, box.top],
  )
  const place = ([px, py]: Point): [number, number] => [x.at(px), y.at(py)]
  const ends = series.map(({ points }) => place(points.at(-1) as Point))
  const heights = spread(
    // Next to nothing, but it puts them in order.
    ends.map(([x, y]) => (level ? box.top + x / 1000 : y)),
    15,
    box.top + 4,
    box.bottom,
  )
  const drawn = series.map(({ name, points, ranges = [] }, i) => {
    const placed = points.map(place)
    const aside = (i - (series.length - 1) / 2) * apart
    const [endX, endY] = ends[i] as [number, number]
    return element(
      'g',
      { class: colourOf(name) },
      path(steps ? stepped(placed) : placed, { class: 'curve' }),
      ...ranges.map(([from, to]) => range(place(from), place(to), aside)),
      ...(dots || placed.length === 1 ? placed.map(dot) : []),
      level ? swatch(heights[i] as number) : leader(endX, endY, heights[i] as number),
      label(nameAt, (heights[i] as number) + 4, name),
    )
  })
  return { title, description, width, height, body: axes(box, x, y, names) + drawn.join('') }
}

function isDrawable([x, y]: Point): boolean {
  return Number.isFinite(x) && Number.isFinite(y)
}

function dot([cx, cy]: readonly [number, number]): string {
  return element('circle', { class: 'dot', cx, cy, r: 3 })
}

/** From the end of a line to its name. */
function leader(x: number, y: number, nameY: number): string {
  const points = [[x, y] as const, [box.right + 3, y] as const, [nameAt - 3, nameY] as const]
  return path(points, { class: 'leader' })
}

/** A piece of a line beside its name. */
function swatch(y: number): string {
  return path([[nameAt - 13, y] as const, [nameAt - 4, y] as const], { class: 'curve' })
}

/** A bar from the least to the most of all rounds. */
export function range([x1, y1]: Point, [x2, y2]: Point, aside = 0): string {
  return element('line', { class: 'range', x1: x1 + aside, y1, x2: x2 + aside, y2 })
}

/** A value holds until the next one. */
function stepped(points: readonly Point[]): Point[] {
  return points.flatMap((point, i): Point[] => {
    const before = points[i - 1]
    return before === undefined ? [point] : [[point[0], before[1]], point]
  })
}
