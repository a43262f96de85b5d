/** Several listeners take turns, and none suffers for another; run with the other tests. */

import t from 'tap'
import { names, ofType, Scene } from './scene.js'

const ready = (changes = {}) =>
  Scene.ready({ startKids: 1, maxKids: 1, depthKnown: [true, true], ...changes })

/** For which listener each order is. */
function forWhom(effects: ReturnType<Scene['turn']>): number[] {
  return ofType(effects, 'order').map(({ listener }) => listener)
}

t.test('one kid serves two busy listeners in turn', async (t) => {
  const scene = ready()
  scene.arrive(3, 0)
  scene.arrive(3, 1)
  const served = []
  for (let i = 0; i < 6; i++) {
    served.push(...forWhom(scene.turn()))
    scene.answers(1, 1)
    scene.finishes(1)
  }
  t.strictSame(served, [0, 1, 0, 1, 0, 1])
})

t.test('a kid has one order at a time, whichever listener it is for', async (t) => {
  const scene = ready({ slots: 8 })
  scene.arrive(1, 0)
  scene.arrive(1, 1)
  t.strictSame(forWhom(scene.turn()), [0])
  scene.answers(1, 1)
  t.strictSame(forWhom(scene.turn()), [1])
})

t.test('a turn that orders nobody takes no turn away', async (t) => {
  const scene = ready()
  scene.turn()
  scene.turn()
  scene.arrive(1, 0)
  scene.arrive(1, 1)
  t.strictSame(forWhom(scene.turn()), [0])
})

t.test('a listener that rests does not hold up another', async (t) => {
  const scene = ready()
  scene.rush(1, 0)
  scene.fails(1, 'ENFILE')
  t.strictSame(forWhom(scene.rush(1, 1)), [1])
})

t.test('a kid that answers 0 for one listener is asked for the other', async (t) => {
  const scene = ready()
  scene.arrive(1, 0)
  scene.arrive(1, 1)
  scene.turn()
  scene.answers(1, 0)
  t.strictSame(forWhom(scene.turn()), [1])
})

t.test('strikes are counted for each listener by itself', async (t) => {
  const scene = ready({ startKids: 2, maxKids: 2 })
  scene.rush(1, 0)
  scene.answers(2, 0)
  scene.turn()
  scene.answers(1, 1)
  scene.finishes(1)
  scene.rush(1, 1)
  t.strictSame(scene.kid(2).strikes, [1, 0])
})

t.test('each is watched when its own queue is dry', async (t) => {
  const scene = ready()
  scene.rush(1, 0)
  t.strictSame(
    [scene.listener(0).watched, scene.listener(1).watched],
    [false, true],
    'the other one all the while',
  )
  scene.answers(1, 1)
  t.match(scene.turn(), [{ type: 'watch', listener: 0 }])
})

t.test('a graceful stop waits for both queues', async (t) => {
  const scene = ready()
  scene.arrive(1, 0)
  scene.arrive(1, 1)
  scene.stop()
  t.strictSame(forWhom(scene.turn()), [0])
  scene.answers(1, 1)
  scene.finishes(1)
  t.strictSame(forWhom(scene.turn()), [1])
  scene.answers(1, 1)
  t.strictSame(names(scene.turn()), ['leave', 'closeListener', 'closeListener'])
})

t.test('abrupt overload sheds of both what nobody can take', async (t) => {
  const scene = ready({ overload: 'abrupt' })
  scene.rush(1, 0)
  scene.answers(1, 1)
  scene.turn()
  scene.arrive(2, 0)
  scene.arrive(3, 1)
  t.match(ofType(scene.turn(), 'shed'), [
    { listener: 0, count: 2 },
    { listener: 1, count: 3 },
  ])
})
