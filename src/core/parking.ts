/** The books of a kid's connections: in slots, parked, at work again, ended; called for what kids say of them. */

import { PARKED_SEQ } from '../protocol/limits.js'
import { noteFull } from './keeping.js'
import type { Kid } from './kid-record.js'
import { moveKid, type State, soon } from './scoreboard.js'

/*
 * A connection is in a slot, under the order it was accepted with; or parked, which needs no more than a count; or
 * detached. A parked one that is resumed is back under whatever order the kid names: its own, in our kids. Several
 * connections of one order may have been resumed at different times. The one that has been at work longest is then taken
 * to be the one that ends: so no limit is ever applied too early.
 */

/** Whether a kid holds of an order what it says is done, parked or detached; if not, why not. */
export function lacks(
  kid: Kid,
  { seq, count }: { seq: number; count: number },
  what: string,
): string | undefined {
  let held = 0
  for (const hold of kid.holds) if (hold.seq === seq) held += hold.count
  if (held === 0) return `said ${what} of order ${seq}, of which it holds nothing`
  if (count <= held) return undefined
  return `said ${count} ${what} of order ${seq}, of which it holds ${held}`
}

/** Connections have ended, of an order or, of order 0, parked ones. Returns why that cannot be, and then changes nothing. */
export function endConnections(
  state: State,
  kid: Kid,
  { type, seq, count }: { type: string; seq: number; count: number },
  now: number,
): string | undefined {
  if (seq === PARKED_SEQ) {
    if (count > kid.parked) return `said ${count} ${type} of ${kid.parked} that are parked`
    unpark(state, kid, count)
    return undefined
  }
  const wrong = lacks(kid, { seq, count }, type)
  if (wrong === undefined) freeSlots(state, kid, seq, count, now)
  return wrong
}

/** Connections of an order wait for their next request: their slots are free. */
export function parkConnections(
  state: State,
  kid: Kid,
  seq: number,
  count: number,
  now: number,
): void {
  kid.parked += count
  state.parked += count
  freeSlots(state, kid, seq, count, now)
}

/**
 * Parked connections are at work again; the time that connectionTimeout counts begins anew. Returns why that cannot be,
 * and then changes nothing.
 */
export function resumeConnections(
  state: State,
  kid: Kid,
  seq: number,
  count: number,
  now: number,
): string | undefined {
  if (count > kid.parked) return `said ${count} resumed of ${kid.parked} that are parked`
  if (kid.held + count > kid.slots) {
    return `said ${count} resumed with ${kid.held} of ${kid.slots} slots taken`
  }
  unpark(state, kid, count)
  kid.held += count
  kid.holds.push({ seq, count, since: now, label: '', forgiven: false })
  soon(state, now + state.settings.connectionTimeout)
  if (kid.held < kid.slots) return undefined
  if (kid.order !== undefined) kid.order.excused = true
  if (kid.state !== 'idle') return undefined
  moveKid(state, kid, 'full', now)
  noteFull(state, kid, now)
  return undefined
}

/** Frees the slots of an order's connections, the oldest first; the kid must hold so many. */
export function freeSlots(state: State, kid: Kid, seq: number, count: number, now: number): void {
  for (let left = count; left > 0; ) {
    const at = kid.holds.findIndex((hold) => hold.seq === seq)
    const hold = kid.holds[at]
    if (hold === undefined) return
    const part = Math.min(left, hold.count)
    hold.count -= part
    left -= part
    if (hold.count === 0) kid.holds.splice(at, 1)
  }
  kid.held -= count
  if (kid.state !== 'busy' && kid.state !== 'idle') return
  moveKid(state, kid, 'room', now)
  kid.freshness = ++state.freshest
}

/** So many are parked no more. What waits for a slot is one of those that are. */
function unpark(state: State, kid: Kid, count: number): void {
  kid.parked -= count
  state.parked -= count
  if (kid.waiting <= kid.parked) return
  state.waitingInKids += kid.parked - kid.waiting
  kid.waiting = kid.parked
}
