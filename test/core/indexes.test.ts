/** The index of a kid: who has which, and that somebody has index 0; run with the other tests. */

import t from 'tap'
import { lowestFreeIndex, stays } from '../../src/core/indexes.js'
import { newKid } from '../../src/core/kid-record.js'
import type { CoreSettings } from '../../src/core/settings.js'
import fc from '../fast-check.js'
import { cloneState } from './clone.js'
import { checkedStep, Scene, settingsWith } from './scene.js'
import { operatedStory, play, poolSettings, settle } from './stories.js'
import { World } from './world.js'

const never = Number.POSITIVE_INFINITY

function fixed(kids: number, changes: Partial<CoreSettings> = {}): Scene {
  const pool = { startKids: kids, maxKids: kids, leastKids: kids, minSpare: kids, maxSpare: kids }
  return Scene.ready({ ...pool, ...changes })
}

function elastic(changes: Partial<CoreSettings> = {}): Scene {
  return Scene.ready({ leastKids: 0, minSpare: 1, maxSpare: 4, maxKids: 64, ...changes })
}

function turns(scene: Scene): void {
  while (scene.turn().some(({ type }) => type === 'again'));
}

/** All kids that are pending come up, and all that are to go, go; for as long as there are any. */
function settled(scene: Scene): void {
  for (let i = 0; i < 10; i++) {
    turns(scene)
    for (const { number, state } of [...scene.state.kids.values()]) {
      if (state === 'pending') scene.says(number, 'idle 1')
      if (state === 'leaving' || state === 'killed') scene.reaped(number)
    }
    scene.pass(1_000)
  }
}

/** `number: index` of the kids there are. */
function indexes(scene: Scene): Record<number, number> {
  return Object.fromEntries([...scene.state.kids.values()].map((kid) => [kid.number, kid.index]))
}

t.test('the lowest index is given that nobody has who stays', async (t) => {
  const kids = (...list: [index: number, changes?: object][]) =>
    list.map(([index, changes]) => ({
      ...newKid(index + 1, index, 1, settingsWith(), 0),
      ...changes,
    }))
  for (const [list, index] of [
    [kids(), 0],
    [kids([0]), 1],
    [kids([1], [2]), 0],
    [kids([2], [0]), 1],
    [kids([0], [1, { state: 'leaving' }], [2]), 1],
    [kids([0, { state: 'killed' }], [1]), 0],
    [kids([0, { outgoing: 'maxAge' }], [1]), 0],
    [kids([0, { outgoing: 'maxAge' }], [0]), 1],
  ] as const) {
    t.equal(
      lowestFreeIndex(list),
      index,
      JSON.stringify(list.map((kid) => [kid.index, stays(kid)])),
    )
  }
})

t.test('the first kids have the indexes from 0 on', async (t) => {
  t.strictSame(indexes(fixed(3)), { 1: 0, 2: 1, 3: 2 })
})

t.test('a kid that is gone leaves its index to the one that comes for it', async (t) => {
  const scene = fixed(3)
  scene.reaped(2)
  turns(scene)
  t.strictSame(indexes(scene), { 1: 0, 3: 2, 4: 1 })
})

t.test('at a reload the new kids have the indexes of the old', async (t) => {
  const scene = fixed(3)
  scene.feed({ type: 'reload', settings: scene.state.settings })
  turns(scene)
  t.strictSame(indexes(scene), { 1: 0, 2: 1, 3: 2, 4: 0, 5: 1, 6: 2 })
  settled(scene)
  t.strictSame(indexes(scene), { 4: 0, 5: 1, 6: 2 })
})

t.test('after a reload that has failed the old kids have theirs again, each another', async (t) => {
  const scene = fixed(3)
  scene.feed({ type: 'reload', settings: scene.state.settings })
  turns(scene)
  scene.reaped(4)
  for (const kid of [5, 6]) scene.reaped(kid)
  turns(scene)
  t.strictSame(indexes(scene), { 1: 0, 2: 1, 3: 2 })
  scene.reaped(1)
  turns(scene)
  t.strictSame(indexes(scene), { 2: 1, 3: 2, 7: 0 })
})

t.test(
  'a kid that is recycled leaves its index to its successor while it still serves',
  async (t) => {
    const scene = fixed(2)
    scene.feed({ type: 'fat', kid: 1 })
    turns(scene)
    t.strictSame(indexes(scene), { 1: 0, 2: 1, 3: 0 })
    settled(scene)
    t.strictSame(indexes(scene), { 2: 1, 3: 0 })
  },
)

t.test('a pool that shrinks keeps the kid of index 0', async (t) => {
  const scene = elastic({ startKids: 8, maxSpare: 1 })
  settled(scene)
  t.strictSame(indexes(scene), { 1: 0 })
})

t.test(
  'when the kid of index 0 dies another is spawned, also where spares are enough',
  async (t) => {
    const scene = elastic({ startKids: 3 })
    settled(scene)
    scene.reaped(2)
    settled(scene)
    t.strictSame(indexes(scene), { 1: 0, 3: 2 }, 'not so with another index')
    scene.reaped(1)
    turns(scene)
    t.strictSame(indexes(scene), { 3: 2, 4: 0 })
  },
)

t.test(
  'a kid of index 0 that is recycled has a successor, also where spares are enough',
  async (t) => {
    const scene = elastic({ startKids: 3 })
    settled(scene)
    scene.feed({ type: 'fat', kid: 1 })
    settled(scene)
    t.strictSame(indexes(scene), { 2: 1, 3: 2, 4: 0 })
  },
)

t.test(
  'after a reload that has failed nobody is spawned for an index 0 that an old kid has',
  async (t) => {
    const scene = elastic({ startKids: 3 })
    settled(scene)
    scene.feed({ type: 'reload', settings: scene.state.settings })
    turns(scene)
    scene.reaped(4)
    settled(scene)
    t.strictSame(indexes(scene), { 1: 0, 2: 1, 3: 2 })
  },
)

t.test('a pool that is made smaller as its kid of index 0 dies still has one', async (t) => {
  const scene = fixed(3)
  scene.feed({ type: 'resize', by: -1 })
  scene.reaped(1)
  settled(scene)
  t.strictSame(indexes(scene), { 3: 2, 4: 0 })
})

t.test('on demand nobody is kept, and nobody spawned, for the sake of an index', async (t) => {
  const scene = Scene.ready({
    ...{ leastKids: 0, minSpare: 0, maxKids: 4, idleTimeout: 5_000 },
    startKids: 2,
  })
  scene.reaped(1)
  turns(scene)
  t.strictSame(indexes(scene), { 2: 1 })
  settled(scene)
  t.strictSame(indexes(scene), {})
})

t.test('whatever has happened, left alone a pool has one kid of index 0', async (t) => {
  // That no two kids that stay have one index is looked at after every step of every story: see invariants.ts.
  fc.assert(
    fc.property(poolSettings, operatedStory, (settings, happened) => {
      fc.pre(settings.minSpare > 0 || settings.leastKids > 0)
      const world = new World({ ...settings, maxAge: never }, (before, event, now) => {
        const state = cloneState(before)
        return [state, checkedStep(state, event, now)]
      })
      play(world, happened)
      for (const fake of world.fakes.values()) fake.frozen = false
      if (world.state.phase === 'parked') {
        world.feed({ type: 'reload', settings: world.state.settings })
      }
      const rounds = settle(world, () => {
        const zeros = [...world.state.kids.values()].filter((kid) => stays(kid) && kid.index === 0)
        return zeros.length === 1 || world.state.phase === 'stopped'
      })
      return rounds < never
    }),
    { numRuns: Number(process.env.RUNS ?? 200) },
  )
  t.pass()
})
