/** What must hold of the state always, and of every step; each returns sentences, none when all is well. */

import { isDeepStrictEqual } from 'node:util'
import type { Effect, Event } from '../../src/core/events.js'
import type { Kid } from '../../src/core/kid-record.js'
import { overloadQuiet } from '../../src/core/overload.js'
import { type State, wantsDepth } from '../../src/core/scoreboard.js'
import { forgiveSleep } from '../../src/core/sleep.js'
import { cloneState } from './clone.js'
import { keepingFaults } from './keeping-faults.js'
import { isLawful } from './lawful.js'

const never = Number.POSITIVE_INFINITY
/** Made only when needed: an exploration checks a million times. */
type Sentence = () => string

/** What is wrong with a state. */
export function stateFaults(state: State, now: number): string[] {
  const faults: string[] = []
  const expect = (holds: boolean, sentence: Sentence) => {
    if (!holds) faults.push(sentence())
  }
  const { counters, counts, listeners, settings } = state
  const ordersOut = listeners.map(() => 0)
  const promised = listeners.map(() => 0)
  const seen: Record<string, number> = {}
  const indexes = new Set<number>()
  let staying = 0
  let held = 0
  let parked = 0
  let waiting = 0
  let outgoing = 0
  let unanswered = 0
  for (const [number, kid] of state.kids) {
    if (kid.outgoing !== '') outgoing++
    if (kid.order !== undefined) unanswered++
    if (kid.outgoing === '' && kid.state !== 'leaving' && kid.state !== 'killed') {
      staying++
      indexes.add(kid.index)
    }
    seen[kid.state] = (seen[kid.state] ?? 0) + 1
    held += kid.held + kid.parked + kid.detached
    parked += kid.parked
    waiting += kid.waiting
    expect(kid.number === number, () => `kid ${number} is entered under its own number`)
    for (const sentence of kidFaults(kid)) faults.push(`kid ${number} ${sentence}`)
    if (kid.order === undefined || kid.order.late) continue
    const at = kid.order.listener
    ordersOut[at] = (ordersOut[at] ?? 0) + 1
    promised[at] = (promised[at] ?? 0) + kid.order.count
  }
  for (const [name, count] of Object.entries(counts)) {
    expect(count === (seen[name] ?? 0), () => `the count of ${name} kids is that of the table`)
  }
  expect(state.outgoing === outgoing, () => 'the count of kids to be replaced is that of the table')
  expect(indexes.size === staying, () => 'no two kids that stay have one index')
  expect(state.unanswered === unanswered, () => 'the count of orders out is that of the table')
  const { accepted, done, cut, skipped, lost, lostIdle } = counters
  expect(
    accepted === done + cut + skipped + held + lost,
    () => 'accepted = done + cut + skipped + held + lost',
  )
  expect(lostIdle <= lost, () => 'who was lost while parked was lost')
  expect(state.parked === parked, () => 'the count of parked connections is that of the table')
  expect(state.waitingInKids === waiting, () => 'so is that of the requests that wait in kids')
  expect(
    counters.spawns - counters.deaths === state.kids.size,
    () => 'spawned - dead = in the table',
  )
  const closed = state.phase === 'leaving' || state.phase === 'stopped'
  listeners.forEach((listener, number) => {
    expect(listener.ordersOut === ordersOut[number], () => `listener ${number} knows its orders`)
    expect(
      listener.promised === promised[number],
      () => `listener ${number} knows what is promised`,
    )
    expect(
      listener.ordersOut <= settings.maxOrders,
      () => `listener ${number} has no more than maxOrders out`,
    )
    expect(
      !(listener.watched && listener.ordersOut > 0),
      () => `watched ${number} waits for no order`,
    )
    expect(
      !listener.watched || state.phase === 'running',
      () => `${number} is watched only when running`,
    )
    expect(
      listener.open === !closed,
      () => `listener ${number} is open until kids are told to leave`,
    )
  })
  expect(state.earliest <= firstDue(state, now), () => 'nothing is due before earliest')
  expect(
    state.beyond <= firstDue(state, now, false),
    () => 'nothing but orders is due before beyond',
  )
  expect(
    state.phase !== 'stopped' || state.kids.size === 0,
    () => 'stopped means that nobody is left',
  )
  return faults
}

function kidFaults(kid: Kid): string[] {
  const faults: string[] = []
  const expect = (holds: boolean, sentence: Sentence) => {
    if (!holds) faults.push(sentence())
  }
  const { holds, order, slots, state } = kid
  const sum = holds.reduce((total, hold) => total + hold.count, 0)
  expect(kid.held === sum, () => 'holds the sum of its holds')
  expect(
    holds.every(({ count }) => count > 0),
    () => 'has no empty hold',
  )
  // Not for what it is ordered as well: connections that were parked may be resumed meanwhile.
  expect(kid.held <= slots, () => 'has slots for what it holds')
  expect(kid.waiting <= kid.parked, () => 'has requests waiting of parked connections only')
  expect(
    order === undefined || order.excused || kid.held < slots,
    () => 'is excused for an order that finds it full',
  )
  expect(
    kid.taken + (order?.count ?? 0) <= kid.takesAtMost,
    () => 'is never ordered more than it may take',
  )
  if (state === 'pending') expect(slots === 0, () => 'is pending until it says its slots')
  if (state === 'idle')
    expect(order === undefined && kid.held < slots, () => 'is idle with a free slot')
  if (state === 'ordered')
    expect(order?.late === false, () => 'is ordered while its order is not late')
  if (state === 'late') expect(order?.late === true, () => 'is late while its order is')
  if (state === 'busy') expect(order === undefined && kid.held === slots, () => 'is busy when full')
  expect(state !== 'gone', () => 'is out of the table when gone')
  return faults
}

/** Kids that are there to stay: neither leaving nor about to be replaced. */
export function permanentKids(state: State): number {
  let count = 0
  for (const kid of state.kids.values()) {
    if (kid.outgoing === '' && kid.state !== 'leaving' && kid.state !== 'killed') count++
  }
  return count
}

/** The earliest real deadline, computed once more and from the options alone; orders' too, unless told otherwise. */
export function firstDue(state: State, now: number, withOrders = true): number {
  const { settings } = state
  const dues: number[] = []
  for (const kid of state.kids.values()) {
    if (kid.state === 'killed') continue
    dues.push(kid.deadline, kid.upAt)
    if (withOrders && kid.order !== undefined) {
      dues.push(kid.order.at + settings.acceptTimeout)
      if (!kid.order.late) dues.push(kid.order.at + settings.lateAfter)
    }
    const grace = kid.slots > 1 || settings.kidEndsConnections ? 1_000 : 0
    for (const hold of kid.holds) dues.push(hold.since + settings.connectionTimeout + grace)
  }
  const ahead = (at: number) => dues.push(at > now ? at : never)
  if (state.phase === 'running' && state.parked > 0) ahead(state.roomLookAt)
  for (const listener of state.listeners) {
    ahead(listener.restUntil)
    ahead(listener.retryAt)
  }
  if (state.phase === 'running') {
    ahead(state.budget.restUntil)
    ahead(overloadQuiet(state))
  }
  if (state.phase === 'draining') dues.push(state.stopBy)
  return Math.min(never, ...dues)
}

/** What is wrong with a step that led from `before` to `after`. */
export function stepFaults(
  before: State,
  event: Event,
  now: number,
  effects: readonly Effect[],
  after: State,
): string[] {
  const faults: string[] = []
  const expect = (holds: boolean, sentence: Sentence) => {
    if (!holds) faults.push(sentence())
  }
  const spawns = effects.filter(({ type }) => type === 'spawn').length
  expect(spawns <= (event.type === 'turn' ? 1 : 0), () => 'at most one spawn, and in a turn')
  expect(spawns === 0 || before.phase === 'running', () => 'no spawn once a stop is on')
  // Made smaller, it may be too large for a while; it never grows beyond.
  expect(
    spawns === 0 || permanentKids(after) <= after.settings.maxKids,
    () => 'no spawn beyond maxKids',
  )
  if (event.type === 'turn' && before.phase === 'running' && after.phase === 'running') {
    const grown = permanentKids(after) - permanentKids(before)
    expect(grown <= spawns, () => 'the pool grows by spawns only')
  }
  if (effects.some(({ type }) => type === 'reloaded')) {
    const old = [...after.kids.values()].filter(
      ({ generation, state }) =>
        generation !== after.generation && state !== 'leaving' && state !== 'killed',
    )
    expect(old.length === 0, () => 'a reload that has succeeded leaves no older kid')
    expect(after.phase === 'running', () => 'a reload succeeds only while the server runs')
  }
  const ordered = new Set<number>()
  for (const effect of effects) {
    if (effect.type === 'order') {
      expect(event.type === 'turn', () => 'orders go out in a turn')
      expect(before.kids.get(effect.kid)?.state === 'idle', () => `kid ${effect.kid} was idle`)
      const kid = after.kids.get(effect.kid)
      expect(
        kid !== undefined && effect.count <= kid.slots - kid.held,
        () => `kid ${effect.kid} has slots for what it is ordered`,
      )
      expect(!ordered.has(effect.kid), () => `kid ${effect.kid} got one order`)
      ordered.add(effect.kid)
      expect(
        !before.listeners[effect.listener]?.watched,
        () => 'no order while the poller is asked',
      )
    }
    if (effect.type === 'kill') {
      expect(
        before.kids.get(effect.kid)?.state !== 'killed',
        () => `kid ${effect.kid} is killed once`,
      )
      expect(after.kids.get(effect.kid)?.state === 'killed', () => `kid ${effect.kid} is killed`)
    }
  }
  if (event.type === 'turn') faults.push(...turnFaults(before, event.depths, now, effects, after))
  faults.push(...keepingFaults(before, event, now, effects, after))
  if (event.type === 'status') faults.push(...statusFaults(before, event, effects, after))
  return faults
}

function turnFaults(
  before: State,
  depths: readonly number[],
  now: number,
  effects: readonly Effect[],
  after: State,
): string[] {
  const faults: string[] = []
  after.listeners.forEach((listener, number) => {
    const was = before.listeners[number]
    const depth = depths[number] ?? 0
    const sent = effects.filter((effect) => effect.type === 'order' && effect.listener === number)
    const lapsed = [...after.kids.values()].some(
      ({ number: kid, order }) =>
        order?.listener === number && order.late && before.kids.get(kid)?.order?.late === false,
    )
    const waveDue = was?.waveDue === true || lapsed
    if (sent.length > 0 && !waveDue && listener.promised > depth) {
      faults.push(`listener ${number} has promised ${listener.promised} of ${depth}`)
    }
    const watched = effects.some((effect) => effect.type === 'watch' && effect.listener === number)
    if (watched && depth !== 0) faults.push(`listener ${number} is watched and not dry`)
    // No starvation: what waits is ordered when somebody can take it and nothing rests.
    const waits = Math.min(depth, listener.toServe) > 0
    const asked = was !== undefined && wantsDepth(before, number, now) && now >= was.restUntil
    const rests = listener.retryAt > now && listener.retryAt !== never
    if (
      waits &&
      asked &&
      listener.open &&
      after.counts.idle > 0 &&
      listener.ordersOut === 0 &&
      !rests
    ) {
      faults.push(`listener ${number} starves while a kid is idle`)
    }
  })
  return faults
}

/** A wrong line changes nothing but that its kid is killed; what a killed kid says changes nothing at all. */
function statusFaults(
  before: State,
  { kid: number, status }: Extract<Event, { type: 'status' }>,
  effects: readonly Effect[],
  after: State,
): string[] {
  const kid = before.kids.get(number)
  if (kid === undefined) return [`kid ${number} is not in the table`]
  const expected = cloneState(before)
  // Time passes whatever is said, and the parent's own sleep is seen at any step.
  forgiveSleep(expected, after.lastStep)
  if (kid.state === 'killed') {
    const same = effects.length === 0 && isDeepStrictEqual(expected, after)
    return same ? [] : [`killed kid ${number} was listened to`]
  }
  if (isLawful(kid, status)) return []
  const dead = expected.kids.get(number)
  if (dead !== undefined) {
    expected.counts[dead.state]--
    expected.counts.killed++
    dead.state = 'killed'
    dead.deadline = never
    dead.since = after.kids.get(number)?.since ?? dead.since
    expected.counters.kills.protocol = (expected.counters.kills.protocol ?? 0) + 1
  }
  const only = effects.length === 1 && effects[0]?.type === 'kill'
  return only && isDeepStrictEqual(expected, after)
    ? []
    : [`a wrong line of kid ${number} changed more than its life`]
}
