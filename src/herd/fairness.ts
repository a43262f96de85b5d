/** How evenly connections are spread over kids. Pure. */

/** Figures of how many connections each kid had. */
export interface Spread {
  readonly jain: number
  readonly jainExpected: number
  readonly largestShare: number
  readonly neverUsed: number
}

/**
 * Jain's index, from 1 (even) down to 1/kids (all by one), beside what a fair random split of as many connections has;
 * 1 for no connections at all.
 */
export function spreadOf(accepted: readonly number[]): Spread {
  const kids = accepted.length
  const total = accepted.reduce((sum, count) => sum + count, 0)
  const squares = accepted.reduce((sum, count) => sum + count * count, 0)
  return {
    jain: squares === 0 ? 1 : (total * total) / (kids * squares),
    jainExpected: total === 0 ? 1 : total / (total + kids - 1),
    largestShare: total === 0 ? 0 : Math.max(...accepted) / total,
    neverUsed: accepted.filter((count) => count === 0).length,
  }
}
