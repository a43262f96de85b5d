/** The classic round of the essay: one order at a time, waited for in full; run with the other tests. */

import t from 'tap'
import { classic, names, ofType, orders, Scene } from './scene.js'

const ready = (changes = {}) => Scene.ready({ startKids: 3, ...classic, ...changes })

t.test('one order is out at a time, however many wait', async (t) => {
  const scene = ready()
  t.strictSame(orders(scene.rush(3)), ['3 x 1'])
  t.strictSame(orders(scene.rush(3)), [])
  scene.answers(3, 1)
  t.strictSame(orders(scene.turn()), ['2 x 1'])
  scene.answers(2, 1)
  t.strictSame(orders(scene.turn()), ['1 x 1'])
})

t.test('an order is never late: nobody else is asked until acceptTimeout', async (t) => {
  const scene = ready()
  scene.rush(2)
  t.strictSame(names(scene.pass(999)), [])
  t.equal(scene.kid(3).state, 'ordered')
})

t.test(
  'a kid that is killed holds the listener until it is reaped; then another is ordered',
  async (t) => {
    const scene = ready()
    scene.rush()
    t.match(ofType(scene.pass(1_000), 'kill'), [{ kid: 3, reason: 'accept timeout' }])
    t.equal(scene.listener().ordersOut, 1)
    t.strictSame(orders(scene.pass(500)), [], 'it may have accepted')
    scene.reaped(3)
    t.match(scene.counters, { unanswered: 1 })
    t.strictSame(orders(scene.turn()), ['2 x 1'])
  },
)

t.test('so does one that spoke nonsense, hung up, or leaves', async (t) => {
  const ways: [string, (scene: Scene) => unknown][] = [
    ['nonsense', (scene) => scene.says(3, 'nonsense')],
    ['hangup', (scene) => scene.feed({ type: 'hangup', kid: 3 })],
    ['leaving', (scene) => scene.says(3, 'leaving tired')],
  ]
  for (const [name, go] of ways) {
    const scene = ready()
    scene.rush()
    go(scene)
    t.strictSame(orders(scene.turn()), [], name)
    scene.reaped(3)
    t.strictSame(orders(scene.turn()), ['2 x 1'], name)
  }
})

t.test('a leaving kid that answers frees the listener without being reaped', async (t) => {
  const scene = ready()
  scene.rush()
  scene.says(3, 'leaving tired')
  scene.answers(3, 0)
  t.strictSame(orders(scene.turn()), ['2 x 1'])
})

t.test(
  'an empty answer sends the order to the next kid, and everybody is asked once a step',
  async (t) => {
    const scene = ready()
    scene.rush()
    for (const kid of [3, 2, 1]) {
      t.equal(scene.kid(kid).state, 'ordered')
      scene.answers(kid, 0)
      scene.turn()
    }
    t.equal(scene.state.counts.idle, 3, 'then the listener rests')
    t.strictSame(orders(scene.pass(1)), ['3 x 1'])
  },
)

t.test('with several slots still one connection goes to one kid, the least loaded', async (t) => {
  const scene = ready({ slots: 4 })
  const asked = []
  scene.rush(4)
  for (let i = 0; i < 4; i++) {
    const kid = [...scene.state.kids.values()].find(({ order }) => order)
    asked.push(`${kid?.number} x ${kid?.order?.count}`)
    scene.answers(kid?.number ?? 0, 1)
    scene.turn()
  }
  t.strictSame(asked, ['3 x 1', '2 x 1', '1 x 1', '1 x 1'])
})

t.test('a pending kid gets the order when it reports', async (t) => {
  const scene = new Scene({ startKids: 1, ...classic })
  scene.turn()
  scene.rush(2)
  scene.says(1, 'idle 1')
  t.strictSame(orders(scene.turn()), ['1 x 1'])
})

t.test('each listener has an order of its own', async (t) => {
  const scene = ready({ depthKnown: [true, true] })
  scene.arrive(2, 0)
  scene.arrive(2, 1)
  t.strictSame(orders(scene.turn()), ['3 x 1', '2 x 1'])
  t.equal(scene.listener(0).ordersOut, 1)
  t.equal(scene.listener(1).ordersOut, 1)
})

t.test('the queue is watched again only when it is dry and the order answered', async (t) => {
  const scene = ready()
  scene.rush()
  scene.queues[0] = 0
  t.strictSame(names(scene.turn()), [], 'it has accepted and not said so')
  scene.queues[0] = 1
  scene.answers(3, 1)
  t.strictSame(names(scene.turn()), ['watch'])
})
