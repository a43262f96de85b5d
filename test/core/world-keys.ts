/** What tells two worlds apart for an exploration: all that decides what can happen next, and nothing else. */

import type { Kid } from '../../src/core/kid-record.js'
import type { ListenerState } from '../../src/core/scoreboard.js'
import type { Fake } from './fake.js'
import type { World } from './world.js'

/*
 * A state by what matters of it: kids by rank, times by distance, counters by their balance. Left out is what decides
 * nothing here: the pool's rhythm, since the pool is fixed; generations, since nobody reloads; and the restart budget,
 * which fewer than five faults cannot use up.
 */
export function keyOf(world: World): string {
  const { state, now, queues } = world
  const { counters, overload } = state
  const covered = counters.lost + counters.unanswered + counters.shed + counters.abandoned
  const parts: (string | number)[] = [queues.map(({ length }) => length).join(), +world.asked]
  parts.push(covered - world.failed, state.firstKids, +state.everUp)
  parts.push(distance(state.earliest, now), distance(state.beyond, now))
  parts.push(state.phase, state.turn, state.parked > 0 ? distance(state.roomLookAt, now) : '')
  parts.push(overload.began === undefined ? 'n' : Math.max(-100, overload.began - now))
  parts.push(overload.announced === undefined ? 'n' : Math.max(-1_000, overload.lastSeen - now))
  for (const listener of state.listeners) {
    parts.push(+listener.watched, listener.wave, +listener.waveDue, listener.retryWait)
    parts.push(distance(listener.restUntil, now), distance(listener.retryAt, now))
    parts.push(+listener.saidResting)
  }
  // Kids are alike but for what stands here, so their order does not matter.
  return `${parts.join(' ')} ${keysOfKids(world).sort().join(' | ')}`
}

function keysOfKids({ state, now, fakes }: World): string[] {
  const kids = [...state.kids.values()]
  const fresher = (freshness: number) => kids.filter((kid) => kid.freshness > freshness).length
  return kids.map((kid) => {
    const { order, holds } = kid
    const fake = fakes.get(kid.number)
    const seqs = seqsOf(kid, fake)
    return [
      kid.state,
      distance(kid.deadline, now),
      kid.slots,
      +kid.saidLeaving,
      +kid.hungUp,
      fresher(kid.freshness),
      state.listeners.map((listener, number) => keyOfSuspicion(kid, listener, number)).join(),
      order
        ? `${order.listener},${order.count},${+order.late}${+order.excused},${order.at - now}`
        : '-',
      state.parked > 0 ? keyOfParking(kid, now) : '',
      holds.map(({ count, seq }) => `${count}@${seqs.indexOf(seq)}`).join('+'),
      fake === undefined ? '-' : keyOfFake(fake, seqs),
    ].join(' ')
  })
}

/** With how long it has been as it is: that decides when it hears of room elsewhere. */
function keyOfParking({ parked, waiting, since, toldRoomAt, toldUnpark }: Kid, now: number) {
  const times = [Math.max(since - now, -5), Math.max(toldRoomAt - now, -100)]
  return [parked, waiting, ...times, +toldUnpark].join()
}

function keyOfSuspicion(kid: Kid, listener: ListenerState, number: number): string {
  const strikes = kid.strikes[number] ?? 0
  const others = +(strikes > 0 && listener.accepted !== kid.strikeMark[number])
  const asked = +(kid.emptyStep[number] === listener.step)
  return `${strikes}${others}${asked}${+listener.emptied.includes(kid.number)}`
}

/** The numbers of all orders that mean something to this kid or its record, in order: which one it is matters, not its number. */
function seqsOf(kid: Kid, fake: Fake | undefined): number[] {
  const seqs = new Set(kid.holds.map(({ seq }) => seq))
  for (const { seq } of fake?.holds ?? []) seqs.add(seq)
  for (const seq of fake?.parked ?? []) seqs.add(seq)
  for (const line of fake?.outbox ?? []) {
    if (typeof line !== 'string' && 'seq' in line) seqs.add(line.seq)
  }
  return [...seqs].sort((a, b) => a - b)
}

function keyOfFake(fake: Fake, seqs: readonly number[]): string {
  const flags = [fake.alive, fake.booting, fake.frozen, fake.mute, fake.leaving, fake.honest]
  const lines = fake.outbox.map((line) => {
    if (typeof line === 'string') return line
    const seq = 'seq' in line ? `@${seqs.indexOf(line.seq)}` : ''
    const code = 'code' in line ? line.code : ''
    return `${line.type}${'count' in line ? line.count : ''}${seq}${code}`
  })
  const { inbox, taken, holds } = fake
  const held = holds.map(({ count, seq }) => `${count}@${seqs.indexOf(seq)}`).join('+')
  const order = inbox === undefined ? '' : `${inbox.listener}x${inbox.count}`
  const parked = fake.parked.map((seq) => seqs.indexOf(seq)).join('+')
  const kept = parked === '' ? '' : `${parked},${fake.waiting}`
  return `${flags.map(Number).join('')}${+fake.owes} ${order} ${taken?.count} ${held} ${kept} ${lines.join('/')}`
}

/** How far ahead a time lies; all of the past is one. */
function distance(at: number, now: number): number | string {
  return at === Number.POSITIVE_INFINITY ? 'n' : Math.max(-1, at - now)
}
