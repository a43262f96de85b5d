/** What must hold of every step for the connections that are parked in kids; asked with the other invariants. */

import type { Effect, Event } from '../../src/core/events.js'
import type { Kid } from '../../src/core/kid-record.js'
import type { State } from '../../src/core/scoreboard.js'

/** Milliseconds: how long there must have been room elsewhere, and between two words of it to one kid. */
const roomAfter = 5
const roomGap = 100

/** What is wrong with what kids are told of their parked connections, or are not told. */
export function keepingFaults(
  before: State,
  event: Event,
  now: number,
  effects: readonly Effect[],
  after: State,
): string[] {
  const faults: string[] = []
  const told = (type: 'room' | 'unpark') =>
    new Set(effects.flatMap((effect) => (effect.type === type ? [effect.kid] : [])))
  const room = told('room')
  const unpark = told('unpark')
  if (event.type !== 'turn') {
    return room.size + unpark.size > 0 ? ['kids are told of room, or to unpark, in a turn'] : []
  }
  const idleSince = Math.min(
    ...[...after.kids.values()]
      .filter(
        ({ state, outgoing, waiting }) => state === 'idle' && outgoing === '' && waiting === 0,
      )
      .map(({ since }) => since),
  )
  let graced = 0
  for (const kid of after.kids.values()) {
    const last = before.kids.get(kid.number)?.toldRoomAt ?? Number.NEGATIVE_INFINITY
    const wants = kid.state === 'busy' || (kid.state === 'idle' && kid.waiting > 0)
    const mayHear = after.phase === 'running' && wants && kid.parked > 0
    const since = Math.max(kid.waiting > 0 ? Number.NEGATIVE_INFINITY : kid.since, idleSince)
    const due = mayHear ? Math.max(since + roomAfter, last + roomGap) : Number.POSITIVE_INFINITY
    const isTold = room.has(kid.number)
    if (isTold && due > now) faults.push(`kid ${kid.number} is told of room elsewhere`)
    // Another that is found to have had room for long is noticed when the next look is due.
    if (!isTold && due + roomAfter <= now) {
      faults.push(`kid ${kid.number} is not told of room elsewhere`)
    }
    if (unpark.has(kid.number)) {
      if (!onlyParks(kid)) faults.push(`kid ${kid.number} is to unpark and holds something else`)
      if (before.kids.get(kid.number)?.toldUnpark) faults.push(`${kid.number} is told once`)
    } else if (onlyParks(kid) && !kid.toldUnpark) graced++
  }
  if (graced > after.settings.maxKids) faults.push(`${graced} leaving kids only keep connections`)
  return faults
}

/** Whether it is on its way out, and all it still has is parked connections that nobody asks anything of. */
function onlyParks({ state, held, parked, waiting, detached, order }: Kid): boolean {
  const works = held + waiting + detached > 0 || order !== undefined
  return state === 'leaving' && parked > 0 && !works
}
