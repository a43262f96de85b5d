/** Breadth-first search over the fake world: every order of moves, every fault at every moment; used by exploration.test.ts and by `npm run explore`. */

import { step } from '../../src/core/round.js'
import type { CoreSettings } from '../../src/core/settings.js'
import { cloneState } from './clone.js'
import { able, type Fake, freeSlots } from './fake.js'
import * as parking from './fake-parking.js'
import { stateFaults, stepFaults } from './invariants.js'
import { SearchGraph } from './search-graph.js'
import { type Stepper, World } from './world.js'
import { keyOf } from './world-keys.js'

/** What a search found. */
export interface Found {
  states: number
  moves: number
  /** True when the search was cut off. */
  cut: boolean
  /** How many moves the longest of the shortest ways to a state has. */
  depth: number
  /** What was wrong, each with the moves that lead there; at most a few. */
  faults: string[]
}

/** How far a search goes. */
export interface Scope {
  connections: number
  /** How many requests come on connections that are kept alive; without any, nothing is parked. */
  requests?: number
  /** How many things may go wrong in one story. */
  faults: number
  /** Asked after every thousand states: whether there is no more room or time. */
  enough: (states: number) => boolean
}

interface Node {
  world: World
  /** Connections and further requests that have not come yet, and faults that may still come. */
  toCome: number
  requests: number
  faults: number
}

interface Move {
  name: string
  /** A move that an honest system makes by itself, so that liveness may count on it. */
  honest: boolean
  make(node: Node): boolean
}

/** Searches all that so many connections and faults can lead to. */
export function explore(settings: CoreSettings, scope: Scope): Found {
  const wrong: string[] = []
  const stepper: Stepper = (before, event, now) => {
    const state = cloneState(before)
    const effects = step(state, event, now)
    wrong.push(...stateFaults(state, now), ...stepFaults(before, event, now, effects, state))
    return [state, effects]
  }
  const world = new World(settings, stepper)
  const { connections, requests = 0 } = scope
  const first: Node = { world, toCome: connections, requests, faults: scope.faults }
  const graph = new SearchGraph()
  graph.enter(keyOfNode(first), 0, 'start')
  let layer: { node: Node; id: number }[] = [{ node: first, id: 0 }]
  const settled: number[] = []
  const found: Found = { states: 1, moves: 0, cut: false, depth: 0, faults: [] }
  const report = (id: number, move: string, sentence: string) => {
    found.faults.push(`${sentence}: ${graph.pathTo(id)}, ${move}`)
  }

  // One layer after the other: of those behind only the numbers are kept.
  while (layer.length > 0 && found.faults.length < 5 && !found.cut) {
    const next: typeof layer = []
    for (const { node, id } of layer) {
      if (isSettled(node)) settled.push(id)
      for (const move of movesOf(node)) {
        const after: Node = { ...node, world: node.world.clone() }
        if (!move.make(after)) continue
        found.moves++
        wrong.push(...worldFaults(after.world, scope))
        for (const sentence of wrong.splice(0)) report(id, move.name, sentence)
        const { id: to, isNew } = graph.enter(keyOfNode(after), id, move.name)
        if (isNew) next.push({ node: after, id: to })
        if (move.honest) graph.link(id, to)
        if (isNew && to % 1_000 === 0) found.cut ||= scope.enough(to)
      }
      if (found.cut || found.faults.length >= 5) break
    }
    layer = next
    if (next.length > 0) found.depth++
  }
  found.states = graph.size
  if (!found.cut && found.faults.length === 0) {
    for (const id of graph.unreached(settled)) {
      report(id, 'then', 'no honest way to have everything served')
    }
  }
  return found
}

function keyOfNode({ world, toCome, requests, faults }: Node): string {
  return `${toCome} ${requests} ${faults} ${keyOf(world)}`
}

/** Everything that came is served or accounted for; only a kid that has fallen silent may still hold what it had. */
function isSettled({ world }: Node): boolean {
  if (world.asked) return false
  let silent = 0
  for (const { number, held, slots, order } of world.state.kids.values()) {
    const fake = world.fakes.get(number)
    if (order !== undefined || !fake?.alive || (held > 0 && !fake.frozen)) return false
    if (fake.waiting > 0 && !fake.frozen) return false
    if (slots > 0 && held === slots) silent++
  }
  // Where every kid has fallen silent with its slots full, nobody is left to take what waits.
  return world.waiting() === 0 || silent === world.settings.maxKids
}

function worldFaults(world: World, scope: Scope): string[] {
  const { lost, unanswered, shed, abandoned } = world.state.counters
  const faults = world.wronged.map((detail) => `an honest kid was killed: ${detail}`)
  if (world.failed > lost + unanswered + shed + abandoned) faults.push('a failure is not counted')
  // If none of the first kids comes up, it must.
  if (world.state.gaveUp && scope.faults < world.settings.startKids) {
    faults.push('the server gave up although a kid could have come up')
  }
  return faults
}

/** Whether the poller has something to tell. */
function hasNews({ state, queues }: World): boolean {
  return state.listeners.some(({ watched }, number) => watched && queues[number]?.length !== 0)
}

/** Whether a kid has something to do that takes no time worth speaking of. */
function isPrompt(fake: Fake, slots: number): boolean {
  if (!fake.alive) return true
  if (!able(fake)) return false
  if (fake.waiting > 0 && !fake.owes && freeSlots(fake, slots) > 0) return true
  return fake.booting || fake.inbox !== undefined || fake.taken !== undefined
}

function movesOf({ world, toCome, requests, faults }: Node): Move[] {
  const moves: Move[] = []
  const honestly = (name: string, make: (world: World) => boolean) => {
    moves.push({ name, honest: true, make: (node) => make(node.world) })
  }
  const by = (fake: Fake, name: string, act: (world: World, fake: Fake) => boolean) => {
    const { number } = fake
    honestly(`${number} ${name}`, (w) => act(w, w.fakes.get(number) ?? fake))
  }
  if (toCome > 0) {
    for (const listener of world.queues.keys()) {
      moves.push({
        name: world.queues.length > 1 ? `connect to ${listener}` : 'connect',
        honest: false,
        make: (node) => {
          node.toCome--
          return node.world.connect(listener)
        },
      })
    }
  }
  let prompt = world.asked || hasNews(world)
  for (const fake of world.fakes.values()) {
    if (fake.outbox.length > 0 || isPrompt(fake, world.settings.slots)) prompt = true
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
    if (requests > 0 && fake.holds.length > 0) by(fake, 'parks', (_, f) => parking.park(f))
    if (fake.parked.length > 0) {
      by(fake, 'ends a parked one', (w, f) => parking.endParked(w, f))
      by(fake, 'resumes', parking.resume)
      if (fake.owes) by(fake, 'gives back', (_, f) => parking.giveBack(f))
      if (requests > 0) moves.push(furtherRequest(fake))
    }
  }
  honestly('loop', (w) => w.loop())
  // Time passes only when nobody has anything to do at once; a kid that is slow is a frozen one.
  if (!prompt && world.state.earliest < Number.POSITIVE_INFINITY) {
    honestly('time', (w) => {
      w.now = Math.max(w.now, w.state.earliest)
      return w.loop()
    })
  }
  if (faults > 0) {
    for (const fake of world.fakes.values()) moves.push(...faultsOf(fake, requests > 0))
  }
  return moves
}

/** A client has something more to ask of a connection that is parked. */
function furtherRequest({ number }: Fake): Move {
  return {
    name: `${number} is asked`,
    honest: false,
    make: (node) => {
      node.requests--
      const fake = node.world.fakes.get(number)
      return fake !== undefined && parking.request(node.world, fake)
    },
  }
}

function thaw(node: Node, number: number): boolean {
  const fake = node.world.fakes.get(number)
  if (fake === undefined) return false
  fake.frozen = false
  return fake.alive
}

/** Every way in which this kid can go wrong now. */
function faultsOf({ number, alive, inbox, holds, booting, parked }: Fake, parks: boolean): Move[] {
  const faults: Move[] = []
  const fault = (name: string, act: (world: World, fake: Fake) => boolean) => {
    faults.push({
      name: `${number} ${name}`,
      honest: false,
      make: (node) => {
        node.faults--
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
  fault('says leaving', (w, f) => {
    // Once is every kid's right.
    if (f.leaving) f.honest = false
    return w.say(f, { type: 'leaving', reason: 'tired' })
  })
  const seq = holds[0]?.seq
  if (seq !== undefined) {
    fault('is done too often', (w, f) => w.say(f, { type: 'done', seq, count: 9 }))
  }
  if (parks) {
    const resumed = holds[0]?.seq ?? 1
    const most = parked.length
    fault('resumes too many', (w, f) => w.say(f, { type: 'resume', seq: resumed, count: most + 1 }))
    fault('has too many waiting', (w, f) => w.say(f, { type: 'waiting', count: most + 1 }))
    fault('cuts what is not parked', (w, f) => w.say(f, { type: 'cut', seq: 0, count: most + 1 }))
    if (seq !== undefined) {
      fault('parks too many', (w, f) => w.say(f, { type: 'park', seq, count: 9 }))
    }
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
