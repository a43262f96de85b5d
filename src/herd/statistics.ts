/** Medians, percentiles and paired ratios; used by everything that reports a figure. */

/** The value below which the part `p` (0 to 1) of all values lies. NaN for none. */
export function percentile(values: readonly number[], p: number): number {
  if (values.length === 0) return Number.NaN
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))] as number
}

/** A figure over several rounds. */
export interface Summary {
  median: number
  least: number
  most: number
}

/** Median and range. */
export function summarize(values: readonly number[]): Summary {
  return {
    median: percentile(values, 0.5),
    least: Math.min(...values),
    most: Math.max(...values),
  }
}

/** Round by round, one contestant's figure over the baseline's of the same round. */
export function ratios(values: readonly number[], baseline: readonly number[]): number[] {
  return values.map((value, round) => value / (baseline[round] as number))
}
