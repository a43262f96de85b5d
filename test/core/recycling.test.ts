/** When kids have served their time: by connections, exactly; by age, by memory, by their own wish; run with the others. */

import t from 'tap'
import { limitOf } from '../../src/core/jitter.js'
import type { CoreSettings } from '../../src/core/settings.js'
import { ofType, orders, Scene } from './scene.js'

function fixed(kids: number, changes: Partial<CoreSettings> = {}): Scene {
  return Scene.ready({ startKids: kids, maxKids: kids, leastKids: kids, ...changes })
}

function those(scene: Scene, wanted: string): number[] {
  return [...scene.state.kids.values()].filter(({ state }) => state === wanted).map((k) => k.number)
}

/** One connection after the other, each served to its end; kids come up and go at once. Returns who took how many. */
function serveAll(scene: Scene, connections: number, atOnce = 1): Map<number, number> {
  const taken = new Map<number, number>()
  for (let left = connections; left > 0; ) {
    scene.arrive(Math.min(atOnce, left) - (scene.queues[0] ?? 0))
    scene.turn()
    for (const { number, order } of [...scene.state.kids.values()]) {
      if (order === undefined) continue
      const { count } = order
      scene.answers(number, count)
      taken.set(number, (taken.get(number) ?? 0) + count)
      left -= count
    }
    for (const { number, held } of [...scene.state.kids.values()]) {
      for (let i = 0; i < held; i++) scene.finishes(number)
    }
    for (const kid of those(scene, 'leaving')) scene.reaped(kid)
    scene.turn()
    for (const kid of those(scene, 'pending')) scene.says(kid, `idle ${scene.state.settings.slots}`)
    scene.pass(10)
  }
  return taken
}

for (const pick of ['warm', 'fair'] as const) {
  for (const maxConnections of [1, 3, 10]) {
    for (const [slots, atOnce] of [
      [1, 1],
      [1, 4],
      [4, 1],
      [4, 9],
    ] as const) {
      t.test(
        `each kid takes exactly ${maxConnections}, ${atOnce} at once on 2 kids of ${slots} slots, ${pick}`,
        async (t) => {
          const scene = fixed(2, { maxConnections, slots, pick })
          const taken = serveAll(scene, 60, atOnce)
          const alive = new Set(scene.state.kids.keys())
          const gone = [...taken].filter(([kid]) => !alive.has(kid)).map(([, count]) => count)
          t.ok(gone.length >= 60 / maxConnections - 4, 'many have gone')
          t.ok(
            gone.every((count) => count === maxConnections),
            `${gone}`,
          )
          // A successor for each that is on its last connections, and no more than that.
          t.ok(alive.size <= 4, `${alive.size} kids`)
        },
      )
    }
  }
}

t.test('no order asks for more than is left', async (t) => {
  const scene = fixed(1, { maxConnections: 5, slots: 4 })
  scene.rush(4)
  t.equal(scene.kid(1).order?.count, 4)
  scene.answers(1, 4)
  for (let i = 0; i < 4; i++) scene.finishes(1)
  t.same(orders(scene.rush(3)), ['1 x 1'])
})

t.test('the successor is spawned when nine tenths of the way are done', async (t) => {
  const scene = fixed(1, { maxConnections: 10 })
  for (let i = 1; i <= 8; i++) {
    scene.rush()
    scene.answers(1, 1)
    scene.finishes(1)
    t.same(ofType(scene.turn(), 'spawn'), [], `not after ${i}`)
  }
  scene.rush()
  scene.answers(1, 1)
  scene.finishes(1)
  t.equal(ofType(scene.turn(), 'spawn').length, 1)
  scene.says(2, 'idle 1')
  t.same(orders(scene.rush()), ['1 x 1'], 'and the old one has its last before it')
  scene.answers(1, 1)
  t.same(scene.states(), ['leaving', 'idle'])
})

t.test(
  'limits that are jittered lie within the fraction, well apart, and are never 0',
  async (t) => {
    const limits = Array.from({ length: 1_000 }, (_, kid) => limitOf(1_000, 0.1, kid))
    t.ok(limits.every((limit) => limit >= 900 && limit <= 1_100))
    t.ok(new Set(limits).size > 150, `${new Set(limits).size} different limits`)
    t.ok(Math.abs(limits.reduce((sum, limit) => sum + limit, 0) / 1_000 - 1_000) < 5)
    t.ok(
      limits.every((limit, kid) => kid === 0 || Math.abs(limit - (limits[kid - 1] ?? 0)) > 10),
      'neighbours are far from each other',
    )
    for (let kid = 0; kid < 100; kid++) {
      t.ok(limitOf(1, 1, kid) >= 1)
      t.equal(limitOf(7, 0, kid), 7)
    }
  },
)

t.test('a kid that is too old is replaced: its successor first, then it leaves', async (t) => {
  const scene = fixed(1, { maxAge: 60_000 })
  t.same(ofType(scene.pass(59_000), 'spawn'), [])
  t.equal(ofType(scene.pass(1_001), 'spawn').length, 1)
  t.same(those(scene, 'idle'), [1], 'it serves on')
  t.match(ofType(scene.says(2, 'idle 1'), 'leaving'), [{ kid: 1, reason: 'maxAge' }])
})

t.test('one that is too old and not needed leaves without a successor', async (t) => {
  const scene = Scene.ready({
    ...{ startKids: 3, leastKids: 0, minSpare: 1, maxSpare: 3, maxKids: 8, maxAge: 60_000 },
  })
  t.equal(ofType(scene.pass(60_001), 'spawn').length, 1, 'but for the first of them')
  t.equal(ofType(scene.says(4, 'idle 1'), 'leave').length, 1)
  const effects = scene.pass(3_000)
  t.equal(ofType(effects, 'leave').length, 2)
  t.equal(ofType(effects, 'spawn').length, 0)
})

t.test('a fat kid is replaced like an old one, and goes on until then', async (t) => {
  const scene = fixed(2)
  scene.feed({ type: 'fat', kid: 1 })
  scene.feed({ type: 'fat', kid: 1 })
  t.equal(ofType(scene.turn(), 'spawn').length, 1)
  t.equal(ofType(scene.rush(2), 'order').length, 2)
  scene.answers(1, 1)
  scene.answers(2, 1)
  t.match(ofType(scene.says(3, 'idle 1'), 'leaving'), [{ kid: 1, reason: 'maxRss' }])
  scene.finishes(1)
  scene.reaped(1)
  t.equal(scene.counters.lost, 0)
})

t.test('of several that are to be replaced one leaves for each that comes up', async (t) => {
  const scene = fixed(3)
  for (const kid of [1, 2, 3]) scene.feed({ type: 'fat', kid })
  while (scene.turn().some(({ type }) => type === 'again'));
  for (const kid of [4, 5, 6]) {
    t.equal(ofType(scene.says(kid, 'idle 1'), 'leave').length, 1)
    t.equal(scene.state.counts.idle, 3)
  }
})

t.test('a kid that says it leaves is replaced at once, and ordered no more', async (t) => {
  const scene = fixed(2)
  scene.says(1, 'leaving recycle')
  t.equal(ofType(scene.turn(), 'spawn').length, 1)
  t.same(orders(scene.rush(2)), ['2 x 1'])
})

t.test('one on its last connections is let go by a reload all the same', async (t) => {
  const scene = fixed(1, { maxConnections: 10 })
  for (let i = 1; i <= 9; i++) {
    scene.rush()
    scene.answers(1, 1)
    scene.finishes(1)
  }
  scene.turn()
  scene.says(2, 'idle 1')
  scene.feed({ type: 'reload', settings: scene.state.settings })
  while (scene.turn().some(({ type }) => type === 'again'));
  for (const kid of those(scene, 'pending')) scene.says(kid, 'idle 1')
  scene.pass(2_000)
  t.same(those(scene, 'leaving'), [1, 2])
  t.equal(scene.state.reload, undefined)
})

t.test('where that reload fails, it is again on its last, and not one kid too many', async (t) => {
  const scene = fixed(1, { maxConnections: 10 })
  for (let i = 1; i <= 9; i++) {
    scene.rush()
    scene.answers(1, 1)
    scene.finishes(1)
  }
  scene.turn()
  scene.says(2, 'idle 1')
  scene.feed({ type: 'reload', settings: scene.state.settings })
  scene.turn()
  scene.reaped(3)
  for (const kid of those(scene, 'killed')) scene.reaped(kid)
  t.same([scene.kid(1).outgoing, scene.kid(2).outgoing], ['maxConnections', ''])
  t.same(ofType(scene.pass(30_000), 'leave'), [])
})
