/** Figures over all rounds: medians, ranges, and ratios paired by round; the tables, plots and the verdict read them. */

import type { MeasurementLine, ResultLine } from '../results.js'
import { type ShapeName, shapeNames } from '../shapes.js'
import { type Summary, summarize } from '../statistics.js'
import {
  baseline,
  type Strategy,
  type StrategyName,
  strategies,
  strategyOf,
} from '../strategies.js'

/** One strategy under one shape with so many kids, in all rounds. */
export interface Cell {
  readonly strategy: StrategyName
  readonly kind: Strategy['kind']
  readonly shape: ShapeName
  readonly kids: number
  readonly rounds: readonly MeasurementLine[]
}

/** A figure of one measurement; null where it is not known. */
export type Metric = (line: MeasurementLine) => number | null

/** A ratio to the baseline, round by round. */
export interface Ratio extends Summary {
  /** Whether every round says the same of which is larger, and there were rounds enough to say so. */
  readonly resolved: boolean
}

/** With fewer rounds, that all say the same is mere chance too often. */
const enoughRounds = 3

/** What servers are compared with: what a Node.js program has by default, or else the next best that was run. */
const serverBaselines: readonly StrategyName[] = ['cluster-rr', 'cluster-none', 'cluster-reuseport']

/** All cells, in the order of shapes, kids and strategies as we list them, whatever the order they were measured in. */
export function cellsOf(lines: readonly ResultLine[]): Cell[] {
  const cells = new Map<string, Cell & { rounds: MeasurementLine[] }>()
  for (const line of lines) {
    if (line.type !== 'measurement') continue
    const { strategy, shape, kids } = line
    const key = `${strategy} ${shape} ${kids}`
    const found = cells.get(key)
    if (found !== undefined) found.rounds.push(line)
    else cells.set(key, { strategy, kind: strategyOf(strategy).kind, shape, kids, rounds: [line] })
  }
  const place = ({ strategy }: Cell) => strategies.findIndex(({ name }) => name === strategy)
  return [...cells.values()].sort(
    (a, b) =>
      shapeNames.indexOf(a.shape) - shapeNames.indexOf(b.shape) ||
      a.kids - b.kids ||
      place(a) - place(b),
  )
}

/** A metric over the rounds of a cell that know it; null where none does. */
export function summaryOf(cell: Cell, metric: Metric): Summary | null {
  const values = cell.rounds.map(metric).filter((value) => value !== null)
  return values.length === 0 ? null : summarize(values)
}

/** The cell that a cell is compared with, the same shape and kids; undefined where there is none, or it is that one. */
export function baselineOf(cell: Cell, cells: readonly Cell[]): Cell | undefined {
  const names = cell.kind === 'lab' ? [baseline] : serverBaselines
  for (const name of names) {
    const found = cells.find(
      ({ strategy, shape, kids }) =>
        strategy === name && shape === cell.shape && kids === cell.kids,
    )
    if (found !== undefined) return found === cell ? undefined : found
  }
  return undefined
}

/** A metric of a cell over the baseline's of the same round; null where no round has both, and not zero. */
export function ratioOf(cell: Cell, base: Cell, metric: Metric): Ratio | null {
  const values: number[] = []
  for (const line of cell.rounds) {
    const other = base.rounds.find(({ round }) => round === line.round)
    const [value, unit] = [metric(line), other === undefined ? null : metric(other)]
    if (value !== null && unit !== null && unit > 0) values.push(value / unit)
  }
  if (values.length === 0) return null
  const summary = summarize(values)
  const oneSided = summary.least > 1 || summary.most < 1
  return { ...summary, resolved: oneSided && values.length >= enoughRounds }
}

const kidSwitches = ({ perConnection: each }: MeasurementLine) =>
  each.kidSwitchesVoluntary + each.kidSwitchesInvoluntary

const parentSwitches = ({ perConnection: each }: MeasurementLine) =>
  each.parentSwitchesVoluntary + each.parentSwitchesInvoluntary

/** What more than one of the tables, the plots and the verdict read; CPU, delays and latencies in microseconds. */
export const metrics = {
  kidSwitches,
  parentSwitches,
  switches: (line) => kidSwitches(line) + parentSwitches(line),
  cpu: ({ perConnection: { kidCpuUs, parentCpuUs } }) =>
    kidCpuUs === null ? null : kidCpuUs + (parentCpuUs ?? 0),
  delay: ({ perConnection: { kidRunDelayUs, parentRunDelayUs } }) =>
    kidRunDelayUs === null ? null : kidRunDelayUs + (parentRunDelayUs ?? 0),
  p50: ({ latencyUs }) => latencyUs.p50,
  p99: ({ latencyUs }) => latencyUs.p99,
  /** In milliseconds. */
  lastReply: ({ drain }) => drain?.lastReplyMs.p50 ?? null,
  /** Connections that waited at most, where it was looked. */
  longestQueue: ({ queueDepth }) =>
    queueDepth.reduce<number | null>((most, [, depth]) => Math.max(most ?? 0, depth), null),
} satisfies Record<string, Metric>
