/** The parent's own sleep, and who is blamed for it: nobody; run with the other tests. */

import t from 'tap'
import { kidOf } from '../../src/core/scoreboard.js'
import { ofType, Scene } from './scene.js'

t.test('after a sleep of parent and kids an order has the time left that it had', async (t) => {
  const scene = Scene.ready({ startKids: 1, maxKids: 1 })
  scene.rush(1)
  // Stopped with its kid for three seconds, the parent finds the order long overdue.
  scene.now += 3_000
  t.strictSame(ofType(scene.turn(), 'kill'), [])
  t.equal(kidOf(scene.state, 1).order?.late, false)
  scene.answers(1, 1)
  t.equal(scene.state.counters.accepted, 1)
})

t.test(
  'a kid that does not answer after the sleep either is killed, one timeout later',
  async (t) => {
    const scene = Scene.ready({ startKids: 1, maxKids: 1 })
    scene.rush(1)
    scene.now += 3_000
    scene.turn()
    t.strictSame(ofType(scene.pass(999), 'kill'), [])
    t.strictSame(
      ofType(scene.pass(1), 'kill').map(({ reason }) => reason),
      ['accept timeout'],
    )
  },
)

t.test('a parent that is held up again and again still kills in the end', async (t) => {
  const scene = Scene.ready({ startKids: 1, maxKids: 1 })
  scene.rush(1)
  let killed = 0
  for (let i = 0; i < 4; i++) {
    scene.now += 1_500
    killed += ofType(scene.turn(), 'kill').length
  }
  t.equal(killed, 1)
})

t.test('a kid that is coming up keeps its time over a sleep', async (t) => {
  const scene = new Scene({ startKids: 1, maxKids: 1 })
  scene.turn()
  scene.now += 60_000
  t.strictSame(ofType(scene.turn(), 'kill'), [])
  scene.says(1, 'idle 1')
  t.equal(kidOf(scene.state, 1).state, 'idle')
})
