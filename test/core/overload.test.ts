/** Overload: when it is told, when it is over, and who is shed for it; run with the other tests. */

import t from 'tap'
import { shedBurst, timeOverloaded } from '../../src/core/overload.js'
import { names, ofType, Scene } from './scene.js'

/** One kid of one slot that is busy, and so many more waiting. */
function full(waiting: number, changes = {}): Scene {
  const scene = Scene.ready({ startKids: 1, maxKids: 1, ...changes })
  scene.rush()
  scene.answers(1, 1)
  scene.turn()
  scene.rush(waiting)
  return scene
}

/** Performs what a turn wants shed, as the parent does. */
function sheds(scene: Scene, effects: ReturnType<Scene['turn']>): number {
  let sum = 0
  for (const { listener, count } of ofType(effects, 'shed')) {
    scene.queues[listener] = (scene.queues[listener] ?? 0) - count
    scene.feed({ type: 'shed', listener, count })
    sum += count
  }
  return sum
}

t.test('a graceful overload watches nothing, orders nobody, and waits', async (t) => {
  const scene = full(50)
  t.notOk(scene.listener().watched)
  t.strictSame(names(scene.turn()), [])
  scene.pass(50)
  t.equal(scene.state.earliest, scene.now + 50, 'and wants no turn but to tell of it')
})

t.test('it is told after 100 ms, with whom is held', async (t) => {
  const scene = full(1)
  scene.says(1, 'label 1 GET /slow')
  t.strictSame(names(scene.pass(99)), [])
  t.strictSame(scene.pass(1), [
    { type: 'overloadBegan', held: [{ kid: 1, age: 100, label: 'GET /slow' }] },
  ])
  t.strictSame(scene.pass(10_000), [], 'once')
})

t.test('kids that may keep something alive are told at once, once in each stretch', async (t) => {
  const scene = Scene.ready({ startKids: 2, maxKids: 2, slots: 2, pressure: true })
  const pressed = (effects: ReturnType<Scene['turn']>) =>
    ofType(effects, 'pressure').map(({ kid }) => kid)
  scene.rush(4)
  scene.answers(1, 2)
  scene.answers(2, 2)
  scene.turn()
  t.strictSame(pressed(scene.rush()), [1, 2])
  t.strictSame(pressed(scene.pass(1_000)), [], 'once')
  scene.finishes(2)
  scene.turn()
  scene.answers(2, 1)
  scene.turn()
  scene.pass(1)
  t.strictSame(pressed(scene.rush()), [1, 2], 'and again when it comes back')
  scene.finishes(1)
  scene.turn()
  scene.answers(1, 1)
  scene.turn()
  t.strictSame(pressed(scene.rush()), [], 'but not within a moment')
  t.strictSame(pressed(scene.pass(10)), [1, 2])
})

t.test('kids without anything to keep alive are told nothing', async (t) => {
  t.strictSame(ofType(full(1).pass(1_000), 'pressure'), [])
})

t.test('an overload of less than 100 ms is not told at all', async (t) => {
  const scene = full(1)
  scene.pass(99)
  scene.finishes(1)
  scene.turn()
  scene.answers(1, 1)
  t.strictSame(names(scene.pass(5_000)), ['watch'])
})

t.test('it is over when nobody has waited in vain for a second', async (t) => {
  const scene = full(1)
  scene.pass(100)
  scene.finishes(1)
  scene.turn()
  scene.answers(1, 1)
  t.strictSame(names(scene.pass(999)), ['watch'])
  t.match(scene.pass(1), [{ type: 'overloadEnded', lasted: 100 }])
})

t.test('an overload that comes back within a second is the same', async (t) => {
  const scene = full(1)
  scene.pass(100)
  scene.finishes(1)
  scene.turn()
  scene.answers(1, 1)
  scene.pass(500)
  t.strictSame(names(scene.rush()), ['unwatch'])
  t.strictSame(names(scene.pass(900)), [])
  t.equal(timeOverloaded(scene.state, scene.now), 1_000, 'and its breaks are not counted')
})

t.test('of many connections held the three oldest are named', async (t) => {
  const scene = Scene.ready({ startKids: 5, maxKids: 5 })
  for (let i = 0; i < 5; i++) {
    scene.rush()
    scene.pass(1)
    for (const { number, order } of scene.state.kids.values()) if (order) scene.answers(number, 1)
    scene.pass(1)
  }
  scene.rush()
  const [began] = ofType(scene.pass(100), 'overloadBegan')
  const ages = began?.held.map(({ age }) => age) ?? []
  t.equal(ages.length, 3)
  t.strictSame(
    ages,
    [...ages].sort((a, b) => b - a),
  )
})

t.test('abrupt overload is told at once and sheds all that wait, and no more', async (t) => {
  const scene = Scene.ready({ startKids: 1, maxKids: 1, overload: 'abrupt' })
  scene.rush()
  scene.answers(1, 1)
  scene.turn()
  const effects = scene.rush(5)
  t.strictSame(names(effects), ['unwatch', 'overloadBegan', 'shed'])
  t.equal(sheds(scene, effects), 5)
  t.equal(scene.counters.shed, 5)
  t.strictSame(names(scene.turn()), ['watch'])
})

t.test(
  'abrupt overload sheds a bounded burst a turn, and takes another turn at once',
  async (t) => {
    const scene = Scene.ready({ startKids: 1, maxKids: 1, overload: 'abrupt' })
    scene.rush()
    scene.answers(1, 1)
    scene.turn()
    let effects = scene.rush(shedBurst + 10)
    t.ok(effects.some(({ type }) => type === 'again'))
    t.equal(sheds(scene, effects), shedBurst)
    effects = scene.turn()
    t.equal(sheds(scene, effects), 10)
  },
)

t.test(
  'nobody is shed while a kid is idle, about to answer, on its way, or may be spawned',
  async (t) => {
    const scene = new Scene({ startKids: 1, maxKids: 2, overload: 'abrupt' })
    scene.turn()
    scene.rush(9)
    t.equal(scene.states().join(), 'pending')
    scene.says(1, 'idle 1')
    t.strictSame(names(scene.rush(9)), ['order'])
    scene.answers(1, 1)
    t.strictSame(names(scene.turn()), ['spawn'])
    t.strictSame(names(scene.turn()), [], 'pending')
    scene.says(2, 'idle 1')
    t.strictSame(names(scene.turn()), ['order'])
    scene.answers(2, 1)
    t.equal(ofType(scene.turn(), 'shed')[0]?.count, scene.queues[0])
  },
)

t.test('the room of late kids is not shed away', async (t) => {
  const scene = Scene.ready({ startKids: 1, maxKids: 1, slots: 4, overload: 'abrupt' })
  scene.rush(1)
  scene.pass(5)
  t.equal(ofType(scene.rush(3), 'shed').length, 0, 'four wait and four slots are there')
  t.equal(ofType(scene.rush(2), 'shed')[0]?.count, 2)
})

t.test('a shed that ran short of descriptors gives the listener a rest', async (t) => {
  const scene = full(5, { overload: 'abrupt' })
  const effects = scene.feed({ type: 'shed', listener: 0, count: 2, code: 'EMFILE' })
  t.strictSame(names(effects), ['shedDone', 'listenerRests'])
  t.strictSame(names(scene.pass(99)), [])
  t.strictSame(names(scene.pass(1)), ['shed'])
})
