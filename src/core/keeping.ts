/** What the parent does for connections that are parked in kids; asked at the end of every turn. */

import type { Effect } from './events.js'
import type { Kid } from './kid-record.js'
import { type State, soon } from './scoreboard.js'

/**
 * How long, in milliseconds, a kid must have had no slot free while another had one, before it is told. Well above the
 * time for which kids gather what they tell, so that a kid that only seems idle is none.
 */
const roomAfter = 5
/** At least so long, in milliseconds, between two such words to one kid. */
const roomGap = 100

/** A kid has no slot free any more: others may have been told not long ago, but this one is to hear in its own time. */
export function noteFull(state: State, kid: Kid, now: number): void {
  // Where no look is due, the next turn takes one.
  if (kid.parked === 0 || state.roomLookAt === Number.POSITIVE_INFINITY) return
  state.roomLookAt = Math.min(state.roomLookAt, now + roomAfter)
  soon(state, state.roomLookAt)
}

/** Tells kids of room elsewhere, and ends the grace of kids that are too many. */
export function lookAfterParked(state: State, now: number, effects: Effect[]): void {
  if (state.parked === 0) {
    state.roomLookAt = Number.POSITIVE_INFINITY
    return
  }
  if (state.phase === 'running') tellRoom(state, now, effects)
  boundGrace(state, effects)
}

/*
 * A request on a parked connection waits for its own kid: nobody else has the connection. But it can be answered with
 * `Connection: close`, and its client then comes to a kid that is idle. So a kid whose slots are all taken, or that says
 * that requests wait or have waited, is told when another has had room for a while. It may be blocked, and then hears it
 * when it comes to.
 */
function tellRoom(state: State, now: number, effects: Effect[]): void {
  const { counts } = state
  const due = state.roomLookAt
  if (counts.idle === 0 || (counts.busy === 0 && state.waitingInKids === 0)) {
    state.roomLookAt = Number.POSITIVE_INFINITY
    return
  }
  if (now < due && due !== Number.POSITIVE_INFINITY && state.waitingInKids === 0) return
  let idleSince = Number.POSITIVE_INFINITY
  for (const kid of state.kids.values()) {
    const isFree = kid.state === 'idle' && kid.waiting === 0 && kid.outgoing === ''
    if (isFree) idleSince = Math.min(idleSince, kid.since)
  }
  let next = Number.POSITIVE_INFINITY
  for (const kid of state.kids.values()) {
    const isFull = kid.state === 'busy'
    if (kid.parked === 0 || !(isFull || (kid.state === 'idle' && kid.waiting > 0))) continue
    const fullFor = kid.waiting > 0 ? Number.NEGATIVE_INFINITY : kid.since + roomAfter
    const at = Math.max(fullFor, idleSince + roomAfter, kid.toldRoomAt + roomGap)
    if (at > now) next = Math.min(next, at)
    else {
      kid.toldRoomAt = now
      next = Math.min(next, now + roomGap)
      effects.push({ type: 'room', kid: kid.number })
    }
  }
  state.roomLookAt = next
  soon(state, next)
}

/*
 * A leaving kid may keep parked connections for its grace, and is a whole process for that. With many reloads in a row
 * there would be more and more of them; so at most as many as the pool has, and the oldest end theirs first.
 */
function boundGrace(state: State, effects: Effect[]): void {
  let tooMany = state.counts.leaving - state.settings.maxKids
  if (tooMany <= 0) return
  const resting = [...state.kids.values()].filter(onlyParked)
  tooMany = resting.length - state.settings.maxKids
  for (const kid of resting.slice(0, Math.max(0, tooMany))) {
    kid.toldUnpark = true
    effects.push({ type: 'unpark', kid: kid.number })
  }
}

function onlyParked(kid: Kid): boolean {
  const works = kid.held > 0 || kid.detached > 0 || kid.order !== undefined || kid.waiting > 0
  return kid.state === 'leaving' && kid.parked > 0 && !works && !kid.toldUnpark
}
