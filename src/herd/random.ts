/** Random numbers that can be had again: for orders and arrivals. Pure. */

/** A generator of numbers from 0 to 1 (mulberry32, public domain by its author). */
export function randomFrom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** The same values in a random order. */
export function shuffle<T>(values: readonly T[], random: () => number): T[] {
  const left = [...values]
  const shuffled: T[] = []
  while (left.length > 0) {
    shuffled.push(...left.splice(Math.floor(random() * left.length), 1))
  }
  return shuffled
}
