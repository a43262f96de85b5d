/** How the server stops: graceful, quick, in the middle of things; run with the other tests. */

import t from 'tap'
import { names, ofType, orders, Scene } from './scene.js'

const never = Number.POSITIVE_INFINITY

t.test('a graceful stop with nothing to do lets every kid go in the next turn', async (t) => {
  const scene = Scene.ready()
  t.strictSame(names(scene.stop()), ['unwatch'])
  t.strictSame(scene.turn(), [
    { type: 'leave', kid: 1 },
    { type: 'leave', kid: 2 },
    { type: 'closeListener', listener: 0, handedOver: false },
  ])
  t.strictSame(names(scene.reaped(1)), ['gone'])
  t.strictSame(names(scene.reaped(2)), ['gone', 'stopped'])
  t.equal(scene.state.phase, 'stopped')
})

t.test(
  'it serves what was queued when it began, counted once, and not what came later',
  async (t) => {
    const scene = Scene.ready({ startKids: 1, maxKids: 1 })
    scene.rush()
    scene.answers(1, 1)
    scene.turn()
    scene.rush(2)
    scene.stop()
    scene.arrive(5)
    for (let served = 1; served <= 2; served++) {
      scene.finishes(1)
      t.strictSame(names(scene.turn()), ['order'])
      scene.answers(1, 1)
    }
    t.strictSame(names(scene.turn()), ['leave', 'closeListener'])
    t.match(scene.counters, { accepted: 3, abandoned: 5 })
  },
)

t.test('an order that is out when it begins counts among what was queued', async (t) => {
  const scene = Scene.ready({ startKids: 1, maxKids: 1 })
  scene.rush()
  scene.stop()
  scene.arrive(3)
  t.strictSame(names(scene.turn()), [], 'its answer is waited for')
  scene.answers(1, 1)
  scene.finishes(1)
  t.strictSame(
    names(scene.turn()),
    ['order'],
    'it may have been answered before the queue was read',
  )
})

t.test('where the length is unknown it serves until the queue is seen empty', async (t) => {
  const scene = Scene.ready({ startKids: 1, maxKids: 1, depthKnown: [false] })
  scene.arrive(3)
  scene.stop()
  for (let served = 1; served <= 3; served++) {
    t.strictSame(names(scene.turn()), ['order'])
    scene.answers(1, 1)
    scene.finishes(1)
  }
  t.strictSame(names(scene.turn()), ['leave', 'closeListener'])
  t.equal(scene.counters.abandoned, 0)
})

t.test('a listener that rests is not taken for a dry one', async (t) => {
  const scene = Scene.ready({ startKids: 1, maxKids: 1 })
  scene.rush()
  scene.fails(1, 'ENFILE')
  scene.stop()
  t.strictSame(names(scene.pass(100)), [])
  t.strictSame(names(scene.pass(1)), ['order'])
  scene.answers(1, 1)
  t.strictSame(names(scene.turn()), ['leave', 'closeListener'])
})

t.test('after stopTimeout everybody goes, and what is left is counted', async (t) => {
  const scene = Scene.ready({ startKids: 1, maxKids: 1, stopTimeout: 30_000 })
  scene.rush()
  scene.answers(1, 1)
  scene.rush(4)
  scene.stop()
  t.strictSame(names(scene.pass(29_999)), [])
  t.strictSame(names(scene.pass(1)), ['leave', 'closeListener'])
  t.equal(scene.counters.abandoned, 4)
  t.match(ofType(scene.pass(1), 'kill'), [{ reason: 'stop timeout' }])
  t.match(scene.reaped(1), [{ type: 'lost', lost: 1 }, { type: 'gone' }, { type: 'stopped' }])
})

t.test('no kid is spawned once a stop is on', async (t) => {
  const scene = Scene.ready({ startKids: 2, maxKids: 9, readyTimeout: never })
  scene.rush(9)
  scene.stop()
  scene.reaped(2)
  t.strictSame(ofType(scene.pass(20_000), 'spawn'), [])
})

t.test(
  'when the last kid dies before the queue is served, the stop goes on without it',
  async (t) => {
    const scene = Scene.ready({ startKids: 1, maxKids: 1 })
    scene.rush(3)
    scene.stop()
    scene.reaped(1)
    t.strictSame(names(scene.turn()), ['closeListener', 'stopped'])
    t.match(scene.counters, { unanswered: 1, abandoned: 3 })
  },
)

t.test(
  'a quick stop drops everything at once and kills who is not gone within a second',
  async (t) => {
    const scene = Scene.ready({ startKids: 2, maxKids: 2 })
    scene.rush()
    t.strictSame(names(scene.stop(false)), ['quit', 'quit', 'closeListener'])
    t.strictSame(names(scene.pass(999)), [])
    t.match(scene.pass(1), [{ reason: 'quick stop' }, { reason: 'quick stop' }])
    scene.reaped(1)
    t.strictSame(names(scene.reaped(2)), ['lost', 'gone', 'stopped'])
  },
)

t.test('a quick stop hurries a graceful one, never the other way round', async (t) => {
  const scene = Scene.ready({ startKids: 1, maxKids: 1 })
  scene.rush(2)
  scene.stop()
  t.strictSame(names(scene.stop(false)), ['quit', 'closeListener'])
  t.strictSame(names(scene.stop(true)), [])
  t.strictSame(names(scene.stop(false)), ['quit'], 'asked again, it is said again')
  t.match(scene.pass(1_000), [{ type: 'kill', reason: 'quick stop' }])
})

t.test('a second graceful stop changes nothing', async (t) => {
  const scene = Scene.ready({ startKids: 1, maxKids: 1 })
  scene.rush(2)
  scene.stop()
  const { stopBy } = scene.state
  scene.now += 10
  scene.arrive(5)
  t.strictSame(scene.stop(), [])
  t.equal(scene.state.stopBy, stopBy)
  t.equal(scene.listener().toServe, 3)
})

t.test('a stop before anything was spawned ends in the next turn', async (t) => {
  const scene = new Scene()
  scene.stop()
  t.strictSame(names(scene.turn()), ['closeListener', 'stopped'])
  t.strictSame(names(scene.turn()), [])
  t.strictSame(names(scene.stop(false)), [])
})

t.test('a quick stop before anything was spawned ends at once', async (t) => {
  const scene = new Scene()
  t.strictSame(names(scene.stop(false)), ['closeListener', 'stopped'])
})

t.test(
  'a stop during start lets pending kids go, and whoever is queued is served first',
  async (t) => {
    const scene = new Scene()
    scene.turn()
    scene.arrive(1)
    scene.stop()
    t.strictSame(names(scene.turn()), [])
    scene.says(1, 'idle 1')
    t.strictSame(orders(scene.turn()), ['1 x 1'])
    scene.answers(1, 1)
    t.strictSame(names(scene.turn()), ['leave', 'closeListener'])
  },
)

t.test('a kid that is told to leave while its order is out answers it', async (t) => {
  const scene = Scene.ready({ startKids: 1, maxKids: 1 })
  scene.rush()
  scene.pass(5)
  scene.queues[0] = 0
  scene.stop()
  t.strictSame(names(scene.turn()), ['leave', 'closeListener'])
  scene.queues[0] = 1
  scene.answers(1, 1)
  t.equal(scene.kid(1).state, 'leaving')
  scene.finishes(1)
  t.strictSame(names(scene.reaped(1)), ['gone', 'stopped'])
  t.match(scene.counters, { accepted: 1, done: 1, lost: 0 })
})

t.test(
  'a kid that leaves by itself crossing an order is waited for, and not ordered again',
  async (t) => {
    const scene = Scene.ready({ startKids: 1, maxKids: 1, slots: 4, readyTimeout: never })
    scene.rush()
    scene.says(1, 'leaving tired')
    scene.answers(1, 1)
    t.strictSame(orders(scene.rush(5)), [])
    t.strictSame(scene.states(), ['leaving', 'pending'])
  },
)

t.test('an accept that fails because we closed the listener is nobody’s fault', async (t) => {
  const scene = Scene.ready({ startKids: 1, maxKids: 1 })
  scene.rush()
  scene.pass(5)
  scene.queues[0] = 0
  scene.stop()
  scene.turn()
  t.strictSame(names(scene.fails(1, 'EBADF')), [])
})
