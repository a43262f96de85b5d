/** Who woke when: a row a kid, filled where it got a connection, hollow where it woke for nothing; as a plot and as text. */

import type { TimelineLine } from '../results.js'
import { nothing, type Plot, width } from './plot.js'
import { element, label } from './svg.js'
import { colourOf } from './theme.js'

/** So many connections are shown: with more, marks run into each other. */
const mostConnections = 40

const filled = '\u25cf'
const hollow = '\u25cb'

/** The wakes of a connection: by kid, 1 where it got the connection. */
type Wakes = ReadonlyMap<number, 0 | 1>

/** Connection by connection, the first ones: all wakes of one have the same time. */
export function connectionsOf({ wakes }: Pick<TimelineLine, 'wakes'>): Wakes[] {
  const connections = new Map<number, Map<number, 0 | 1>>()
  for (const [kid, us, got] of wakes) {
    const mine = connections.get(us) ?? new Map<number, 0 | 1>()
    connections.set(us, mine)
    mine.set(kid, got === 1 || mine.get(kid) === 1 ? 1 : 0)
  }
  return [...connections.values()].slice(0, mostConnections)
}

const left = 36
const right = width - 14
const top = 46

/** The strip of one strategy: a column a connection. */
export function timelinePlot(line: TimelineLine, title: string): Plot {
  const description =
    'A row a kid, a column a connection: filled where the kid woke and got it, hollow where it woke for nothing.'
  const connections = connectionsOf(line)
  if (connections.length === 0) return nothing(title, description)
  const rowHeight = line.kids <= 16 ? 13 : line.kids <= 32 ? 9 : 6
  const column = (right - left) / Math.max(20, connections.length)
  const radius = Math.min(rowHeight, column) / 2 - 0.9
  const bottom = top + line.kids * rowHeight
  const y = (kid: number) => top + (kid + 0.5) * rowHeight
  const rows = Array.from({ length: line.kids }, (_, kid) => {
    const rule = element('line', { class: 'grid', x1: left, x2: right, y1: y(kid), y2: y(kid) })
    const isNamed = kid === 0 || (kid + 1) % (line.kids <= 8 ? 1 : 8) === 0
    return isNamed
      ? rule + label(left - 6, y(kid) + 4, `${kid + 1}`, { class: 'soft end small' })
      : rule
  })
  let [wakes, got] = [0, 0]
  const marks = connections.flatMap((connection, i) =>
    [...connection].map(([kid, one]) => {
      wakes++
      got += one
      const cx = left + (i + 0.5) * column
      return element('circle', { class: one === 1 ? 'dot' : 'hollow', cx, cy: y(kid), r: radius })
    }),
  )
  const told = `kid; ${wakes} kids woke for ${connections.length} connections, ${wakes - got} for nothing`
  return {
    ...{ title, description, width, height: bottom + 26 },
    body: [
      label(10, top - 10, told, { class: 'soft small' }),
      ...rows,
      label((left + right) / 2, bottom + 16, 'connections, one after another', {
        class: 'soft middle small',
      }),
      element('g', { class: colourOf(line.strategy) }, ...marks),
    ].join(''),
  }
}

/** The strip as lines of text: a line a kid, with its number, and a character a connection. */
export function timelineText(line: TimelineLine): string[] {
  const connections = connectionsOf(line)
  return Array.from({ length: line.kids }, (_, kid) => {
    const marks = connections.map((connection) => {
      const got = connection.get(kid)
      return got === undefined ? ' ' : got === 1 ? filled : hollow
    })
    return `${`${kid + 1}`.padStart(2)} ${marks.join('')}`.trimEnd()
  })
}
