/** Reloads: one generation beside the other, what becomes of one that fails, parking, resizing, handing over; run with the others. */

import t from 'tap'
import type { CoreSettings } from '../../src/core/settings.js'
import { names, ofType, Scene } from './scene.js'

function fixed(kids: number, changes: Partial<CoreSettings> = {}): Scene {
  return Scene.ready({ startKids: kids, maxKids: kids, leastKids: kids, ...changes })
}

function reload(scene: Scene, changes: Partial<CoreSettings> = {}): void {
  scene.feed({ type: 'reload', settings: { ...scene.state.settings, ...changes } })
}

/** Kids that can take orders, now or when they are done with what they have. */
function orderable(scene: Scene): number {
  const { idle, ordered, late, busy } = scene.state.counts
  return idle + ordered + late + busy
}

function turns(scene: Scene): void {
  while (scene.turn().some(({ type }) => type === 'again'));
}

/** Numbers of the kids in a state. */
function those(scene: Scene, wanted: string): number[] {
  return [...scene.state.kids.values()].filter(({ state }) => state === wanted).map((k) => k.number)
}

/** Lets everybody do what is due, in many small steps, until nobody is pending or leaving. */
function settle(scene: Scene, seconds = 20): void {
  for (let i = 0; i < seconds; i++) {
    turns(scene)
    for (const kid of those(scene, 'pending')) scene.says(kid, 'idle 1')
    for (const kid of those(scene, 'leaving')) {
      while (scene.kid(kid).held > 0) scene.finishes(kid)
      scene.reaped(kid)
    }
    for (const kid of those(scene, 'killed')) scene.reaped(kid)
    scene.pass(1_000)
  }
}

t.test('for each new kid that comes up one old kid leaves, never more', async (t) => {
  const scene = fixed(3)
  reload(scene)
  turns(scene)
  t.same(those(scene, 'pending'), [4, 5, 6], 'the new ones stand beside the old')
  t.equal(orderable(scene), 3)
  for (const [i, kid] of [4, 5, 6].entries()) {
    const effects = scene.says(kid, 'idle 1')
    t.same(
      ofType(effects, 'leaving').map(({ kid: old, reason }) => [old, reason]),
      [[i + 1, 'reload']],
    )
    t.equal(ofType(effects, 'reloaded').length, i === 2 ? 1 : 0)
    t.equal(orderable(scene), 3, 'never fewer than before')
  }
  t.equal(scene.state.generation, 2)
})

t.test('until they leave, old kids take orders', async (t) => {
  const scene = fixed(2)
  reload(scene)
  turns(scene)
  t.equal(ofType(scene.rush(2), 'order').length, 2)
  scene.answers(1, 1)
  scene.answers(2, 1)
  t.same(those(scene, 'busy'), [1, 2])
})

t.test('an old kid that is busy leaves last, and finishes what it has', async (t) => {
  const scene = fixed(2)
  scene.rush()
  scene.answers(2, 1)
  reload(scene)
  turns(scene)
  t.same(
    ofType(scene.says(3, 'idle 1'), 'leave').map(({ kid }) => kid),
    [1],
  )
  t.same(
    ofType(scene.says(4, 'idle 1'), 'leave').map(({ kid }) => kid),
    [2],
  )
  scene.finishes(2)
  t.equal(scene.counters.done, 1)
})

t.test('a generation whose first news is a death is given up, and the old goes on', async (t) => {
  const scene = fixed(3)
  const before = scene.state.settings
  reload(scene, { stopTimeout: 5 })
  turns(scene)
  const effects = scene.reaped(5)
  t.same(
    ofType(effects, 'reloadFailed').map(({ generation, kid }) => [generation, kid]),
    [[2, 5]],
  )
  t.same(
    ofType(effects, 'kill').map(({ kid, reason }) => [kid, reason]),
    [
      [4, 'failed reload'],
      [6, 'failed reload'],
    ],
    'what is left of it goes',
  )
  t.equal(scene.state.generation, 1)
  t.equal(scene.state.settings, before, 'its settings are those of before')
  for (const kid of [4, 6]) scene.reaped(kid)
  t.same(those(scene, 'idle'), [1, 2, 3])
  t.equal(ofType(scene.rush(3), 'order').length, 3, 'all of the old take orders')
  for (const kid of [1, 2, 3]) scene.answers(kid, 1)
  for (const kid of [1, 2, 3]) scene.finishes(kid)
  t.same(ofType(scene.pass(30_000), 'leave'), [], 'and none of them leaves')
  t.same(ofType(scene.pass(30_000), 'spawn'), [])
})

t.test('a new kid that is not up in time is a death like any other', async (t) => {
  const scene = fixed(1)
  reload(scene, { readyTimeout: 1_000 })
  turns(scene)
  t.same(
    ofType(scene.pass(1_001), 'kill').map(({ reason }) => reason),
    ['ready timeout'],
  )
  t.equal(ofType(scene.reaped(2), 'reloadFailed').length, 1)
})

t.test('the number of a generation that failed is not given out again', async (t) => {
  const scene = fixed(1)
  reload(scene)
  turns(scene)
  scene.reaped(2)
  t.equal(scene.state.generation, 1)
  reload(scene)
  turns(scene)
  t.equal(scene.state.generation, 3)
  scene.says(3, 'idle 1')
  t.equal(scene.kid(3).generation, 3)
})

t.test('once a kid of it has been up, deaths no longer undo a generation', async (t) => {
  const scene = fixed(2)
  reload(scene)
  turns(scene)
  scene.says(3, 'idle 1')
  t.same(ofType(scene.reaped(4), 'reloadFailed'), [])
  scene.reaped(1)
  turns(scene)
  t.same(those(scene, 'pending'), [5], 'another takes the place of the one that died')
  t.equal(ofType(scene.says(5, 'idle 1'), 'reloaded').length, 1)
})

t.test('a reload while one is under way is left to whoever asks for it again', async (t) => {
  const scene = fixed(2)
  reload(scene)
  turns(scene)
  reload(scene, { acceptTimeout: 7 })
  t.equal(scene.state.generation, 2)
  t.not(scene.state.settings.acceptTimeout, 7)
})

t.test('a busy elastic pool is replaced kid by kid, as large as it is', async (t) => {
  const scene = Scene.ready({
    ...{ startKids: 5, leastKids: 0, minSpare: 1, maxSpare: 5, maxKids: 5 },
  })
  scene.rush(5)
  for (let kid = 1; kid <= 5; kid++) scene.answers(kid, 1)
  reload(scene, { startKids: 1 })
  turns(scene)
  t.equal(scene.state.counts.pending, 5)
  settle(scene)
  t.equal(scene.state.reload, undefined)
  t.ok(
    [...scene.state.kids.values()].every(({ generation }) => generation === 2),
    'nobody of the old is left',
  )
  t.equal(scene.counters.done, 5)
})

t.test('a reload on demand tries the new handler with one kid', async (t) => {
  const scene = new Scene({ startKids: 0, leastKids: 0, minSpare: 0, idleTimeout: 60_000 })
  scene.turn()
  reload(scene)
  t.equal(ofType(scene.turn(), 'spawn').length, 1)
  t.match(names(scene.reaped(1)), ['gone', 'reloadFailed'])
})

t.test('a pool made smaller during a reload does not keep it from ending', async (t) => {
  const scene = fixed(3)
  reload(scene)
  scene.turn()
  for (let i = 0; i < 2; i++) scene.feed({ type: 'resize', by: -1 })
  settle(scene)
  t.equal(scene.state.reload, undefined)
  t.same(those(scene, 'idle').length, 1)
})

t.test('a reload to fewer kids lets the surplus go one a second', async (t) => {
  const scene = fixed(4)
  reload(scene, { startKids: 2, maxKids: 2, leastKids: 2 })
  settle(scene)
  t.equal(scene.state.reload, undefined)
  t.same(
    [...scene.state.kids.values()].map(({ generation, state }) => [generation, state]),
    [
      [2, 'idle'],
      [2, 'idle'],
    ],
  )
})

t.test('parked, it has no kids and keeps its listeners; a reload serves who waited', async (t) => {
  const scene = fixed(2)
  t.match(names(scene.feed({ type: 'park' })), ['leave', 'leave', 'unwatch', 'parked'])
  for (const kid of [1, 2]) scene.reaped(kid)
  t.same(scene.arrive(3), [], 'nobody looks')
  t.same(names(scene.pass(60_000)), [])
  t.equal(scene.listener().open, true)
  reload(scene)
  turns(scene)
  scene.says(3, 'idle 1')
  t.equal(ofType(scene.turn(), 'order').length, 1)
})

t.test('parked in the middle of a reload, the next reload is as good as any', async (t) => {
  const scene = fixed(2)
  reload(scene, { stopTimeout: 7 })
  turns(scene)
  scene.feed({ type: 'park' })
  t.equal(scene.state.generation, 1, 'nobody has seen the new one up')
  t.not(scene.state.settings.stopTimeout, 7)
  for (const kid of those(scene, 'leaving')) t.same(ofType(scene.reaped(kid), 'reloaded'), [])
  reload(scene)
  settle(scene)
  t.equal(scene.state.generation, 3)
  t.equal(scene.state.counts.idle, 2)
})

for (const graceful of [true, false]) {
  t.test(`a reload under way comes to nothing in a ${graceful ? '' : 'quick '}stop`, async (t) => {
    const scene = fixed(2)
    reload(scene)
    turns(scene)
    scene.stop(graceful)
    const effects = scene.turn()
    for (const kid of [...scene.state.kids.keys()]) effects.push(...scene.reaped(kid))
    t.same(ofType(effects, 'reloaded'), [])
    t.same(ofType(effects, 'reloadFailed'), [])
    t.equal(scene.state.phase, 'stopped')
  })
}

t.test('handing over leaves the queue alone: nobody is counted as abandoned', async (t) => {
  const scene = fixed(1)
  scene.rush()
  scene.answers(1, 1)
  scene.arrive(5)
  const effects = scene.feed({ type: 'handOver' })
  t.match(ofType(effects, 'closeListener'), [{ handedOver: true }])
  t.equal(scene.counters.abandoned, 0)
  scene.finishes(1)
  t.equal(ofType(scene.reaped(1), 'stopped').length, 1)
  t.equal(scene.counters.abandoned, 0)
})

t.test('handed over while parked, it stops at once', async (t) => {
  const scene = fixed(1)
  scene.feed({ type: 'park' })
  scene.reaped(1)
  t.equal(ofType(scene.feed({ type: 'handOver' }), 'stopped').length, 1)
})
