/** What is kept of many looks at a queue: measurements write no more of them, and plots draw no more. Pure. */

/** [milliseconds since the start, connections that wait]. */
export type QueueSample = readonly [ms: number, depth: number]

/** How many samples a measurement keeps, at most: a column of a plot each. */
export const MOST_SAMPLES = 200

/**
 * At most so many of the samples, which are in the order of time: each is the deepest of as many that follow each
 * other, at the time of their first. A queue that was there for a moment is not thinned away, as it would be if every
 * so manyth were kept.
 */
export function thinned(samples: readonly QueueSample[], most = MOST_SAMPLES): QueueSample[] {
  const together = Math.max(1, Math.ceil(samples.length / most))
  const kept: QueueSample[] = []
  for (let from = 0; from < samples.length; from += together) {
    const some = samples.slice(from, from + together)
    const [ms] = some[0] as QueueSample
    kept.push([ms, Math.max(...some.map(([, depth]) => depth))])
  }
  return kept
}
