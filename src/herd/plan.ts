/** What is measured in which order, and how long it is going to take. Pure. */

import { randomFrom, shuffle } from './random.js'
import type { RunLine } from './results.js'
import { type ShapeName, sweepKids } from './shapes.js'
import type { StrategyName } from './strategies.js'

/** Kids that are started once, and what they are measured under. */
export interface Unit {
  readonly round: number
  readonly strategy: StrategyName
  readonly kids: number
  readonly shapes: readonly ShapeName[]
}

type Options = Pick<
  RunLine['options'],
  'kids' | 'rounds' | 'seconds' | 'shapes' | 'strategies' | 'seed'
>

/** Round by round; in each, for each number of kids, all strategies in a random order: what drifts, drifts for all. */
export function unitsOf(options: Options): Unit[] {
  const random = randomFrom(options.seed)
  const sizes = shapesByKids(options)
  return Array.from({ length: options.rounds }, (_, i) => i + 1).flatMap((round) =>
    sizes.flatMap(([kids, shapes]) =>
      shuffle(options.strategies, random).map((strategy) => ({ round, strategy, kids, shapes })),
    ),
  )
}

function shapesByKids({ kids, shapes }: Options): [number, ShapeName[]][] {
  const sizes = new Map<number, ShapeName[]>()
  const add = (count: number, shape: ShapeName) => {
    sizes.set(count, [...(sizes.get(count) ?? []), shape])
  }
  for (const shape of shapes) {
    for (const count of shape === 'sweep' ? sweepKids : kids) add(count, shape)
  }
  return [...sizes].sort(([a], [b]) => a - b)
}

/** Milliseconds that a kid takes to start and end, and a measurement beyond its own time: to begin with. */
const perKid = 60
const perMeasurement = 350

/** About how long a unit takes, in milliseconds. */
export function durationOf({ kids, shapes }: Unit, seconds: number): number {
  return 200 + kids * perKid + shapes.length * (seconds * 1000 + perMeasurement)
}

/**
 * Milliseconds left: the guess for the units to come, corrected by how wrong it was for those that are done.
 */
export function timeLeft(
  done: readonly Unit[],
  rest: readonly Unit[],
  seconds: number,
  elapsed: number,
): number {
  const guess = (units: readonly Unit[]) =>
    units.reduce((sum, unit) => sum + durationOf(unit, seconds), 0)
  return done.length === 0 ? guess(rest) : (guess(rest) * elapsed) / guess(done)
}
