/** An elastic pool in motion: how it grows, shrinks, serves on demand, and is resized; run with the other tests. */

import t from 'tap'
import type { CoreSettings } from '../../src/core/settings.js'
import { permanentKids } from './invariants.js'
import { ofType, Scene } from './scene.js'

const never = Number.POSITIVE_INFINITY

function elastic(changes: Partial<CoreSettings> = {}): Partial<CoreSettings> {
  return { leastKids: 0, minSpare: 1, maxSpare: 4, maxKids: 64, ...changes }
}

function onDemand(changes: Partial<CoreSettings> = {}): Partial<CoreSettings> {
  return { startKids: 0, leastKids: 0, minSpare: 0, maxKids: 4, idleTimeout: 60_000, ...changes }
}

function staying(scene: Scene): number {
  return permanentKids(scene.state)
}

/** Every kid that was spawned comes up, one turn after the other; returns how many there were. */
function comeUp(scene: Scene): number {
  const pending = [...scene.state.kids.values()].filter(({ state }) => state === 'pending')
  for (const { number } of pending) scene.says(number, `idle ${scene.state.settings.slots}`)
  scene.turn()
  return pending.length
}

/** Every kid that was told to leave goes. */
function letGo(scene: Scene): void {
  for (const { number, state } of [...scene.state.kids.values()]) {
    if (state === 'leaving' || state === 'killed') scene.reaped(number)
  }
}

t.test('while spares are wanting the pool grows 1, 2, 4 ... a second', async (t) => {
  const scene = Scene.ready(elastic({ startKids: 1, minSpare: 20, maxSpare: 20 }))
  // The first one for want of spares came right after the first kid.
  const grown = [comeUp(scene)]
  for (let second = 0; second < 5; second++) {
    const before = scene.counters.spawns
    scene.now = Math.max(scene.now + 1, scene.state.rhythm.ends)
    while (scene.turn().some(({ type }) => type === 'again'));
    comeUp(scene)
    grown.push(scene.counters.spawns - before)
  }
  t.same(grown, [1, 2, 4, 8, 4, 0])
  t.equal(scene.state.counts.idle, 20, 'and no further than the spares it wants')
})

t.test('a spare that is missing within a second is made up for at its end', async (t) => {
  const scene = Scene.ready(elastic({ startKids: 1 }))
  scene.pass(2_000)
  t.equal(scene.state.counts.idle, 1)
  // It begins a second in which nothing is wanting.
  scene.turn()
  scene.rush()
  t.same(ofType(scene.answers(1, 1), 'spawn'), [])
  t.same(ofType(scene.turn(), 'spawn'), [])
  t.ok(scene.state.earliest <= scene.now + 1_000, 'the core asks to be woken')
  t.equal(ofType(scene.pass(1_001), 'spawn').length, 1, 'though nothing else happens')
})

t.test('a kid on its way counts as a spare, so that a burst does not fork for each', async (t) => {
  const scene = Scene.ready(elastic({ startKids: 2, minSpare: 2, slots: 4 }))
  scene.pass(2_000)
  scene.rush(8)
  scene.answers(1, 4)
  scene.answers(2, 4)
  scene.pass(1_001)
  for (let i = 0; i < 5; i++) scene.turn()
  t.equal(scene.state.counts.pending, 1, 'the first of its second')
  scene.rush(4)
  for (let i = 0; i < 5; i++) scene.turn()
  t.equal(scene.state.counts.pending, 1, 'four wait, and it has four slots')
  scene.rush(1)
  for (let i = 0; i < 5; i++) scene.turn()
  t.equal(scene.state.counts.pending, 2, 'for the fifth there is another')
})

t.test('after a burst surplus kids leave one a second, the longest idle first', async (t) => {
  const scene = Scene.ready(elastic({ startKids: 8, maxSpare: 4 }))
  t.equal(staying(scene), 8)
  const left: number[] = []
  for (let second = 0; second < 8; second++) {
    left.push(...ofType(scene.pass(1_000), 'leave').map(({ kid }) => kid))
    letGo(scene)
  }
  t.same(left, [2, 3, 4, 5], 'but for the one that index 0 stays with')
  t.equal(scene.state.counts.idle, 4)
  t.equal(scene.state.earliest, never, 'and then the pool is at rest')
})

t.test('kids that turn idle within a second are found surplus at its end', async (t) => {
  const scene = Scene.ready(elastic({ startKids: 6, maxSpare: 2 }))
  scene.rush(6)
  for (let kid = 1; kid <= 6; kid++) scene.answers(kid, 1)
  for (let i = 0; i < 3; i++) {
    scene.pass(1_000)
    comeUp(scene)
  }
  scene.pass(1_500)
  for (let kid = 1; kid <= 6; kid++) scene.finishes(kid)
  scene.turn()
  t.ok(scene.state.earliest <= scene.now + 1_000, 'the core asks to be woken')
  const effects = scene.pass(1_000)
  t.ok(ofType(effects, 'leave').length > 0, 'though nothing else happens')
})

t.test('on demand nobody is spawned until somebody connects', async (t) => {
  const scene = new Scene(onDemand())
  scene.turn()
  t.same(ofType(scene.pass(10_000), 'spawn'), [])
  t.equal(ofType(scene.rush(), 'spawn').length, 1)
  scene.says(1, 'idle 1')
  t.equal(ofType(scene.turn(), 'order').length, 1)
  scene.answers(1, 1)
  scene.finishes(1)
  scene.turn()
  t.same(scene.states(), ['idle'])
})

t.test('on demand a kid that has been idle for idleTimeout leaves', async (t) => {
  const scene = new Scene(onDemand())
  scene.rush()
  scene.turn()
  scene.says(1, 'idle 1')
  scene.turn()
  scene.answers(1, 1)
  scene.pass(90_000)
  scene.finishes(1)
  scene.turn()
  t.same(ofType(scene.pass(59_000), 'leave'), [], 'not before')
  t.same(
    ofType(scene.pass(2_000), 'leaving').map(({ reason }) => reason),
    ['retire'],
  )
  letGo(scene)
  t.same(scene.states(), [])
  t.equal(ofType(scene.rush(), 'spawn').length, 1, 'and the next connection starts another')
})

t.test('on demand a first kid that does not come up is no reason to give up', async (t) => {
  const scene = new Scene(onDemand())
  scene.turn()
  scene.rush()
  for (let kid = 1; kid <= 5; kid++) {
    scene.reaped(kid)
    scene.turn()
  }
  t.equal(scene.state.gaveUp, false)
  t.same(ofType(scene.pass(999), 'spawn'), [], 'after five there is rest')
  t.equal(ofType(scene.pass(2), 'spawn').length, 1)
})

t.test('that the pool is full is told once, and when the overload is worth a line', async (t) => {
  const scene = Scene.ready(elastic({ startKids: 2, maxKids: 2, maxSpare: 2 }))
  scene.rush(2)
  scene.answers(1, 1)
  scene.answers(2, 1)
  t.same(ofType(scene.rush(3), 'poolFull'), [], 'not at once')
  const effects = [...scene.pass(5_000), ...scene.rush(1), ...scene.pass(5_000)]
  t.same(
    ofType(effects, 'poolFull').map(({ kids }) => kids),
    [2],
  )
})

t.test('of a fixed pool nothing is told when it is full: it always is', async (t) => {
  const scene = Scene.ready({ startKids: 2, maxKids: 2, leastKids: 2 })
  scene.rush(2)
  scene.answers(1, 1)
  scene.answers(2, 1)
  t.same(ofType([...scene.rush(3), ...scene.pass(5_000)], 'poolFull'), [])
})

t.test('a fixed pool that is made larger has one kid more at once', async (t) => {
  const scene = Scene.ready({ startKids: 2, maxKids: 2, leastKids: 2 })
  scene.feed({ type: 'resize', by: 1 })
  t.equal(ofType(scene.turn(), 'spawn').length, 1)
  t.equal(scene.state.settings.leastKids, 3)
})

t.test('a fixed pool that is made smaller lets one go within a second', async (t) => {
  const scene = Scene.ready({ startKids: 3, maxKids: 3, leastKids: 3 })
  scene.pass(3_000)
  scene.turn()
  scene.pass(300)
  scene.feed({ type: 'resize', by: -1 })
  scene.turn()
  t.ok(scene.state.earliest <= scene.now + 1_000, 'the core asks to be woken')
  t.same(
    ofType(scene.pass(1_001), 'leaving').map(({ reason }) => reason),
    ['retire'],
  )
  letGo(scene)
  scene.pass(10_000)
  t.equal(staying(scene), 2)
})

t.test('however often a pool is made smaller, one kid remains', async (t) => {
  const scene = Scene.ready({ startKids: 3, maxKids: 3, leastKids: 3 })
  for (let i = 0; i < 9; i++) scene.feed({ type: 'resize', by: -1 })
  for (let i = 0; i < 9; i++) {
    scene.pass(1_000)
    letGo(scene)
  }
  t.equal(staying(scene), 1)
  scene.feed({ type: 'resize', by: 1 })
  scene.turn()
  t.equal(staying(scene), 2, 'and it grows again from there')
})

t.test('of an elastic pool the most is resized, which spawns nobody by itself', async (t) => {
  const scene = Scene.ready(elastic({ startKids: 2, maxKids: 2 }))
  scene.rush(2)
  scene.answers(1, 1)
  scene.answers(2, 1)
  scene.rush(1)
  scene.pass(3_000)
  t.equal(staying(scene), 2)
  scene.feed({ type: 'resize', by: 1 })
  t.equal(ofType(scene.turn(), 'spawn').length, 1, 'for the one who waits')
  scene.feed({ type: 'resize', by: -1 })
  scene.pass(2_000)
  letGo(scene)
  t.ok(staying(scene) <= 2)
})
