/** The frame around every plot: title, axes, room for names, and the file it becomes. */

import type { Scale } from './scales.js'
import { element, escaped, label } from './svg.js'
import { plotCss, themeCss } from './theme.js'

/** A drawn plot. */
export interface Plot {
  readonly title: string
  /** What it shows, for whoever cannot see it. */
  readonly description: string
  readonly width: number
  readonly height: number
  readonly body: string
}

/** Every plot is so wide: at 375 pixels its text can still be read. */
export const width = 440

/** The part of a plot within its axes. */
export interface Box {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

/** The `svg` element. With `alone` it is a whole file, with its own colours. */
export function svgOf(plot: Plot, alone: boolean): string {
  const { title, description, height, body } = plot
  const style = alone ? element('style', {}, `${themeCss('svg')}${plotCss}`) : ''
  return element(
    'svg',
    {
      ...(alone ? { xmlns: 'http://www.w3.org/2000/svg' } : {}),
      class: 'plot',
      viewBox: `0 0 ${plot.width} ${height}`,
      ...(alone ? { width: plot.width * 2, height: height * 2 } : {}),
      role: 'img',
    },
    element('title', {}, escaped(title)),
    element('desc', {}, escaped(description)),
    style,
    element('rect', { class: 'paper', width: plot.width, height }),
    label(10, 20, title, { class: 'title' }),
    body,
  )
}

/** What stands where there is nothing to draw. */
export function nothing(title: string, description: string): Plot {
  const body = label(width / 2, 62, 'nothing was measured', { class: 'soft middle' })
  return { title, description, width, height: 100, body }
}

export interface AxisNames {
  /** What is measured, with its unit. */
  readonly x: string
  readonly y: string
}

/** Both axes with grid, ticks and names. */
export function axes(box: Box, x: Scale, y: Scale, names: AxisNames): string {
  const { left, right, top, bottom } = box
  const parts: string[] = []
  for (const { value, label: text } of y.ticks) {
    const at = y.at(value)
    parts.push(element('line', { class: 'grid', x1: left, x2: right, y1: at, y2: at }))
    if (text !== '') parts.push(label(left - 6, at + 4, text, { class: 'soft end small' }))
  }
  for (const { value, label: text } of x.ticks) {
    const at = x.at(value)
    parts.push(element('line', { class: 'grid', x1: at, x2: at, y1: top, y2: bottom }))
    if (text !== '') parts.push(label(at, bottom + 15, text, { class: 'soft middle small' }))
  }
  parts.push(element('path', { class: 'axis', d: `M${left} ${top}V${bottom}H${right}` }))
  parts.push(label((left + right) / 2, bottom + 32, names.x, { class: 'soft middle small' }))
  parts.push(label(10, top - 11, names.y, { class: 'soft small' }))
  return parts.join('')
}

/** Heights for names beside their lines: as near as can be to where they belong, and never over each other. */
export function spread(
  wanted: readonly number[],
  gap: number,
  top: number,
  bottom: number,
): number[] {
  const order = wanted.map((_, i) => i).sort((a, b) => (wanted[a] ?? 0) - (wanted[b] ?? 0))
  const placed = new Array<number>(wanted.length).fill(0)
  let next = top
  for (const i of order) {
    placed[i] = Math.max(next, wanted[i] ?? 0)
    next = (placed[i] ?? 0) + gap
  }
  let last = Math.max(bottom, top + gap * (wanted.length - 1))
  for (const i of [...order].reverse()) {
    placed[i] = Math.min(last, placed[i] ?? 0)
    last = (placed[i] ?? 0) - gap
  }
  return placed
}
