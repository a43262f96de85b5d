/** How many kids there should be, as a function of counts and time; asked once a turn. */

/** The limits of the pool. */
export interface PoolLimits {
  /** Filled up to at once, and never shrunk below: all kids of a fixed pool, none of an elastic one. */
  leastKids: number
  minSpare: number
  maxSpare: number
  maxKids: number
  /** Milliseconds after which an idle kid of a pool with no spares (`minSpare: 0`) leaves; Infinity for never. */
  idleTimeout: number
}

/** The counts that sizing looks at. Kids on their way out, or about to be replaced, count for nothing. */
export interface PoolCounts {
  /** Kids that were spawned and are not up yet: they count as idle, or a burst would fork a kid for each connection. */
  pending: number
  /** Kids with a free slot. */
  idle: number
  /** All kids that are or will be able to take orders, those pending and idle included. */
  staying: number
  /** Connections that wait and that no kid, idle or about to answer, can be expected to take. */
  unserved: number
  /** Slots a new kid is expected to have. */
  slots: number
  /** First kids of a start or a reload that have not been spawned yet. */
  first: number
  /** How long the longest idle kid has been idle, in milliseconds. */
  longestIdle: number
  /** Nobody that stays has index 0, in a pool in which somebody is to have it. */
  zeroFree: boolean
}

/** How fast the pool grows for want of spares: 1, 2, 4 ... 32 kids a second, from 1 again once it has enough. */
export interface PoolRhythm {
  /** When the present second ends. */
  ends: number
  /** Kids that may be spawned in a second like this one, and how many of them are left. */
  burst: number
  left: number
}

/** Apache's numbers: the largest burst, and one kid less a second. */
const largestBurst = 32
const second = 1_000

/** A rhythm at rest. */
export function newRhythm(): PoolRhythm {
  return { ends: Number.NEGATIVE_INFINITY, burst: 0, left: 0 }
}

/** Whether spares are wanting, kids on their way included. */
export function isShort(limits: PoolLimits, counts: PoolCounts): boolean {
  return counts.idle + counts.pending < limits.minSpare
}

/**
 * Begins another second if the last one is over: twice the burst while spares are wanting, none once they are not.
 * Returns whether it did, which is when the pool may also shrink by one.
 */
export function beat(
  limits: PoolLimits,
  counts: PoolCounts,
  rhythm: PoolRhythm,
  now: number,
): boolean {
  if (now < rhythm.ends) return false
  const short = isShort(limits, counts)
  rhythm.burst = short ? Math.min(largestBurst, Math.max(1, rhythm.burst * 2)) : 0
  rhythm.left = rhythm.burst
  rhythm.ends = now + second
  return true
}

/** Whether one more kid is wanted now. */
export function wantsKid(limits: PoolLimits, counts: PoolCounts, rhythm: PoolRhythm): boolean {
  if (counts.staying >= limits.maxKids) return false
  if (counts.staying < limits.leastKids || counts.first > 0) return true
  // A connection that waits is reason enough at once; spares come at the pool's own pace.
  if (counts.unserved > counts.pending * counts.slots) return true
  // Whoever has something done by the kid of index 0 relies on there being one.
  return counts.zeroFree || (rhythm.left > 0 && isShort(limits, counts))
}

/** Whether one idle kid is too many; asked once a second, so that a lull does not cost the whole pool. */
export function wantsFewer(limits: PoolLimits, counts: PoolCounts): boolean {
  if (counts.staying > limits.maxKids) return true
  if (counts.staying <= limits.leastKids || counts.pending > 0 || counts.idle === 0) return false
  if (limits.minSpare === 0) return counts.longestIdle >= limits.idleTimeout
  return counts.idle > limits.maxSpare
}
