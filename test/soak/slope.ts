/** Whether a figure that was sampled for a while grows: a line through it, and how far that line may be off. */

export interface Sample {
  /** In seconds. */
  readonly at: number
  readonly value: number
}

/** A line through samples. */
export interface Line {
  /** How much the value grows in an hour. */
  readonly perHour: number
  /** The standard error of that. */
  readonly error: number
}

export interface Slope extends Line {
  /** Of the second half alone, in which a step of the first is over. */
  readonly secondHalf: Line
  /** It grows, and more than by chance. */
  readonly grows: boolean
}

/** Into how many blocks samples are put together. */
const blocks = 24
/** So many standard errors are no chance. */
const certain = 4
const certainOfHalf = 2

/**
 * The slope of a line by least squares through the means of blocks, since samples that follow each other are alike and
 * tell less than they are many. The blocks' own likeness to their neighbours widens the error (as for an AR(1)). A step,
 * as when a heap is given more room once, makes a slope as well; so both halves have to grow by themselves.
 */
export function slopeOf(samples: readonly Sample[]): Slope {
  const means = blockMeans(samples)
  const { perHour, error } = fit(means)
  const half = Math.floor(means.length / 2)
  const [first, secondHalf] = [fit(means.slice(0, half)), fit(means.slice(half))]
  const inBoth = [first, secondHalf].every((each) => each.perHour > certainOfHalf * each.error)
  return { perHour, error, secondHalf, grows: perHour > certain * error && inBoth }
}

function blockMeans(samples: readonly Sample[]): Sample[] {
  const size = samples.length / blocks
  if (size < 2) throw new Error(`${samples.length} samples are too few for ${blocks} blocks`)
  return Array.from({ length: blocks }, (_, i) => {
    const block = samples.slice(Math.round(i * size), Math.round((i + 1) * size))
    return { at: mean(block.map(({ at }) => at)), value: mean(block.map(({ value }) => value)) }
  })
}

function fit(points: readonly Sample[]): Line {
  const [at, value] = [mean(points.map((each) => each.at)), mean(points.map((each) => each.value))]
  const spread = sum(points.map((each) => (each.at - at) ** 2))
  const slope = sum(points.map((each) => (each.at - at) * (each.value - value))) / spread
  const rests = points.map((each) => each.value - value - slope * (each.at - at))
  const square = sum(rests.map((rest) => rest ** 2))
  const beside = sum(rests.slice(1).map((rest, i) => rest * (rests[i] as number)))
  // Of a line that fits exactly nothing is left over.
  const likeness = square === 0 ? 0 : Math.min(0.9, Math.max(0, beside / square))
  const widened = Math.sqrt((1 + likeness) / (1 - likeness))
  const error = Math.sqrt(square / (points.length - 2) / spread) * widened
  return { perHour: slope * 3_600, error: error * 3_600 }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length
}
