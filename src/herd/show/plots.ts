/** Which plots a run has: each with its file's name, the section it belongs to and a sentence that explains it. */

import type { ResultLine, TimelineLine } from '../results.js'
import type { ShapeName } from '../shapes.js'
import { strategyNames } from '../strategies.js'
import { drainPlot } from './drain-plot.js'
import { type Cell, cellsOf } from './figures.js'
import { paretoPlot } from './pareto-plot.js'
import { percentilesPlot } from './percentiles-plot.js'
import type { Plot } from './plot.js'
import { queuePlot } from './queue-plot.js'
import { lorenzPlot, sharesPlot } from './shares.js'
import { switchesPlot } from './switches-plot.js'
import { timelinePlot } from './timeline.js'

/** Plots that one sentence explains. */
export interface PlotGroup {
  readonly heading: string
  readonly sentence: string
  /** Whose warnings are to be read with it. */
  readonly shapes: readonly ShapeName[]
  /** With the names of their files, without `.svg`. */
  readonly plots: readonly (readonly [file: string, plot: Plot])[]
}

type Draw = (cells: readonly Cell[], title: string) => Plot

const words = { lab: 'the lab', server: 'servers' } as const

/**
 * `stall` shows queues that stand behind a busy kid, `saturate` whether clients wait for kids at all. A burst has come
 * and gone between two looks: its drain is drawn connection by connection instead. Under the others there is hardly a queue.
 */
const queueShapes: readonly ShapeName[] = ['stall', 'saturate']

function hasQueue({ rounds }: Cell): boolean {
  return rounds.some(({ queueDepth }) => queueDepth.length > 0)
}

/** All plots that there is data for. */
export function plotsOf(lines: readonly ResultLine[]): PlotGroup[] {
  const cells = cellsOf(lines)
  const groups: PlotGroup[] = [
    {
      heading: 'Switches against kids',
      sentence:
        'Each connection comes while all kids wait: a line that rises with the number of kids is a herd, as every kid more is one more woken for nothing; a flat one wakes who is needed.',
      shapes: ['sweep'],
      plots: bySweep(cells),
    },
    {
      heading: 'Who woke when',
      sentence:
        'A row is a kid, a column a connection, a mark a kid that woke: filled where it got the connection, hollow where it was woken for nothing and went back to sleep; a herd fills whole columns.',
      shapes: ['trickle'],
      plots: strips(lines),
    },
    {
      heading: 'Latency by percentile',
      sentence:
        'The further right, the slower the connections that are counted: read off what 99 or 99.9 of 100 stayed below; bars at 99 % are the range of the rounds, and where they overlap nothing is decided.',
      shapes: ['open', 'stall', 'trickle'],
      plots: byShape(cells, ['open', 'stall', 'trickle'], 'latency', percentilesPlot),
    },
    {
      heading: 'Cost against the slowest',
      sentence:
        'Cheap is left, quick is low: the dashed line joins the strategies that no other beats in both; crosses are the ranges of all rounds.',
      shapes: ['open', 'stall'],
      plots: byShape(cells, ['open', 'stall'], 'cost', paretoPlot),
    },
    {
      heading: 'How a burst drains',
      sentence:
        'As many connections as kids arrive at once: the steeper a line the sooner they are answered, and where it ends the last client has its reply.',
      shapes: ['burst'],
      plots: byShape(cells, ['burst'], 'drain', drainPlot),
    },
    {
      heading: 'Queue depth over time',
      sentence:
        'The higher, the more connections wait to be accepted, all rows of a plot to one scale: under stall, what stands for 50 ms waits behind a busy kid while others are idle; under saturate, where a row is full clients wait for the server, where it is empty the server waits for them; what a server has accepted and does not serve yet (as cluster-rr has) is not in it.',
      shapes: queueShapes,
      plots: byShape(cells.filter(hasQueue), queueShapes, 'queue-depth', queuePlot),
    },
    {
      heading: 'Who gets the connections',
      sentence:
        'A bar is a kid, the busiest first, and the dashed line is what each would have if all had the same; few tall bars are not bad in themselves (warm caches), but an even spread does not mean that nobody waits, as the plots of stall show.',
      shapes: ['trickle', 'open', 'saturate'],
      plots: byShape(cells, ['trickle', 'open', 'saturate'], 'shares', sharesPlot),
    },
    {
      heading: 'Lorenz curves',
      sentence:
        'How much of the load the less busy kids carry together: along the diagonal all have the same, and the lower a line hangs the fewer kids do everything.',
      shapes: ['open'],
      plots: byShape(cells, ['open'], 'lorenz', lorenzPlot),
    },
  ]
  return groups.filter(({ plots }) => plots.length > 0)
}

/** A plot for each shape and number of kids; the lab's own and servers apart, as they cannot be compared. */
function byShape(
  cells: readonly Cell[],
  shapes: readonly ShapeName[],
  what: string,
  draw: Draw,
): [string, Plot][] {
  return shapes.flatMap((shape) => {
    const sizes = [...new Set(cells.filter((cell) => cell.shape === shape).map(({ kids }) => kids))]
    return sizes.flatMap((kids) =>
      byKind(cells.filter((cell) => cell.shape === shape && cell.kids === kids)).map(
        ([kind, mine]): [string, Plot] => [
          `${what}-${shape}-${kids}-${kind}`,
          draw(mine, `${shape}, ${kids} ${kids === 1 ? 'kid' : 'kids'}: ${words[kind]}`),
        ],
      ),
    )
  })
}

function bySweep(cells: readonly Cell[]): [string, Plot][] {
  const sweep = cells.filter(({ shape }) => shape === 'sweep')
  return byKind(sweep).map(([kind, mine]) => [
    `switches-${kind}`,
    switchesPlot(mine, `sweep: ${words[kind]}`),
  ])
}

function byKind(cells: readonly Cell[]): [Cell['kind'], Cell[]][] {
  return (['lab', 'server'] as const)
    .map((kind): [Cell['kind'], Cell[]] => [kind, cells.filter((cell) => cell.kind === kind)])
    .filter(([, mine]) => mine.length > 0)
}

/** In the order in which strategies are listed everywhere. */
function strips(lines: readonly ResultLine[]): [string, Plot][] {
  const place = ({ strategy }: TimelineLine) => strategyNames.indexOf(strategy)
  return lines
    .filter((line) => line.type === 'timeline')
    .sort((a, b) => place(a) - place(b))
    .map((line) => [`timeline-${line.strategy}`, timelinePlot(line, line.strategy)])
}
