/** The index of a kid: its place among those that stay, from 0 on; given when it is spawned, and handed on to its successor. */

import type { Kid } from './kid-record.js'
import type { CoreSettings } from './settings.js'

/** Whether a kid is there to stay: neither leaving nor killed nor about to be replaced. Only such a kid keeps its index to itself. */
export function stays(kid: Kid): boolean {
  return kid.outgoing === '' && kid.state !== 'leaving' && kid.state !== 'killed'
}

/** The lowest index that no kid has that stays. */
export function lowestFreeIndex(kids: Iterable<Kid>): number {
  const taken = new Set<number>()
  for (const kid of kids) if (stays(kid)) taken.add(kid.index)
  let index = 0
  while (taken.has(index)) index++
  return index
}

/** Whether the pool sees to it that some kid has index 0. One on demand does not: it may well have no kid at all. */
export function keepsZero({ minSpare, leastKids }: CoreSettings): boolean {
  return minSpare > 0 || leastKids > 0
}

/** Whether a kid has index 0 that stays. Asked in every turn, so it looks at one kid and not at all. */
export function zeroIsTaken({ kids, zeroth }: { kids: Map<number, Kid>; zeroth: number }): boolean {
  const kid = kids.get(zeroth)
  return kid !== undefined && stays(kid)
}
