/** What the parent does for connections that are parked: room elsewhere, the grace of leaving kids, the pool and overload; run with the other tests. */

import t from 'tap'
import { names, ofType, orders, Scene } from './scene.js'

type Effects = ReturnType<Scene['turn']>

const told = (effects: Effects) => ofType(effects, 'room').map(({ kid }) => kid)

/** A kid takes one connection more and parks it; the number of its order. */
function park(scene: Scene, kid: number): number {
  scene.rush()
  const { order } = scene.kid(kid)
  if (order === undefined) throw new Error(`kid ${kid} was not chosen`)
  scene.answers(kid, 1)
  scene.says(kid, `park ${order.seq} 1`)
  scene.turn()
  return order.seq
}

/** So many kids of one slot; the last has filled its slot from two parked connections, the others are idle. */
function fullBesideIdle(startKids = 2, changes = {}): Scene {
  const scene = Scene.ready({ startKids, maxKids: startKids, ...changes })
  const kid = startKids
  park(scene, kid)
  // Chosen by the number of what they have parked, so the second is put there by hand.
  const other = scene.kid(kid)
  other.parked++
  scene.state.parked++
  scene.counters.accepted++
  scene.pass(1_000)
  scene.says(kid, 'resume 1 1')
  scene.turn()
  return scene
}

t.test('a full kid hears of room elsewhere after 5 ms, not before', async (t) => {
  const scene = fullBesideIdle()
  t.strictSame(told(scene.pass(4)), [])
  t.strictSame(told(scene.pass(1)), [2])
})

t.test('again after 100 ms, for as long as it is so', async (t) => {
  const scene = fullBesideIdle()
  t.strictSame(told(scene.pass(5)), [2])
  t.strictSame(told(scene.pass(99)), [])
  t.strictSame(told(scene.pass(1)), [2])
  t.strictSame(told(scene.pass(1_000)), new Array(10).fill(2))
})

t.test('also when it was idle for a moment in between, at once after these 100 ms', async (t) => {
  const scene = fullBesideIdle()
  scene.pass(5)
  for (let i = 1; i <= 9; i++) {
    scene.pass(10)
    scene.says(2, 'park 1 1')
    scene.says(2, 'resume 1 1')
    t.strictSame(told(scene.turn()), [], 'within the 100 ms')
  }
  t.strictSame(told(scene.pass(9)), [])
  t.strictSame(told(scene.pass(1)), [2])
})

t.test('not while the other has been idle for less', async (t) => {
  const scene = fullBesideIdle()
  for (let i = 1; i <= 9; i++) {
    scene.rush()
    t.strictSame(told(scene.pass(3)), [])
    scene.answers(1, 1)
    scene.turn()
    scene.finishes(1)
    t.strictSame(told(scene.pass(4)), [])
  }
  t.strictSame(told(scene.pass(1)), [2])
})

t.test('never while nobody is idle', async (t) => {
  const scene = fullBesideIdle()
  scene.rush()
  scene.answers(1, 1)
  t.strictSame(told(scene.pass(10_000)), [])
  t.equal(scene.state.earliest, Number.POSITIVE_INFINITY, 'and wants no turn for it')
  scene.finishes(1)
  scene.turn()
  t.strictSame(told(scene.pass(5)), [2])
})

t.test('nor while the only one that is idle is about to be replaced', async (t) => {
  const scene = fullBesideIdle()
  scene.feed({ type: 'fat', kid: 1 })
  scene.turn()
  scene.reaped(3)
  const { counts } = scene.state
  t.match(counts, { idle: 1, busy: 1 })
  t.strictSame(told(scene.pass(50)), [])
})

t.test('nor to a kid that has parked nothing', async (t) => {
  const scene = fullBesideIdle()
  scene.says(2, 'done 0 1')
  t.strictSame(told(scene.pass(1_000)), [])
})

t.test(
  'a kid that says that requests wait hears at once, if there has been room for 5 ms',
  async (t) => {
    const scene = fullBesideIdle()
    t.strictSame(told(scene.turn()), [])
    scene.says(2, 'waiting 1')
    t.strictSame(told(scene.turn()), [2])
  },
)

t.test(
  'also one with a slot free, whose requests have waited because it was blocked',
  async (t) => {
    const scene = Scene.ready({ startKids: 2, maxKids: 2 })
    park(scene, 2)
    scene.pass(1_000)
    scene.says(2, 'waiting 1')
    t.equal(scene.kid(2).state, 'idle')
    t.strictSame(told(scene.turn()), [2])
    scene.says(2, 'waiting 0')
    t.strictSame(told(scene.pass(1_000)), [])
  },
)

t.test('but not while requests wait in the others too', async (t) => {
  const scene = Scene.ready({ startKids: 2, maxKids: 2 })
  park(scene, 2)
  park(scene, 1)
  scene.pass(1_000)
  scene.says(1, 'waiting 1')
  scene.says(2, 'waiting 1')
  t.strictSame(told(scene.pass(1_000)), [])
})

t.test('nor once a stop is on', async (t) => {
  const scene = fullBesideIdle()
  scene.stop()
  t.strictSame(told(scene.pass(1_000)), [])
})

t.test(
  'a kid that fills up while another was told not long ago hears in its own time',
  async (t) => {
    const scene = Scene.ready({ startKids: 3, maxKids: 3, pick: 'fair' })
    for (const kid of [1, 2]) {
      park(scene, kid)
      scene.kid(kid).parked++
      scene.state.parked++
      scene.counters.accepted++
    }
    scene.pass(1_000)
    scene.says(1, 'resume 1 1')
    scene.turn()
    t.strictSame(told(scene.pass(5)), [1])
    scene.pass(10)
    scene.says(2, 'resume 2 1')
    scene.turn()
    t.strictSame(told(scene.pass(4)), [])
    t.strictSame(told(scene.pass(1)), [2])
    t.strictSame(told(scene.pass(85)), [1], 'and the first in its own')
  },
)

/** Kids of one slot, each of which keeps one connection, are all told to leave; the number of each. */
function leavingWithParked(count: number, maxKids: number): Scene {
  const scene = Scene.ready({ startKids: count, maxKids: count, pick: 'fair' })
  for (let kid = 1; kid <= count; kid++) park(scene, kid)
  scene.state.settings = { ...scene.state.settings, maxKids, leastKids: maxKids }
  for (let kid = 1; kid <= count; kid++) scene.says(kid, 'leaving tired')
  return scene
}

const unparked = (effects: Effects) => ofType(effects, 'unpark').map(({ kid }) => kid)

t.test('as many leaving kids may keep connections as the pool has', async (t) => {
  t.strictSame(unparked(leavingWithParked(3, 3).pass(1_000)), [])
})

t.test('beyond that the oldest are told to end theirs, once', async (t) => {
  const scene = leavingWithParked(5, 2)
  t.strictSame(unparked(scene.turn()), [1, 2, 3])
  t.strictSame(unparked(scene.pass(1_000)), [])
})

t.test('who is still at work does not count, and counts when it is done', async (t) => {
  const scene = leavingWithParked(3, 2)
  scene.says(1, 'waiting 1')
  t.strictSame(unparked(scene.turn()), [], 'a request waits in it')
  scene.says(1, 'resume 1 1')
  t.strictSame(unparked(scene.turn()), [], 'and is at work')
  scene.says(1, 'park 1 1')
  t.strictSame(unparked(scene.turn()), [1])
})

t.test('so it is in a stop as well', async (t) => {
  const scene = Scene.ready({ startKids: 3, maxKids: 3, pick: 'fair' })
  for (let kid = 1; kid <= 3; kid++) park(scene, kid)
  scene.feed({ type: 'resize', by: -1 })
  scene.stop()
  t.strictSame(unparked(scene.pass(1)), [1])
})

/** One kid of one slot that is full, with so many requests waiting in it. */
function crowded(waiting: number, changes = {}): Scene {
  const scene = Scene.ready({ startKids: 1, maxKids: 1, ...changes })
  for (let i = 0; i < waiting + 1; i++) park(scene, 1)
  scene.says(1, 'resume 1 1')
  scene.says(1, `waiting ${waiting}`)
  return scene
}

t.test('requests that wait in a kid bring a kid more, while nobody is idle', async (t) => {
  const scene = crowded(1, { maxKids: 3 })
  t.strictSame(names(scene.turn()), ['spawn'])
  t.strictSame(names(scene.pass(100)), [], 'one on its way will do for one')
  scene.says(2, 'idle 1')
  t.strictSame(names(scene.turn()), [])
  t.strictSame(told(scene.pass(5)), [1], 'and the kid hears that there is room')
})

t.test('and as many as there are requests', async (t) => {
  const scene = crowded(2, { maxKids: 9 })
  t.equal(ofType(scene.turn(), 'spawn').length, 1)
  t.equal(ofType(scene.pass(100), 'spawn').length, 1)
})

t.test('none once they wait no more', async (t) => {
  const scene = crowded(1, { maxKids: 3 })
  scene.says(1, 'waiting 0')
  t.strictSame(names(scene.turn()), [])
})

t.test('they never are a reason for an order', async (t) => {
  const scene = crowded(3)
  scene.turn()
  scene.says(1, 'park 1 1')
  t.strictSame(orders(scene.pass(1_000)), [])
})

t.test('where the pool is full they are an overload, told like any other', async (t) => {
  const scene = crowded(1)
  t.strictSame(names(scene.turn()), [])
  t.strictSame(names(scene.pass(99)), [])
  t.strictSame(names(scene.pass(1)), ['overloadBegan'])
  scene.says(1, 'done 1 1')
  scene.says(1, 'resume 2 1')
  t.strictSame(names(scene.turn()), [])
  t.strictSame(names(scene.pass(1_000)), ['overloadEnded'])
})

t.test('with abrupt overload nobody in the queue is shed for them', async (t) => {
  const scene = crowded(5, { overload: 'abrupt' })
  t.strictSame(names(scene.turn()), ['overloadBegan'])
  t.strictSame(ofType(scene.rush(1), 'shed'), [{ type: 'shed', listener: 0, count: 1 }])
})

t.test('pressure is for kids that have parked connections only, too', async (t) => {
  const scene = Scene.ready({ startKids: 2, maxKids: 2, pressure: true })
  const seq = park(scene, 2)
  scene.rush(2)
  scene.answers(1, 1)
  scene.says(2, `resume ${seq} 1`)
  scene.answers(2, 0)
  scene.says(2, 'leaving tired')
  // One kid will do, so that no other is spawned.
  scene.feed({ type: 'resize', by: -1 })
  scene.says(2, `park ${seq} 1`)
  t.strictSame(
    ofType(scene.turn(), 'pressure').map(({ kid }) => kid),
    [1, 2],
  )
})

t.test(
  'of surplus kids one that has parked nothing retires, though another is idle longer',
  async (t) => {
    const scene = Scene.ready({ startKids: 3, maxKids: 4, leastKids: 0, minSpare: 1, maxSpare: 2 })
    park(scene, 3)
    scene.rush()
    scene.answers(2, 1)
    scene.finishes(2)
    t.match(ofType(scene.pass(3_000), 'leave'), [{ kid: 2 }])
  },
)
