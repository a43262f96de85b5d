/** The timelines of a run as text, beside each other; the last thing the lab prints in a terminal. */

import type { ResultLine } from '../results.js'
import { strategyNames } from '../strategies.js'
import { timelineText } from './timeline.js'

const abreast = 3
const width = 46
/** With more kids it would be pages of circles: the report has them. */
const mostKids = 16

/** Three strategies beside each other, a line a kid; undefined where there is none to show. */
export function stripsText(lines: readonly ResultLine[]): string | undefined {
  const strips = lines
    .filter((line) => line.type === 'timeline')
    .filter(({ kids, wakes }) => kids <= mostKids && wakes.length > 0)
    .sort((a, b) => strategyNames.indexOf(a.strategy) - strategyNames.indexOf(b.strategy))
    .map((line) => [line.strategy, ...timelineText(line)])
  if (strips.length === 0) return undefined
  const rows: string[] = []
  for (let first = 0; first < strips.length; first += abreast) {
    const mine = strips.slice(first, first + abreast)
    const tallest = Math.max(...mine.map(({ length }) => length))
    for (let row = 0; row < tallest; row++) {
      rows.push(`  ${mine.map((strip) => (strip[row] ?? '').padEnd(width)).join('')}`.trimEnd())
    }
  }
  return [
    'who woke: a line a kid, a column a connection; \u25cf woke and got it, \u25cb woke for nothing',
    ...rows,
  ].join('\n')
}
