/** The round as stories: who is ordered for what waits, and what follows from the answers; run with the other tests. */

import t from 'tap'
import { wantsDepth } from '../../src/core/scoreboard.js'
import { names, ofType, orders, Scene } from './scene.js'

t.test('one connection orders exactly one kid', async (t) => {
  const scene = Scene.ready({ startKids: 4 })
  t.strictSame(names(scene.arrive()), ['unwatch'])
  t.strictSame(orders(scene.turn()), ['4 x 1'])
  t.strictSame(names(scene.turn()), [], 'and a second turn orders nobody else')
})

t.test('two connections order two kids, once each', async (t) => {
  const scene = Scene.ready({ startKids: 4 })
  t.strictSame(orders(scene.rush(2)), ['4 x 1', '3 x 1'])
  t.strictSame(orders(scene.turn()), [])
})

t.test('a third that comes meanwhile orders a third kid at once', async (t) => {
  const scene = Scene.ready({ startKids: 4 })
  scene.rush(2)
  t.strictSame(orders(scene.rush(1)), ['2 x 1'])
})

t.test('more connections than kids fill the kids’ slots evenly', async (t) => {
  const scene = Scene.ready({ startKids: 2, slots: 4 })
  t.strictSame(orders(scene.rush(5)), ['2 x 3', '1 x 2'])
})

t.test('orders go out in the turn, after all that was said before it', async (t) => {
  const scene = Scene.ready({ startKids: 2 })
  scene.rush(2)
  t.strictSame(names(scene.arrive()), [], 'the poller is not asked while orders are out')
  scene.answers(1, 1)
  scene.answers(2, 1)
  scene.finishes(1)
  scene.finishes(2)
  t.strictSame(orders(scene.turn()), ['2 x 1'], 'the turn knows of both, and takes the freshest')
})

t.test(
  'the queue is measured again after each answer, and watched only when it is dry',
  async (t) => {
    const scene = Scene.ready({ startKids: 1, maxKids: 1 })
    scene.rush(2)
    t.notOk(scene.listener().watched)
    scene.answers(1, 1)
    scene.finishes(1)
    t.strictSame(names(scene.turn()), ['order'])
    scene.answers(1, 1)
    t.ok(wantsDepth(scene.state, 0, scene.now))
    t.strictSame(names(scene.turn()), ['watch'])
    t.notOk(wantsDepth(scene.state, 0, scene.now), 'the poller knows from here on')
  },
)

t.test('a readable listener that is not watched means nothing', async (t) => {
  const scene = Scene.ready()
  scene.arrive()
  t.strictSame(scene.feed({ type: 'readable', listener: 0 }), [])
})

t.test('a queue whose length is unknown is taken one by one', async (t) => {
  const scene = Scene.ready({ startKids: 3, depthKnown: [false] })
  t.strictSame(orders(scene.rush(5)), ['3 x 1'])
  scene.answers(3, 1)
  t.strictSame(orders(scene.turn()), ['2 x 1'])
})

t.test('the first kid to come up gets the order that waits', async (t) => {
  const scene = new Scene({ startKids: 2 })
  scene.turn()
  scene.turn()
  scene.turn()
  t.strictSame(orders(scene.rush()), [])
  scene.says(2, 'idle 1')
  t.strictSame(orders(scene.turn()), ['2 x 1'])
  scene.says(1, 'idle 1')
  t.strictSame(orders(scene.turn()), [])
})

t.test(
  'kids are spawned one a turn, and another turn is asked for while more are wanted',
  async (t) => {
    const scene = new Scene({ startKids: 3 })
    t.match(scene.turn(), [{ type: 'watch' }, { type: 'spawn', kid: 1 }, { type: 'again' }])
    t.match(scene.turn(), [{ type: 'spawn', kid: 2 }, { type: 'again' }])
    t.strictSame(scene.turn(), [{ type: 'spawn', kid: 3, index: 2, generation: 1 }])
    t.strictSame(scene.turn(), [])
  },
)

t.test('the pool grows while connections wait, as far as maxKids', async (t) => {
  const scene = Scene.ready({ startKids: 1, maxKids: 3 })
  scene.rush()
  scene.answers(1, 1)
  t.strictSame(names(scene.rush(9)), ['spawn'])
  t.strictSame(names(scene.turn()), ['spawn'])
  t.strictSame(names(scene.turn()), [])
  t.equal(scene.state.kids.size, 3)
})

t.test('kids that are idle in the meantime need no more kids', async (t) => {
  const scene = Scene.ready({ startKids: 2, maxKids: 9 })
  t.strictSame(names(scene.rush(9)), ['unwatch', 'order', 'order'])
})

t.test('an order is counted, and a round is a turn that ordered', async (t) => {
  const scene = Scene.ready({ startKids: 3 })
  scene.rush(2)
  scene.turn()
  scene.rush(1)
  t.match(scene.counters, { orders: 3, rounds: 2 })
})

t.test('an order that could not be written was never sent', async (t) => {
  for (const [why, state, reason] of [
    ['gone', 'leaving', undefined],
    ['full', 'killed', 'reads nothing'],
  ] as const) {
    const scene = Scene.ready({ startKids: 1 })
    scene.rush()
    const effects = scene.feed({ type: 'unsent', kid: 1, why })
    t.equal(scene.kid(1).state, state)
    t.equal(ofType(effects, 'kill')[0]?.reason, reason)
    t.match(scene.counters, { orders: 0, unanswered: 0 })
    t.strictSame(ofType(scene.reaped(1), 'lost'), [])
  }
})

t.test('a notice that could not be written does not undo the order before it', async (t) => {
  const scene = Scene.ready({ startKids: 1 })
  scene.rush()
  scene.says(1, 'leaving tired')
  scene.feed({ type: 'unsent', kid: 1, why: 'gone' })
  t.match(scene.counters, { orders: 1 })
  scene.reaped(1)
  t.match(scene.counters, { unanswered: 1 })
})

t.test('a kid that hangs up is ordered no more, and its room is filled', async (t) => {
  const scene = Scene.ready({ startKids: 2 })
  scene.feed({ type: 'hangup', kid: 2 })
  t.strictSame(names(scene.turn()), ['spawn'])
  t.strictSame(orders(scene.rush(2)), ['1 x 1'])
})

t.test('a line that is none kills its kid at once', async (t) => {
  const scene = Scene.ready()
  t.match(scene.feed({ type: 'broke', kid: 1, detail: 'a line too long' }), [
    { type: 'kill', kid: 1, reason: 'protocol', detail: 'a line too long' },
  ])
})
