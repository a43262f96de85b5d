/** Which kids take what waits, and how much each; asked by the round whenever connections wait. */

import type { Kid } from './kid-record.js'
import { isOnItsLast, roomOf } from './recycling.js'
import type { ListenerState, State } from './scoreboard.js'

/** One kid's part of what waits. */
export interface Share {
  kid: Kid
  count: number
}

/**
 * Shares out `waiting` connections of a listener over idle kids, at most `mostKids` of them and, where late orders are
 * being made up for, at least `leastKids` as far as there are that many.
 *
 * Spread first: one connection to each kid, and more than one only when more wait than kids are idle. The least loaded
 * kid comes first; among equals the one with the fewest parked connections, by powers of two, or `warm` would collect all
 * kept connections in one kid; among those one that is suspected of accepting nothing, so that the suspicion is soon settled; then
 * one on its last connections, whose successor is there; then the most recently idle (`warm`) or the longest idle (`fair`). Kids that answered 0 in this step are left out.
 */
export function shareOut(
  state: State,
  number: number,
  listener: ListenerState,
  waiting: number,
  leastKids: number,
  mostKids: number,
): Share[] {
  const wanted = Math.min(mostKids, Math.max(waiting, leastKids))
  const before = order(state, number)
  const isReady = (kid: Kid) => kid.state === 'idle' && kid.emptyStep[number] !== listener.step
  if (wanted === 1) {
    // The usual single connection: sorting 256 kids for each would cost more than the order itself.
    let best: Kid | undefined
    for (const kid of state.kids.values()) {
      if (isReady(kid) && (best === undefined || before(kid, best) < 0)) best = kid
    }
    return best === undefined ? [] : [{ kid: best, count: 1 }]
  }
  const idle = wanted <= 0 ? [] : [...state.kids.values()].filter(isReady)
  if (idle.length === 0) return []
  idle.sort(before)
  // Shared out over all who are idle even where fewer may be ordered at once: the others are next.
  const shares = idle.slice(0, Math.max(waiting, leastKids)).map((kid) => ({ kid, count: 1 }))
  // While kids are late, one each: who has just come to had better show that it runs before it gets more, and those who
  // are late take their part when they come to. (4 kids x 8 slots, a fifth of connections blocking: p99 -37 %.)
  if (state.counts.late === 0) fill(shares, waiting - shares.length)
  return shares.slice(0, mostKids)
}

function order(state: State, listener: number): (a: Kid, b: Kid) => number {
  const newestFirst = state.settings.pick === 'warm' ? 1 : -1
  return (a, b) =>
    a.held - b.held ||
    Math.clz32(b.parked) - Math.clz32(a.parked) ||
    Number(suspected(b, listener)) - Number(suspected(a, listener)) ||
    Number(isOnItsLast(b)) - Number(isOnItsLast(a)) ||
    newestFirst * (b.freshness - a.freshness)
}

function suspected(kid: Kid, listener: number): boolean {
  return (kid.strikes[listener] ?? 0) > 0
}

/** Gives the rest to whoever is then least loaded, level by level, as far as slots go. */
function fill(shares: Share[], rest: number): void {
  const level = ({ kid, count }: Share) => kid.held + count
  const top = Math.max(...shares.map(({ kid }) => kid.slots))
  for (let at = Math.min(...shares.map(level)); rest > 0 && at < top; at++) {
    for (const share of shares) {
      if (rest === 0) return
      if (level(share) !== at || share.count >= roomOf(share.kid)) continue
      share.count++
      rest--
    }
  }
}
