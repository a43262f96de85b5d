/** What can happen to a server, drawn at random, and how it settles afterwards; for properties.test.ts. */

import type { CoreSettings } from '../../src/core/settings.js'
import fc from '../fast-check.js'
import type { Fake } from './fake.js'
import * as parking from './fake-parking.js'
import { classic, settingsWith } from './scene.js'
import type { World } from './world.js'

const never = Number.POSITIVE_INFINITY
const codes = ['EMFILE', 'ENFILE', 'EBADF', 'ECONNABORTED', 'ENOMEM']
const happenings = {
  connect: (world: World, _: Fake | undefined, much: number) => {
    for (let i = 0; i < 1 + (much % 3); i++) world.connect(much % world.queues.length)
  },
  act: (world: World, fake?: Fake) => {
    if (fake === undefined) return
    const acted =
      world.boot(fake) ||
      world.answer(fake) ||
      world.accept(fake) ||
      parking.resume(world, fake) ||
      world.exit(fake)
    if (!acted && !world.finish(fake)) world.endDetached(fake)
  },
  finish: (world: World, fake?: Fake) => void (fake && world.finish(fake)),
  detach: (world: World, fake?: Fake) => void (fake && world.detach(fake)),
  endDetached: (world: World, fake?: Fake) => void (fake && world.endDetached(fake)),
  park: (_: World, fake?: Fake) => void (fake && parking.park(fake)),
  ask: (world: World, fake?: Fake) => void (fake && parking.request(world, fake)),
  giveBack: (_: World, fake?: Fake) => void (fake && parking.giveBack(fake)),
  endParked: (world: World, fake?: Fake, much = 0) =>
    void (fake && parking.endParked(world, fake, much % 3 === 0 ? 'cut' : 'done')),
  endOtherwise: (world: World, fake?: Fake, much = 0) =>
    void (fake && parking.endOtherwise(world, fake, much % 2 === 0 ? 'cut' : 'skip')),
  read: (world: World, fake?: Fake, much = 0) => void (fake && world.read(fake, much % 2 === 0)),
  reap: (world: World, fake?: Fake) => void (fake && world.reap(fake)),
  poll: (world: World) => void world.poll(),
  turn: (world: World) => world.turn(),
  loop: (world: World) => void world.loop(),
  moment: (world: World, _: Fake | undefined, much: number) => {
    world.now += much % 8
  },
  while: (world: World, _: Fake | undefined, much: number) => {
    world.now += (much % 16) * 100
  },
  due: (world: World) => {
    if (world.state.earliest < never) world.now = Math.max(world.now, world.state.earliest)
  },
  // What goes wrong.
  freeze: (_: World, fake?: Fake) => {
    if (fake !== undefined) fake.frozen = true
  },
  thaw: (_: World, fake?: Fake) => {
    if (fake !== undefined) fake.frozen = false
  },
  die: (world: World, fake?: Fake) => void (fake && world.die(fake)),
  lie: (world: World, fake?: Fake) => void (fake && world.refuse(fake)),
  fail: (world: World, fake?: Fake, much = 0) =>
    void (fake && world.refuse(fake, codes[much % codes.length])),
  hangup: (world: World, fake?: Fake) => void (fake && world.say(fake, 'hangup')),
  garbage: (world: World, fake?: Fake) => void (fake && world.say(fake, 'garbage')),
  leave: (world: World, fake?: Fake) =>
    void (
      fake?.leaving === false &&
      !fake.booting &&
      world.say(fake, { type: 'leaving', reason: 'tired' })
    ),
  answerWrongly: (world: World, fake?: Fake, much = 0) =>
    void (fake && world.say(fake, { type: 'accepted', seq: much % 9, count: 9 })),
  finishWrongly: (world: World, fake?: Fake, much = 0) =>
    void (fake && world.say(fake, { type: 'done', seq: much % 9, count: 9 })),
  // What an operator, or the pool's own clock, asks for.
  fat: (world: World, fake?: Fake) => {
    const kid = world.state.kids.get(fake?.number ?? 0)
    if (kid !== undefined && kid.slots > 0) world.feed({ type: 'fat', kid: kid.number })
  },
  reload: (world: World, _: Fake | undefined, much: number) => {
    const { settings } = world.state
    const maxConnections = much % 3 === 0 ? 2 : settings.maxConnections
    world.feed({ type: 'reload', settings: { ...settings, maxConnections } })
  },
  resize: (world: World, _: Fake | undefined, much: number) =>
    world.feed({ type: 'resize', by: much % 2 === 0 ? 1 : -1 }),
  parkServer: (world: World) => world.feed({ type: 'park' }),
  handOver: (world: World, _: Fake | undefined, much: number) => {
    if (much < 10) world.feed({ type: 'handOver' })
  },
  parkWrongly: (world: World, fake?: Fake, much = 0) =>
    void (fake && world.say(fake, { type: 'park', seq: 1 + (much % 9), count: 9 })),
  resumeWrongly: (world: World, fake?: Fake, much = 0) =>
    void (fake && world.say(fake, { type: 'resume', seq: 1 + (much % 9), count: 9 })),
  waitWrongly: (world: World, fake?: Fake) =>
    void (fake && world.say(fake, { type: 'waiting', count: fake.parked.length + 1 })),
  comeUpTwice: (world: World, fake?: Fake) =>
    void (fake && world.say(fake, { type: 'idle', slots: 1 })),
} satisfies Record<string, (world: World, fake: Fake | undefined, much: number) => void>

const usual = [
  'connect',
  'act',
  'finish',
  'detach',
  'endDetached',
  'park',
  'ask',
  'giveBack',
  'endParked',
  'endOtherwise',
  'read',
  'reap',
  'poll',
  'turn',
  'loop',
  'moment',
  'while',
  'due',
] as const
type What = keyof typeof happenings
const operated = ['fat', 'reload', 'resize', 'parkServer', 'handOver'] as const
const all = (Object.keys(happenings) as What[]).filter(
  (what) => !(operated as readonly What[]).includes(what),
)

/** One thing that happens, as `what whom much`: whom is reduced to the kids there are. */
export function happening(of: readonly What[]): fc.Arbitrary<string> {
  return fc
    .tuple(fc.constantFrom(...of), fc.nat({ max: 5 }), fc.nat({ max: 100 }))
    .map((words) => words.join(' '))
}

/** What happens: mostly the usual, so that stories get somewhere. */
export const story = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: happening(['connect', 'act', 'loop', 'loop']) },
    { weight: 1, arbitrary: happening(['park', 'ask', 'act', 'loop']) },
    { weight: 2, arbitrary: happening(usual) },
    { weight: 1, arbitrary: happening(all) },
  ),
  { maxLength: 150, size: 'max' },
)

/** The same with an operator about, who reloads, parks, resizes and hands over. */
export const operatedStory = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: happening(['connect', 'act', 'act', 'loop', 'loop']) },
    { weight: 2, arbitrary: happening(usual) },
    { weight: 1, arbitrary: happening(['reload', 'fat', 'resize']) },
    { weight: 1, arbitrary: happening([...all, ...operated]) },
  ),
  { maxLength: 200, size: 'max' },
)

/** All kinds of servers: rounds, pools, slots, listeners, overloads. */
export const settings: fc.Arbitrary<CoreSettings> = fc
  .record({
    listeners: fc.array(fc.boolean(), { minLength: 1, maxLength: 2 }),
    slots: fc.integer({ min: 1, max: 3 }),
    startKids: fc.integer({ min: 1, max: 3 }),
    extra: fc.nat({ max: 2 }),
    pick: fc.constantFrom('warm' as const, 'fair' as const),
    round: fc.constantFrom({}, {}, classic, { maxOrders: 2 }),
    overload: fc.constantFrom(
      { overload: 'graceful' as const },
      { overload: 'abrupt' as const },
      { shedAfter: 1_000 },
    ),
    connectionTimeout: fc.constantFrom(never, never, 2_000),
  })
  .map(({ listeners, extra, round, overload, ...rest }) =>
    settingsWith({
      ...rest,
      ...round,
      ...overload,
      depthKnown: 'shedAfter' in overload ? listeners.map(() => true) : listeners,
      maxKids: rest.startKids + extra,
    }),
  )

/** Pools that grow, shrink and recycle. */
export const poolSettings: fc.Arbitrary<CoreSettings> = fc
  .tuple(
    settings,
    fc.record({
      minSpare: fc.nat({ max: 3 }),
      extraSpare: fc.nat({ max: 2 }),
      extraKids: fc.nat({ max: 3 }),
      isFixed: fc.boolean(),
      idleTimeout: fc.constantFrom(500, 3_000),
      maxConnections: fc.constantFrom(never, 1, 2, 3, 10),
      maxConnectionsJitter: fc.constantFrom(0, 0.5),
      maxAge: fc.constantFrom(never, 2_500),
    }),
  )
  .map(([given, { minSpare, extraSpare, extraKids, isFixed, ...rest }]) => {
    const maxKids = Math.max(1, minSpare, given.startKids) + extraKids
    const limits = isFixed
      ? { leastKids: given.startKids, maxKids: given.startKids }
      : { leastKids: 0, minSpare, maxSpare: Math.max(1, minSpare + extraSpare), maxKids }
    const startKids = isFixed || minSpare > 0 ? given.startKids : 0
    return { ...given, ...rest, ...limits, startKids }
  })

/** Lets it all happen. */
export function play(world: World, happened: readonly string[]): void {
  for (const line of happened) {
    const [what, whom, much] = line.split(' ')
    const fakes = [...world.fakes.values()]
    const fake = fakes[Number(whom) % Math.max(1, fakes.length)]
    happenings[what as What](world, fake, Number(much))
  }
}

/** From here on nobody does wrong: kids act, the parent turns, time passes when nothing else can. Returns how often. */
export function settle(world: World, until: () => boolean): number {
  for (let round = 1; round <= 2_000; round++) {
    if (until() || world.state.phase === 'stopped') return round
    let moved = false
    for (const fake of [...world.fakes.values()]) {
      moved = world.boot(fake) || world.accept(fake) || moved
      moved = world.answer(fake) || moved
      while (parking.resume(world, fake)) moved = true
      while (world.finish(fake) || world.endDetached(fake)) moved = true
      moved = parking.giveBack(fake) || moved
      if (fake.leaving) while (parking.endParked(world, fake)) moved = true
      moved = world.exit(fake) || moved
      moved = world.reap(fake) || moved
    }
    moved = world.loop() || moved
    if (moved) continue
    if (world.state.earliest === never) return never
    world.now = Math.max(world.now, world.state.earliest)
  }
  return never
}

/**
 * One client after the other comes, so many in all, and none ever goes: each keeps its connection, and asks for something
 * whenever its last request is through. Returns after how many rounds all were taken, Infinity if they never are.
 */
export function keepAsking(world: World, clients: number): number {
  let toCome = clients
  for (let round = 1; round <= 200 * clients; round++) {
    if (toCome > 0 && world.connect(toCome % world.queues.length)) toCome--
    for (const fake of world.fakes.values()) {
      world.boot(fake)
      // It reads its order only after it has taken its slots for requests, and only then finishes those.
      while (parking.request(world, fake));
      while (parking.resume(world, fake));
      world.accept(fake)
      world.answer(fake)
      while (parking.park(fake));
    }
    world.loop()
    if (toCome === 0 && world.waiting() === 0) return round
    if (world.state.earliest < never) world.now = Math.max(world.now, world.state.earliest)
  }
  return never
}
