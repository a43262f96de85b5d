/** Connections that are kept alive without a slot: the books, orders that they cross, time limits, deaths; run with the other tests. */

import t from 'tap'
import { names, ofType, orders, Scene } from './scene.js'

const never = Number.POSITIVE_INFINITY

/** One kid of so many slots that has parked so many connections, each of an order of its own. */
function parked(count = 1, changes: ConstructorParameters<typeof Scene>[0] = {}): Scene {
  const scene = Scene.ready({ startKids: 1, maxKids: 1, ...changes })
  for (let i = 1; i <= count; i++) park(scene, 1)
  return scene
}

/** A kid takes one connection more and parks it; the number of its order. */
function park(scene: Scene, kid: number): number {
  scene.rush()
  const seq = scene.kid(kid).order?.seq ?? 0
  scene.answers(kid, 1)
  scene.says(kid, `park ${seq} 1`)
  scene.turn()
  return seq
}

/** A scene in which one kid of one slot resumes what it has parked while an order is out to it. */
function crossed(changes: ConstructorParameters<typeof Scene>[0] = {}): Scene {
  const scene = parked(1, changes)
  scene.rush()
  scene.says(1, 'resume 1 1')
  return scene
}

t.test('its slot is free at once, and it is still held', async (t) => {
  const scene = parked()
  t.match(scene.kid(1), { state: 'idle', held: 0, parked: 1, holds: [] })
  t.match(scene.counters, { accepted: 1, done: 0, lost: 0 })
  t.equal(scene.state.parked, 1)
  t.strictSame(orders(scene.rush()), ['1 x 1'], 'and others are served')
})

t.test('an idle kid whose last slot is resumed is busy, and is ordered nothing', async (t) => {
  const scene = parked()
  scene.says(1, 'resume 1 1')
  t.match(scene.kid(1), { state: 'busy', held: 1, parked: 0 })
  t.equal(scene.state.parked, 0)
  t.strictSame(orders(scene.rush()), [])
  scene.says(1, 'park 1 1')
  t.strictSame(orders(scene.turn()), ['1 x 1'])
})

t.test('one with another slot stays idle', async (t) => {
  const scene = parked(2, { slots: 2 })
  scene.says(1, 'resume 2 1')
  t.match(scene.kid(1), { state: 'idle', held: 1, parked: 1 })
  t.strictSame(orders(scene.rush(2)), ['1 x 1'], 'for the slot that is left')
})

for (const [line, counted] of [
  ['done 0 1', { done: 1, cut: 0 }],
  ['cut 0 1', { done: 0, cut: 1 }],
] as const) {
  t.test(`${line} ends one that is parked`, async (t) => {
    const scene = parked(2)
    t.match(ofType(scene.says(1, line), 'lost'), [])
    t.match(scene.kid(1), { state: 'idle', held: 0, parked: 1 })
    t.match(scene.counters, { accepted: 2, ...counted })
  })
}

for (const [line, counted] of [
  ['done 1 1', { done: 1, cut: 0, skipped: 0 }],
  ['cut 1 1', { done: 0, cut: 1, skipped: 0 }],
  ['skip 1 1', { done: 0, cut: 0, skipped: 1 }],
] as const) {
  t.test(`${line} ends one in a slot, which is free`, async (t) => {
    const scene = Scene.ready({ startKids: 1, maxKids: 1 })
    scene.rush()
    scene.answers(1, 1)
    t.equal(scene.kid(1).state, 'busy')
    scene.says(1, line)
    t.match(scene.kid(1), { state: 'idle', held: 0, served: counted.done })
    t.match(scene.counters, { accepted: 1, ...counted })
  })
}

t.test('more than the slots take cannot be resumed', async (t) => {
  const scene = parked(2)
  scene.says(1, 'resume 1 1')
  t.match(scene.says(1, 'resume 2 1'), [
    { type: 'kill', reason: 'protocol', detail: 'said 1 resumed with 1 of 1 slots taken' },
  ])
})

t.test('an order that meets a slot taken by a resumption is excused', async (t) => {
  const scene = crossed()
  t.match(scene.kid(1), { state: 'ordered', held: 1, order: { excused: true } })
  scene.answers(1, 0)
  t.match(scene.kid(1), { state: 'busy', strikes: [0], emptyStep: [-1] })
  t.match(scene.counters, { empty: 1, late: 0 })
  t.strictSame(names(scene.turn()), [], 'no rest, no other order')
  t.equal(scene.listener().retryAt, never)
  scene.says(1, 'park 1 1')
  t.strictSame(orders(scene.turn()), ['1 x 1'], 'and it is asked again in the same step')
  scene.answers(1, 1)
  t.match(scene.counters, { accepted: 2, empty: 1 })
})

t.test('another kid gets it at once', async (t) => {
  const scene = Scene.ready({ startKids: 2, maxKids: 2 })
  park(scene, 2)
  scene.rush(2)
  scene.says(2, 'resume 1 1')
  scene.answers(1, 1)
  scene.answers(2, 0)
  scene.turn()
  scene.finishes(1)
  t.strictSame(orders(scene.turn()), ['1 x 1'])
})

t.test('a kid that is so excused is never taken for a liar', async (t) => {
  const scene = Scene.ready({ startKids: 2, maxKids: 2 })
  park(scene, 2)
  for (let round = 1; round <= 9; round++) {
    scene.rush(2)
    t.match(scene.kid(2).state, 'ordered')
    scene.says(2, 'resume 1 1')
    scene.answers(2, 0)
    scene.answers(1, 1)
    t.strictSame(ofType(scene.turn(), 'kill'), [])
    scene.finishes(1)
    scene.turn()
    scene.answers(1, 1)
    scene.finishes(1)
    scene.says(2, 'park 1 1')
    scene.turn()
  }
  t.match(scene.counters, { empty: 9, kills: {} })
})

t.test('one that answers 0 with a slot free has no excuse', async (t) => {
  const scene = Scene.ready({ startKids: 1, maxKids: 1, slots: 2 })
  park(scene, 1)
  scene.rush()
  scene.says(1, 'resume 1 1')
  t.equal(scene.kid(1).order?.excused, false)
  scene.answers(1, 0)
  scene.turn()
  t.equal(scene.kid(1).strikes[0], 1)
})

t.test('a late order is excused as well', async (t) => {
  const scene = parked()
  scene.rush()
  scene.pass(5)
  scene.says(1, 'resume 1 1')
  t.match(scene.kid(1), { state: 'late', order: { excused: true, late: true } })
  scene.answers(1, 0)
  t.match(scene.kid(1), { state: 'busy', strikes: [0] })
  t.match(scene.counters, { empty: 1, late: 1 })
  scene.says(1, 'done 1 1')
  t.strictSame(orders(scene.turn()), ['1 x 1'])
})

t.test('an order that is excused may find a slot free after all', async (t) => {
  const scene = crossed()
  scene.says(1, 'park 1 1')
  t.equal(scene.kid(1).state, 'ordered')
  scene.answers(1, 1)
  t.match(scene.kid(1), { state: 'busy', held: 1, parked: 1 })
})

t.test('and may accept no more than is free', async (t) => {
  const scene = crossed()
  t.match(scene.says(1, `accepted ${scene.kid(1).order?.seq} 1`), [
    { type: 'kill', detail: 'said it accepted 1 with 1 of 1 slots taken' },
  ])
})

t.test('the time of connectionTimeout begins anew with each resumption', async (t) => {
  const scene = parked(1, { connectionTimeout: 2_000 })
  t.strictSame(ofType(scene.pass(60_000), 'kill'), [], 'what is parked may take its time')
  scene.says(1, 'resume 1 1')
  t.strictSame(ofType(scene.pass(1_999), 'kill'), [])
  scene.says(1, 'park 1 1')
  scene.says(1, 'resume 1 1')
  t.strictSame(ofType(scene.pass(1_999), 'kill'), [])
  t.match(ofType(scene.pass(1), 'kill'), [
    { reason: 'connection timeout', detail: 'held a connection for 2000 ms' },
  ])
})

t.test(
  'of one order the connection at work longest is taken to be the one that ends',
  async (t) => {
    const scene = Scene.ready({ startKids: 1, maxKids: 1, slots: 2, connectionTimeout: 2_000 })
    scene.rush(2)
    scene.answers(1, 2)
    scene.says(1, 'park 1 2')
    scene.says(1, 'resume 1 1')
    scene.pass(1_000)
    scene.says(1, 'resume 1 1')
    t.match(
      scene.kid(1).holds.map(({ seq, count }) => [seq, count]),
      [
        [1, 1],
        [1, 1],
      ],
    )
    scene.says(1, 'park 1 1')
    t.equal(scene.kid(1).holds[0]?.since, scene.now, 'the younger one is left')
    t.strictSame(ofType(scene.pass(2_999), 'kill'), [], 'so no limit comes too early')
    t.match(ofType(scene.pass(1), 'kill'), [{ reason: 'connection timeout' }])
  },
)

t.test('done for more than one resumption of an order takes of them all', async (t) => {
  const scene = Scene.ready({ startKids: 1, maxKids: 1, slots: 3 })
  scene.rush(3)
  scene.answers(1, 3)
  scene.says(1, 'park 1 2')
  scene.says(1, 'resume 1 1')
  scene.says(1, 'resume 1 1')
  t.match(scene.kid(1), { held: 3, parked: 0 })
  scene.says(1, 'done 1 3')
  t.match(scene.kid(1), { held: 0, holds: [], state: 'idle' })
  t.match(scene.counters, { accepted: 3, done: 3 })
})

t.test('a label is over when its connection is parked', async (t) => {
  const scene = parked()
  scene.says(1, 'resume 1 1')
  scene.says(1, 'label 1 GET /')
  scene.says(1, 'park 1 1')
  t.match(scene.says(1, 'label 1 GET /'), [{ type: 'kill', reason: 'protocol' }])
})

t.test('no more requests wait than connections are parked', async (t) => {
  const scene = parked(3)
  scene.says(1, 'waiting 3')
  t.equal(scene.state.waitingInKids, 3)
  scene.says(1, 'resume 1 1')
  t.match(scene.kid(1), { parked: 2, waiting: 2 })
  t.equal(scene.state.waitingInKids, 2)
  scene.says(1, 'done 0 1')
  scene.says(1, 'cut 0 1')
  t.match(scene.kid(1), { parked: 0, waiting: 0 })
  t.equal(scene.state.waitingInKids, 0)
})

t.test('those of a kid that dies are lost, and idle', async (t) => {
  const scene = parked(2, { slots: 2 })
  scene.says(1, 'waiting 1')
  scene.says(1, 'resume 1 1')
  scene.says(1, 'label 1 GET /')
  scene.rush()
  t.match(ofType(scene.reaped(1), 'lost'), [
    { kid: 1, lost: 2, idle: 1, unanswered: 1, label: 'GET /' },
  ])
  t.match(scene.counters, { accepted: 2, lost: 2, lostIdle: 1, unanswered: 1 })
  t.match(scene.state, { parked: 0, waitingInKids: 0 })
})

t.test('a kid that is killed has what it parked until it is reaped', async (t) => {
  const scene = parked(2)
  scene.says(1, 'nonsense')
  t.equal(scene.state.parked, 2)
  t.strictSame(scene.says(1, 'done 0 1'), [], 'and is not listened to')
  scene.reaped(1)
  t.match(scene.counters, { lost: 2, lostIdle: 2 })
})

t.test('a kid that is leaving may resume, and goes once it has nothing', async (t) => {
  const scene = parked(2)
  scene.says(1, 'leaving tired')
  scene.says(1, 'resume 1 1')
  scene.says(1, 'done 1 1')
  scene.says(1, 'done 0 1')
  t.strictSame(names(scene.reaped(1)), ['gone'])
  t.match(scene.counters, { accepted: 2, done: 2, lost: 0 })
})

t.test('maxConnections counts connections, not resumptions', async (t) => {
  const scene = parked(1, { maxConnections: 3, maxKids: 2 })
  for (let i = 1; i <= 9; i++) {
    scene.says(1, 'resume 1 1')
    scene.says(1, 'park 1 1')
  }
  t.match(scene.kid(1), { state: 'idle', taken: 1, outgoing: '' })
})
