/** What no kid can take now: spawn for it, shed it, or leave it to wait; and the pool's size. The end of every turn. */

import type { Effect } from './events.js'
import { endReload, letOneGo } from './generations.js'
import { keepsZero, stays, zeroIsTaken } from './indexes.js'
import type { Kid } from './kid-record.js'
import { tellToLeave } from './leaving.js'
import { noteOverload, shedBurst, waitedTooLong } from './overload.js'
import { beat, isShort, type PoolCounts, wantsFewer, wantsKid } from './pool.js'
import { isOnItsLast, replaceSoon } from './recycling.js'
import { maySpawn } from './restart-budget.js'
import { addKid, type State, soon, stayingKids, wantsDepth } from './scoreboard.js'
import { giveUp } from './stopping.js'

/** Sizes the pool and looks after overload; `unserved` says for each listener what waits that no order covers. */
export function sizeAndShed(
  state: State,
  depths: readonly number[],
  unserved: readonly number[],
  now: number,
  effects: Effect[],
): void {
  const { settings, counts } = state
  // While somebody is idle or about to answer, what is left over may be theirs in a moment.
  const patient = counts.idle > 0 || counts.ordered > 0
  // Requests on parked connections that wait in their kids are served by no order, but by a kid more.
  const waiting = patient ? 0 : unserved.reduce((sum, n) => sum + n, state.waitingInKids)
  const grows = sizePool(state, depths, waiting, now, effects)
  const hopeless = waiting - lateRoom(state)
  const overloaded = hopeless > 0 && counts.pending === 0 && !grows
  noteOverload(state, overloaded, now, effects)
  let left = overloaded ? hopeless : 0
  state.listeners.forEach((listener, number) => {
    if (!wantsDepth(state, number, now)) return
    const most = Math.min(left, unserved[number] ?? 0)
    const old = waitedTooLong(state, number, listener, Math.max(0, depths[number] ?? 0), now)
    const count = Math.min(settings.overload === 'abrupt' ? most : Math.min(old, most), shedBurst)
    if (count <= 0) return
    left -= count
    effects.push({ type: 'shed', listener: number, count }, { type: 'again' })
  })
}

/** Spawns at most one kid a turn, because a spawn blocks the parent, or lets one go; returns whether there is room for more. */
function sizePool(
  state: State,
  depths: readonly number[],
  unserved: number,
  now: number,
  effects: Effect[],
): boolean {
  const { settings, rhythm } = state
  // Until one kid has been up, those that fail are not replaced: if all of the first fail, so would the next.
  if (!state.everUp && state.firstKids === 0) {
    if (state.kids.size === 0) giveUp(state, depths, now, effects)
    return false
  }
  const counts = countPool(state, unserved, now)
  const newSecond = beat(settings, counts, rhythm, now)
  if (state.firstKids > 0 && counts.staying >= settings.maxKids) {
    // The pool was made smaller meanwhile: a reload must not wait for kids that there is no room for.
    state.firstKids = 0
    endReload(state, effects)
  }
  if (!maySpawn(state.budget, now)) return false
  const gapEnds = state.lastSpawn + settings.spawnGap
  if (now < gapEnds && wantsKid(settings, counts, rhythm)) {
    soon(state, gapEnds)
    return false
  }
  if (wantsKid(settings, counts, rhythm)) {
    if (state.firstKids > 0) state.firstKids--
    else if (rhythm.left > 0) rhythm.left--
    const { number, index, generation } = addKid(state, now)
    effects.push({ type: 'spawn', kid: number, index, generation })
    soon(state, rhythm.ends)
    const after = countPool(state, unserved, now)
    if (wantsKid(settings, after, rhythm)) effects.push({ type: 'again' })
    return true
  }
  if (newSecond) shrink(state, counts, now, effects)
  wakeForMore(state, counts, now)
  const full = counts.staying >= settings.maxKids
  // Worth a line only once the overload is: all kids are held up now and then for a moment.
  const announced = state.overload.announced !== undefined
  if (full && announced && settings.leastKids < settings.maxKids && !state.saidFull) {
    effects.push({ type: 'poolFull', kids: counts.staying })
    state.saidFull = true
  }
  if (counts.staying < settings.maxKids / 2) state.saidFull = false
  return !full
}

/** Once a second: one kid less where there is one too many, or where one that is to be replaced is not needed. */
function shrink(state: State, counts: PoolCounts, now: number, effects: Effect[]): void {
  if (counts.pending === 0 && state.firstKids === 0) {
    letOneGo(state, now, effects)
    endReload(state, effects)
  }
  if (wantsFewer(state.settings, counts)) {
    const kid = coldest(state)
    // For want of other work alone nobody's detached connections are ended.
    const isFree = kid?.detached === 0 || counts.staying > state.settings.maxKids
    if (kid !== undefined && isFree) {
      effects.push({ type: 'leaving', kid: kid.number, reason: 'retire' })
      tellToLeave(state, kid, now, effects)
    }
  } else if (counts.zeroFree && counts.staying >= state.settings.maxKids) {
    // The pool was made smaller as the kid of index 0 went: there is no room for another, unless one makes it.
    const kid = coldest(state)
    if (kid !== undefined) replaceSoon(state, kid, 'index')
  }
}

/** Sees to it that the pool is looked at again when it may next grow or shrink, also if nothing happens until then. */
function wakeForMore(state: State, counts: Counted, now: number): void {
  const { settings, rhythm } = state
  const surplus = counts.idle > settings.maxSpare || counts.staying > settings.maxKids
  const short = isShort(settings, counts) && counts.staying < settings.maxKids
  if (surplus || short || counts.outgoing || counts.zeroFree) soon(state, rhythm.ends)
  if (settings.minSpare === 0 && counts.idle > 0) {
    soon(state, Math.max(rhythm.ends, now + settings.idleTimeout - counts.longestIdle))
  }
}

/** The longest idle kid with nothing detached; of a pool that has none such, the one with the fewest connections. Not the one that index 0 stays with. */
function coldest({ kids, settings }: State): Kid | undefined {
  let found: Kid | undefined
  for (const kid of kids.values()) {
    if (!stays(kid) || kid.state === 'pending' || (kid.index === 0 && keepsZero(settings))) continue
    if (found === undefined || busyness(kid) < busyness(found)) found = kid
    else if (busyness(kid) === busyness(found) && kid.freshness < found.freshness) found = kid
  }
  return found
}

function busyness(kid: Kid): number {
  return kid.held + kid.detached + kid.parked
}

/** What sizing looks at, and whether any kid waits to be replaced. */
interface Counted extends PoolCounts {
  outgoing: boolean
}

/** Asked in every turn: counts that are kept, less the kids that are to be replaced, of whom there are seldom any. (Only a pool without spares asks all who is idle for how long.) */
function countPool(state: State, unserved: number, now: number): Counted {
  const { settings } = state
  const counts: Counted = {
    pending: state.counts.pending,
    idle: state.counts.idle,
    staying: stayingKids(state),
    unserved,
    slots: settings.slots,
    first: state.firstKids,
    longestIdle: settings.minSpare === 0 ? longestIdle(state, now) : 0,
    outgoing: false,
    zeroFree: keepsZero(settings) && !zeroIsTaken(state),
  }
  if (state.outgoing === 0) return counts
  for (const kid of state.kids.values()) {
    if (kid.outgoing === '' || kid.state === 'leaving') continue
    if (!isOnItsLast(kid)) counts.outgoing = true
    if (kid.state === 'killed') continue
    counts.staying--
    if (kid.state === 'pending') counts.pending--
    if (kid.state === 'idle') counts.idle--
  }
  return counts
}

function longestIdle(state: State, now: number): number {
  let longest = 0
  for (const kid of state.kids.values()) {
    if (kid.state === 'idle' && kid.outgoing === '') longest = Math.max(longest, now - kid.since)
  }
  return longest
}

/** Free slots of kids whose orders are late: they will be there as soon as these kids come to. */
function lateRoom(state: State): number {
  if (state.counts.late === 0) return 0
  let room = 0
  for (const kid of state.kids.values()) {
    if (kid.state === 'late') room += kid.slots - kid.held
  }
  return room
}

/** One kid more or less, as TTIN and TTOU ask: of a fixed pool its size, of an elastic one the most it may have. */
export function resize(state: State, by: 1 | -1): void {
  const { settings } = state
  const maxKids = Math.max(1, settings.maxKids + by)
  const isFixed = settings.leastKids === settings.maxKids
  state.settings = { ...settings, maxKids, leastKids: isFixed ? maxKids : settings.leastKids }
}
