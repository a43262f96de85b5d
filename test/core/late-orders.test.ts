/** Orders that go unanswered: others are asked, twice as many each time; run with the other tests. */

import t from 'tap'
import { names, ofType, orders, Scene } from './scene.js'

t.test('late orders bring 1, 2, 4 … other kids', async (t) => {
  const scene = Scene.ready({ startKids: 9 })
  t.equal(orders(scene.rush()).length, 1)
  const steps = [1, 2, 3, 4].map(() => orders(scene.pass(5)).length)
  t.strictSame(steps, [1, 2, 4, 1], 'as far as there are kids')
})

t.test('one answer ends the doubling', async (t) => {
  const scene = Scene.ready({ startKids: 9 })
  scene.rush()
  scene.pass(5)
  scene.pass(5)
  t.equal(scene.listener().wave, 2)
  scene.answers(9, 1)
  t.equal(scene.listener().wave, 0)
  scene.rush()
  t.equal(orders(scene.pass(5)).length, 1, 'the next step begins with one again')
})

t.test('a late kid is not ordered again until it has answered', async (t) => {
  const scene = Scene.ready({ startKids: 1, slots: 8, maxKids: 1 })
  scene.rush()
  scene.pass(5)
  t.strictSame(orders(scene.rush(3)), [])
  scene.answers(1, 0)
  t.strictSame(orders(scene.turn()), ['1 x 4'])
})

t.test('a late answer of 0 is normal and counted as late', async (t) => {
  const scene = Scene.ready({ startKids: 2 })
  scene.rush()
  t.strictSame(orders(scene.pass(5)), ['1 x 1'])
  scene.answers(1, 1)
  scene.answers(2, 0)
  t.match(scene.counters, { late: 1, empty: 1, accepted: 1 })
  scene.rush()
  t.equal(scene.kid(2).state, 'ordered', 'and the kid is ordered like any other')
  t.equal(scene.kid(2).strikes[0], 0)
})

t.test('a late kid that accepts after all keeps what it has', async (t) => {
  const scene = Scene.ready({ startKids: 2 })
  scene.rush()
  scene.pass(5)
  scene.answers(2, 1)
  scene.answers(1, 0)
  t.match(scene.counters, { late: 1, accepted: 1, empty: 1 })
  t.strictSame(names(scene.turn()), ['watch'])
})

t.test('the listener is watched while a late order is out, when the queue is dry', async (t) => {
  const scene = Scene.ready({ startKids: 2 })
  scene.rush()
  scene.pass(5)
  scene.answers(1, 1)
  t.strictSame(names(scene.turn()), ['watch'])
  t.equal(scene.kid(2).state, 'late')
})

t.test('a kid that stays silent is killed after acceptTimeout and replaced', async (t) => {
  const scene = Scene.ready({ startKids: 2, maxKids: 2 })
  scene.rush()
  scene.pass(5)
  scene.answers(1, 1)
  const effects = scene.pass(995)
  t.match(ofType(effects, 'kill'), [{ kid: 2, reason: 'accept timeout' }])
  t.equal(ofType(effects, 'spawn').length, 1)
})

t.test('when all kids are silent, one more is spawned if there is room', async (t) => {
  const scene = Scene.ready({ startKids: 2, maxKids: 3 })
  scene.rush()
  scene.pass(5)
  t.strictSame(names(scene.pass(5)), ['spawn'])
  scene.says(3, 'idle 1')
  t.strictSame(orders(scene.turn()), ['3 x 1'])
})
