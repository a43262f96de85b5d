/** Answers that find nothing, and accepts that fail: never a loop, never an innocent killed; run with the other tests. */

import t from 'tap'
import { names, ofType, orders, Scene } from './scene.js'

t.test('who answers 0 goes to the back: the others are asked first', async (t) => {
  const scene = Scene.ready({ startKids: 3 })
  scene.rush()
  scene.answers(3, 0)
  t.strictSame(orders(scene.turn()), ['2 x 1'])
  scene.answers(2, 1)
  t.strictSame(orders(scene.rush()), ['3 x 1'], 'and is asked again once somebody has accepted')
})

t.test('a liar that answers 0 three times while others accept is killed', async (t) => {
  const scene = Scene.ready({ startKids: 2, maxKids: 2 })
  for (let lie = 1; lie <= 3; lie++) {
    scene.rush()
    t.equal(scene.kid(2).state, 'ordered', 'the suspect is asked first')
    scene.answers(2, 0)
    const effects = scene.turn()
    t.match(ofType(effects, 'kill'), lie < 3 ? [] : [{ kid: 2, reason: 'accepts nothing' }])
    scene.answers(1, 1)
    scene.finishes(1)
    scene.turn()
  }
  t.equal(scene.counters.accepted, 3, 'and every connection was served')
})

t.test('a kid that accepts in between is no liar', async (t) => {
  const scene = Scene.ready({ startKids: 2, maxKids: 2 })
  for (let round = 1; round <= 9; round++) {
    scene.rush()
    const honest = round % 3 === 0
    t.equal(scene.kid(2).state, 'ordered')
    scene.answers(2, honest ? 1 : 0)
    t.strictSame(ofType(scene.turn(), 'kill'), [])
    if (!honest) scene.answers(1, 1)
    scene.finishes(honest ? 2 : 1)
    scene.turn()
  }
  t.match(scene.counters, { accepted: 9, empty: 6 })
})

t.test('a kid whose accepts meet withdrawn connections only is no liar', async (t) => {
  const scene = Scene.ready({ startKids: 2, maxKids: 2 })
  for (let round = 1; round <= 9; round++) {
    scene.rush()
    const asked = scene.kid(1).order === undefined ? 2 : 1
    scene.fails(asked, 'ECONNABORTED')
    t.strictSame(ofType(scene.turn(), 'kill'), [])
    const other = 3 - asked
    scene.answers(other, 1)
    scene.finishes(other)
    scene.turn()
  }
  t.match(scene.counters, { accepted: 9, empty: 9, kills: {} })
})

t.test('when all answer 0 the listener rests 1, 2, 4 … 100 ms, and nobody is killed', async (t) => {
  const scene = Scene.ready({ startKids: 2, maxKids: 2 })
  scene.rush(2)
  const rests = []
  let told = 0
  for (let step = 1; step <= 9; step++) {
    for (const kid of [1, 2]) scene.answers(kid, 0)
    told += ofType(scene.turn(), 'listenerRests').length
    rests.push(scene.listener().retryAt - scene.now)
    t.strictSame(orders(scene.turn()), [], 'no spinning')
    t.equal(orders(scene.pass(rests.at(-1) ?? 0)).length, 2)
  }
  t.strictSame(rests, [1, 2, 4, 8, 16, 32, 64, 100, 100])
  t.equal(told, 1)
  t.match(scene.counters.kills, {})
})

t.test('whoever turns idle during such a rest is asked at once', async (t) => {
  const scene = Scene.ready({ startKids: 2, maxKids: 2 })
  scene.rush()
  scene.answers(2, 1)
  scene.rush()
  scene.answers(1, 0)
  scene.turn()
  t.ok(scene.listener().retryAt < Number.POSITIVE_INFINITY)
  scene.finishes(2)
  t.strictSame(orders(scene.turn()), ['2 x 1'])
  scene.answers(2, 1)
  t.equal(scene.listener().retryWait, 0, 'and what it accepts ends the rest')
})

t.test('a queue that has run dry meanwhile holds nothing against anybody', async (t) => {
  const scene = Scene.ready({ startKids: 2 })
  scene.rush()
  scene.queues[0] = 0
  scene.answers(2, 0)
  t.strictSame(names(scene.turn()), ['watch'])
  t.equal(scene.kid(2).strikes[0], 0)
})

const shortages: [string, string][] = [
  ['ENFILE', 'idle'],
  ['ENOBUFS', 'idle'],
  ['ENOMEM', 'idle'],
  ['EWEIRD', 'idle'],
]
for (const [code, state] of shortages) {
  t.test(`${code} rests the listener for 100 ms, is told once, and harms no kid`, async (t) => {
    const scene = Scene.ready({ startKids: 2, maxKids: 2 })
    scene.rush()
    t.strictSame(scene.fails(2, code), [{ type: 'listenerRests', listener: 0, code }])
    t.equal(scene.kid(2).state, state)
    t.strictSame(names(scene.pass(99)), [])
    t.strictSame(orders(scene.pass(1)), ['1 x 1'])
    t.strictSame(scene.fails(1, code), [], 'told once until somebody accepts')
    for (let again = 1; again <= 5; again++) {
      scene.pass(200)
      for (const kid of [1, 2]) if (scene.kid(kid).order) scene.fails(kid, code)
    }
    t.strictSame(scene.counters.kills, {})
  })
}

t.test('a shortage after some good accepts is told once too', async (t) => {
  const scene = Scene.ready({ startKids: 1, maxKids: 1, slots: 8 })
  scene.rush(8)
  t.equal(ofType(scene.fails(1, 'ENFILE', 1), 'listenerRests').length, 1)
  scene.pass(100)
  t.equal(ofType(scene.fails(1, 'ENFILE', 1), 'listenerRests').length, 0)
  scene.pass(100)
  scene.answers(1, 1)
  scene.turn()
  t.equal(ofType(scene.fails(1, 'ENFILE', 0), 'listenerRests').length, 1, 'and again after that')
})

t.test(
  'EMFILE is the kid’s own: it is told to leave, keeps what it has, and is replaced',
  async (t) => {
    const scene = Scene.ready({ startKids: 1, maxKids: 1, slots: 2 })
    scene.rush(2)
    t.match(scene.fails(1, 'EMFILE', 1), [
      { type: 'leaving', kid: 1, reason: 'accept failed with EMFILE' },
      { type: 'leave', kid: 1 },
    ])
    t.equal(scene.kid(1).held, 1)
    t.strictSame(names(scene.turn()), ['spawn'])
    scene.finishes(1)
    t.strictSame(names(scene.reaped(1)), ['gone'])
  },
)

for (const code of ['EBADF', 'ENOTSOCK']) {
  t.test(`${code} kills the kid, which holds no listener any more`, async (t) => {
    const scene = Scene.ready()
    scene.rush()
    t.match(ofType(scene.fails(2, code), 'kill'), [{ kid: 2, reason: 'bad listener' }])
  })
}

t.test('a withdrawn connection is like an empty answer', async (t) => {
  const scene = Scene.ready()
  scene.rush()
  t.strictSame(scene.fails(2, 'ECONNABORTED'), [])
  t.match(scene.counters, { failed: 1, empty: 1 })
  t.strictSame(orders(scene.turn()), ['1 x 1'])
})

t.test('shortages and crossed orders are no strikes', async (t) => {
  const scene = Scene.ready({ startKids: 2, maxKids: 2 })
  for (let shortage = 1; shortage <= 4; shortage++) {
    scene.rush()
    if (scene.kid(2).order) scene.fails(2, 'ENFILE')
    if (scene.kid(1).order) scene.answers(1, 1)
    scene.pass(100)
    if (scene.kid(2).order) scene.fails(2, 'ENFILE')
    if (scene.kid(1).order) scene.answers(1, 1)
    if (scene.kid(1).held > 0) scene.finishes(1)
    scene.pass(100)
  }
  t.equal(scene.kid(2).strikes[0], 0)
  t.strictSame(scene.counters.kills, {})
})

t.test('a listener that cannot be measured rests, and is tried again', async (t) => {
  const scene = Scene.ready()
  scene.arrive()
  t.strictSame(scene.feed({ type: 'turn', depths: [-22] }), [])
  t.strictSame(scene.feed({ type: 'turn', depths: [1] }), [])
  t.strictSame(orders(scene.pass(100)), ['2 x 1'])
})

t.test('a kid that leaves crossing an order and answers it with 0 is no liar', async (t) => {
  const scene = Scene.ready({ startKids: 2, maxKids: 2 })
  for (let round = 1; round <= 3; round++) {
    scene.rush()
    t.equal(scene.kid(2).state, 'ordered')
    if (round === 3) scene.says(2, 'leaving tired')
    scene.answers(2, 0)
    t.strictSame(ofType(scene.turn(), 'kill'), [])
    scene.answers(1, 1)
    scene.finishes(1)
  }
})
