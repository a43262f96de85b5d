/** Who woke when: a row a kid, filled where it got a connection, hollow where it woke for nothing; as a plot and as text. */

import type { TimelineLine } from '../results.js'
import { nothing, type Plot, width } from './plot.js'
import { linearScale, plain } from './scales.js'
import { element, label } from './svg.js'
import { colourOf } from './theme.js'

/** So many connections are shown: with more, marks run into each other. */
const connectionsShown = 12

/** The first wakes, up to those of the last connection shown, with how many of them got one. */
export function firstWakes({ wakes }: Pick<TimelineLine, 'wakes'>, connections = connectionsShown) {
  let got = 0
  const end = wakes.findIndex(([, , one]) => {
    got += one
    return got > connections
  })
  const shown = end === -1 ? wakes : wakes.slice(0, end)
  return { shown, got: Math.min(got, connections) }
}

const left = 36
const right = width - 14
const top = 46

/** The strip of one strategy. */
export function timelinePlot(line: TimelineLine, title: string): Plot {
  const description =
    'A row a kid, a mark a wakeup: filled where the kid got a connection, hollow where it woke for nothing.'
  const { shown, got } = firstWakes(line)
  if (shown.length === 0) return nothing(title, description)
  const rowHeight = line.kids <= 16 ? 14 : line.kids <= 32 ? 9 : 6
  const radius = rowHeight / 2 - 1.2
  const bottom = top + line.kids * rowHeight
  const start = shown[0]?.[1] ?? 0
  const x = linearScale(
    shown.map(([, us]) => (us - start) / 1000),
    [left + 6, right],
    plain,
  )
  const rows = Array.from({ length: line.kids }, (_, kid) => {
    const y = top + (kid + 0.5) * rowHeight
    const every = line.kids <= 16 ? 1 : 8
    const name = (kid + 1) % every === 0 || kid === 0 ? `${kid + 1}` : ''
    const rule = element('line', { class: 'grid', x1: left, x2: right, y1: y, y2: y })
    return rule + (name === '' ? '' : label(left - 6, y + 4, name, { class: 'soft end small' }))
  })
  // Filled ones last: what happened is not to be hidden by what did not.
  const marks = [...shown]
    .sort(([, , a], [, , b]) => a - b)
    .map(([kid, us, one]) =>
      element('circle', {
        class: one === 1 ? 'dot' : 'hollow',
        cx: x.at((us - start) / 1000),
        cy: top + (kid + 0.5) * rowHeight,
        r: radius,
      }),
    )
  const ticks = x.ticks.map(({ value, label: text }) =>
    label(x.at(value), bottom + 14, text, { class: 'soft middle small' }),
  )
  return {
    ...{ title, description, width, height: bottom + 36 },
    body: [
      label(10, top - 10, `kid; ${shown.length} wakeups for ${got} connections`, {
        class: 'soft small',
      }),
      ...rows,
      ...ticks,
      label((left + right) / 2, bottom + 29, 'milliseconds', { class: 'soft middle small' }),
      element('g', { class: colourOf(line.strategy) }, ...marks),
    ].join(''),
  }
}

/** The strip as lines of text, a line a kid, `columns` (at least 1) wide without the kid's number. */
export function timelineText(line: TimelineLine, columns = 64): string[] {
  const { shown } = firstWakes(line)
  const start = shown[0]?.[1] ?? 0
  const length = Math.max(1, (shown.at(-1)?.[1] ?? 0) - start)
  const rows = Array.from({ length: line.kids }, () => new Array<string>(columns).fill(' '))
  for (const [kid, us, one] of shown) {
    const row = rows[kid]
    if (row === undefined) continue
    const column = Math.min(columns - 1, Math.floor(((us - start) / length) * columns))
    if (one === 1) row[column] = '\u25cf'
    else if (row[column] === ' ') row[column] = '\u25cb'
  }
  return rows.map((row, kid) => `${`${kid + 1}`.padStart(2)} ${row.join('').trimEnd()}`.trimEnd())
}

const heights = '\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588'

/** A sparkline: a character a kid, as high as its part of the largest; a dot for a kid that had none. */
export function sparkline(counts: readonly number[]): string {
  const most = counts.reduce((a, b) => Math.max(a, b), 0)
  return counts
    .map((count) => {
      if (!(count > 0)) return '\u00b7'
      return heights[Math.min(7, Math.floor((count / most) * 8))] ?? ''
    })
    .join('')
}
