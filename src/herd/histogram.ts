/** Latencies as a histogram, exact to 1.6 %: the load client fills it, percentiles are read from it. Pure. */

import type { Percentiles } from './results.js'

/** Buckets for each doubling; whole microseconds below it. */
const perDoubling = 64

export type Histogram = readonly (readonly [us: number, count: number])[]

/** Counts latencies by bucket; the longest is kept as it is. */
export class Latencies {
  readonly #counts = new Map<number, number>()
  #most = 0

  add(us: number): void {
    const bucket = bucketOf(us)
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + 1)
    if (us > this.#most) this.#most = us
  }

  /** Ascending. */
  get histogram(): Histogram {
    return [...this.#counts].sort(([a], [b]) => a - b)
  }

  get percentiles(): Percentiles {
    const { histogram } = this
    const at = (p: number) => percentileOf(histogram, p)
    const max = histogram.length === 0 ? null : Math.round(this.#most)
    return { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max }
  }
}

/** The least value of the bucket that a latency falls into. */
export function bucketOf(us: number): number {
  const whole = Math.max(0, Math.floor(us))
  if (whole < perDoubling) return whole
  const step = 2 ** (Math.floor(Math.log2(whole)) - Math.log2(perDoubling))
  return Math.floor(whole / step) * step
}

/** The bucket below whose end the part `p` (0 to 1) of all latencies lies; null for none. */
export function percentileOf(histogram: Histogram, p: number): number | null {
  const total = histogram.reduce((sum, [, count]) => sum + count, 0)
  let seen = 0
  for (const [us, count] of histogram) {
    seen += count
    if (seen > p * total || seen === total) return us
  }
  return null
}
