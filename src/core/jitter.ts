/** Limits that differ from kid to kid, so that kids that began together do not end together; drawn at a kid's birth. */

/**
 * A kid's own limit: `limit`, more or less by up to `jitter` (a fraction of it), so that kids that began together do not
 * leave together. Which way is drawn from the kid's number: no clock and no dice, and the same again in a test.
 */
export function limitOf(limit: number, jitter: number, kid: number): number {
  if (limit === Number.POSITIVE_INFINITY) return limit
  return Math.max(1, Math.round(limit * (1 + jitter * (2 * spread(kid) - 1))))
}

/** Numbers from 0 to 1 that lie well apart for neighbours (Knuth's multiplicative hashing). */
function spread(kid: number): number {
  return ((kid * 2_654_435_761) % 4_294_967_296) / 4_294_967_296
}
