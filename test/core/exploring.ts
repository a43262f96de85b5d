/** Breadth-first search over the fake world: every order of moves, every single fault; used by exploration.test.ts. */

import { step } from '../../src/core/round.js'
import type { CoreSettings } from '../../src/core/settings.js'
import { cloneState } from './clone.js'
import { stateFaults, stepFaults } from './invariants.js'
import { able, type Fake, type Stepper, World } from './world.js'

/** What a search found. */
export interface Found {
  states: number
  moves: number
  /** True when the search was cut off. */
  cut: boolean
  /** What was wrong, each with the moves that lead there; at most a few. */
  faults: string[]
}

interface Node {
  world: World
  /** Connections that have not come yet, and whether the fault is still to come. */
  toCome: number
  faulty: boolean
}

interface Move {
  name: string
  /** A move that an honest system makes by itself, so that liveness may count on it. */
  honest: boolean
  make(node: Node): boolean
}

/** Searches all that `connections` connections and at most one fault can lead to. */
export function explore(settings: CoreSettings, connections: number, mostStates: number): Found {
  const wrong: string[] = []
  const stepper: Stepper = (before, event, now) => {
    const state = cloneState(before)
    const effects = step(state, event, now)
    wrong.push(...stateFaults(state, now), ...stepFaults(before, event, now, effects, state))
    return [state, effects]
  }
  const first: Node = { world: new World(settings, stepper), toCome: connections, faulty: true }
  const ids = new Map<string, number>([[keyOf(first), 0]])
  const frontier: { node: Node; id: number }[] = [{ node: first, id: 0 }]
  /** For each state: the one it was first reached from, the move, and who leads to it honestly. */
  const from: { parent: number; move: string }[] = [{ parent: -1, move: 'start' }]
  const honestFrom: number[][] = [[]]
  const settled: number[] = []
  const faults: string[] = []
  let moves = 0
  let cut = false
  const pathTo = (id: number): string => {
    const path: string[] = []
    for (let at = id; at > 0; at = from[at]?.parent ?? 0) path.unshift(from[at]?.move ?? '?')
    return path.join(', ')
  }
  const report = (id: number, move: string, sentence: string) => {
    if (faults.length < 5) faults.push(`${sentence}: ${pathTo(id)}, ${move}`)
  }

  for (let at = 0; at < frontier.length && faults.length < 5; at++) {
    const entry = frontier[at]
    if (entry === undefined) break
    const { node, id } = entry
    // Let go of worlds that have been seen: only their keys are needed from here on.
    frontier[at] = undefined as never
    if (isSettled(node)) settled.push(id)
    for (const move of movesOf(node)) {
      const world = node.world.clone()
      const next: Node = { world, toCome: node.toCome, faulty: node.faulty }
      if (!move.make(next)) continue
      moves++
      wrong.push(...worldFaults(world))
      for (const sentence of wrong.splice(0)) report(id, move.name, sentence)
      const key = keyOf(next)
      let to = ids.get(key)
      if (to === undefined) {
        if (ids.size >= mostStates) {
          cut = true
          continue
        }
        to = ids.size
        ids.set(key, to)
        from.push({ parent: id, move: move.name })
        honestFrom.push([])
        frontier.push({ node: next, id: to })
      }
      if (move.honest) honestFrom[to]?.push(id)
    }
  }
  if (!cut && faults.length === 0) {
    for (const id of unreached(honestFrom, settled)) {
      report(id, 'then', 'no honest way to have everything served')
    }
  }
  return { states: ids.size, moves, cut, faults }
}

/** The states from which no chain of honest moves leads to a settled one. */
function unreached(honestFrom: readonly number[][], settled: readonly number[]): number[] {
  const good = new Set(settled)
  const open = [...settled]
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const before of honestFrom[at] ?? []) {
      if (good.has(before)) continue
      good.add(before)
      open.push(before)
    }
  }
  return honestFrom.flatMap((_, id) => (good.has(id) ? [] : [id]))
}

/** Everything that came is served or accounted for; only a kid that has fallen silent may still hold what it had. */
function isSettled({ world }: Node): boolean {
  if (world.waiting() > 0 || world.asked) return false
  for (const { number, held, order } of world.state.kids.values()) {
    const fake = world.fakes.get(number)
    if (order !== undefined || !fake?.alive || (held > 0 && !fake.frozen)) return false
  }
  return true
}

function worldFaults(world: World): string[] {
  const { lost, unanswered, shed, abandoned } = world.state.counters
  const faults = world.wronged.map((detail) => `an honest kid was killed: ${detail}`)
  if (world.failed > lost + unanswered + shed + abandoned) faults.push('a failure is not counted')
  if (world.state.gaveUp) faults.push('the server gave up for one fault')
  return faults
}

/** Whether a kid has something to do that takes no time worth speaking of. */
function isPrompt(fake: Fake): boolean {
  if (!fake.alive) return true
  if (!able(fake)) return false
  return fake.booting || fake.inbox !== undefined || fake.taken !== undefined
}

function movesOf({ world, toCome, faulty }: Node): Move[] {
  const moves: Move[] = []
  const honestly = (name: string, make: (world: World) => boolean) => {
    moves.push({ name, honest: true, make: (node) => make(node.world) })
  }
  const by = (fake: Fake, name: string, act: (world: World, fake: Fake) => boolean) => {
    const { number } = fake
    honestly(`${number} ${name}`, (w) => act(w, w.fakes.get(number) ?? fake))
  }
  if (toCome > 0) {
    moves.push({
      name: 'connect',
      honest: false,
      make: (node) => {
        node.toCome--
        return node.world.connect(0)
      },
    })
  }
  let prompt = world.asked || (world.state.listeners[0]?.watched && world.waiting() > 0)
  for (const fake of world.fakes.values()) {
    if (fake.outbox.length > 0 || isPrompt(fake)) prompt = true
    if (!fake.alive) by(fake, 'is reaped', (w, f) => w.reap(f))
    if (fake.frozen) {
      const { number } = fake
      moves.push({ name: `${number} thaws`, honest: false, make: (node) => thaw(node, number) })
    }
    if (!able(fake)) continue
    if (fake.booting) by(fake, 'comes up', (w, f) => w.boot(f))
    if (fake.inbox !== undefined) by(fake, 'accepts', (w, f) => w.accept(f))
    if (fake.taken !== undefined) by(fake, 'answers', (w, f) => w.answer(f))
    if (fake.holds.length > 0) by(fake, 'finishes', (w, f) => w.finish(f))
    if (fake.leaving) by(fake, 'exits', (w, f) => w.exit(f))
  }
  honestly('loop', (w) => w.loop())
  // Time passes only when nobody has anything to do at once; a kid that is slow is a frozen one.
  if (!prompt && world.state.earliest < Number.POSITIVE_INFINITY) {
    honestly('time', (w) => {
      w.now = Math.max(w.now, w.state.earliest)
      return w.loop()
    })
  }
  if (faulty) for (const fake of world.fakes.values()) moves.push(...faultsOf(fake))
  return moves
}

function thaw(node: Node, number: number): boolean {
  const fake = node.world.fakes.get(number)
  if (fake === undefined) return false
  fake.frozen = false
  return fake.alive
}

/** Every way in which this kid can go wrong now. */
function faultsOf({ number, alive, inbox, holds, booting }: Fake): Move[] {
  const faults: Move[] = []
  const fault = (name: string, act: (world: World, fake: Fake) => boolean) => {
    faults.push({
      name: `${number} ${name}`,
      honest: false,
      make: (node) => {
        node.faulty = false
        const fake = node.world.fakes.get(number)
        return fake !== undefined && act(node.world, fake)
      },
    })
  }
  if (!alive) return faults
  fault('dies', (w, f) => w.die(f))
  fault('falls silent', (_, f) => {
    f.frozen = true
    return true
  })
  fault('closes its pipe', (w, f) => w.say(f, 'hangup'))
  fault('says garbage', (w, f) => w.say(f, 'garbage'))
  fault('answers an order it never had', (w, f) =>
    w.say(f, { type: 'accepted', seq: 1_000_000, count: 1 }),
  )
  if (booting) return faults
  fault('says idle twice', (w, f) => w.say(f, { type: 'idle', slots: 1 }))
  fault('says leaving', (w, f) => w.say(f, { type: 'leaving', reason: 'tired' }))
  const seq = holds[0]?.seq
  if (seq !== undefined) {
    fault('is done too often', (w, f) => w.say(f, { type: 'done', seq, count: 9 }))
  }
  if (inbox === undefined) return faults
  const wrong = inbox.seq
  fault('accepts too many', (w, f) => w.say(f, { type: 'accepted', seq: wrong, count: 9 }))
  fault('lies', (w, f) => w.refuse(f))
  fault('is out of descriptors', (w, f) => w.refuse(f, 'EMFILE'))
  fault('finds the system short', (w, f) => w.refuse(f, 'ENFILE'))
  fault('has lost its listener', (w, f) => w.refuse(f, 'EBADF'))
  return faults
}

/*
 * A state by what matters of it: kids by rank, times by distance, counters by their balance. Left out is what decides
 * nothing here: the pool's rhythm, since the pool is fixed, and generations, since nobody reloads.
 */
function keyOf({ world, toCome, faulty }: Node): string {
  const { state, now } = world
  const parts: (string | number)[] = [toCome, faulty ? 1 : 0, world.waiting(), +world.asked]
  const { counters, overload } = state
  const covered = counters.lost + counters.unanswered + counters.shed + counters.abandoned
  parts.push(covered - world.failed, state.firstKids, +state.everUp, distance(state.earliest, now))
  parts.push(overload.began === undefined ? 'n' : Math.max(-100, overload.began - now))
  parts.push(overload.announced === undefined ? 'n' : Math.max(-1_000, overload.lastSeen - now))
  const listener = state.listeners[0]
  if (listener !== undefined) {
    parts.push(+listener.watched, listener.wave, +listener.waveDue, listener.retryWait)
    parts.push(distance(listener.restUntil, now), distance(listener.retryAt, now))
    parts.push(+listener.saidResting)
  }
  // Kids are alike but for what stands here, so their order does not matter.
  return `${parts.join(' ')} ${keysOfKids(world).sort().join(' | ')}`
}

function keysOfKids({ state, now, fakes }: World): string[] {
  const listener = state.listeners[0]
  const kids = [...state.kids.values()]
  const fresher = (freshness: number) => kids.filter((kid) => kid.freshness > freshness).length
  return kids.map((kid) => {
    const { order, holds } = kid
    const strikes = kid.strikes[0] ?? 0
    const fake = fakes.get(kid.number)
    return [
      kid.state,
      distance(kid.deadline, now),
      kid.slots,
      +kid.saidLeaving,
      +kid.hungUp,
      fresher(kid.freshness),
      strikes,
      +(strikes > 0 && listener?.accepted !== kid.strikeMark[0]),
      +(kid.emptyStep[0] === listener?.step),
      +(listener?.emptied.includes(kid.number) === true),
      order ? `${order.count},${+order.late},${order.at - now}` : '-',
      holds.map(({ count }) => count).join('+'),
      fake === undefined ? '-' : keyOfFake(fake, holds[0]?.seq ?? 0),
    ].join(' ')
  })
}

function keyOfFake(fake: Fake, oldest: number): string {
  const flags = [fake.alive, fake.booting, fake.frozen, fake.mute, fake.leaving, fake.honest]
  const lines = fake.outbox.map((line) => {
    if (typeof line === 'string') return line
    const seq = 'seq' in line && line.type === 'done' ? line.seq - oldest : ''
    return `${line.type}${'count' in line ? line.count : ''}${seq}`
  })
  const { inbox, taken, holds } = fake
  const held = holds.map(({ count, seq }) => `${count}@${seq - oldest}`).join('+')
  return `${flags.map(Number).join('')} ${inbox?.count} ${taken?.count} ${held} ${lines.join('/')}`
}

/** How far ahead a time lies; all of the past is one. */
function distance(at: number, now: number): number | string {
  return at === Number.POSITIVE_INFINITY ? 'n' : Math.max(-1, at - now)
}
