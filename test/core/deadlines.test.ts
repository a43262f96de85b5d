/** What is due when, and what happens then; run with the other tests. */

import t from 'tap'
import { names, ofType, Scene } from './scene.js'

const never = Number.POSITIVE_INFINITY

/** A kid with an order out. */
function ordered(changes = {}): Scene {
  const scene = Scene.ready({ startKids: 1, maxKids: 1, ...changes })
  scene.rush()
  return scene
}

t.test('nothing is due when nobody was asked anything', async (t) => {
  const scene = Scene.ready()
  scene.pass(20_000)
  t.equal(scene.state.earliest, never)
})

t.test('a kid that is not up within readyTimeout is killed', async (t) => {
  const scene = new Scene({ readyTimeout: 10_000 })
  scene.turn()
  t.strictSame(names(scene.pass(9_999)), [])
  t.match(scene.pass(1), [
    { type: 'kill', reason: 'ready timeout', detail: 'was not up within 10000 ms' },
  ])
})

t.test(
  'an order is late after lateAfter, and its kid killed only after acceptTimeout',
  async (t) => {
    const scene = ordered()
    scene.pass(4)
    t.equal(scene.kid(1).state, 'ordered')
    scene.pass(1)
    t.equal(scene.kid(1).state, 'late')
    t.strictSame(names(scene.pass(994)), [])
    t.match(ofType(scene.pass(1), 'kill'), [
      { reason: 'accept timeout', detail: 'did not answer order 1 within 1000 ms' },
    ])
  },
)

t.test('a late kid that answers in time lives', async (t) => {
  const scene = ordered()
  scene.pass(999)
  scene.answers(1, 1)
  t.strictSame(ofType(scene.pass(5_000), 'kill'), [])
  t.equal(scene.kid(1).state, 'busy')
  t.equal(scene.counters.late, 1)
})

t.test('an order that was answered in time has nobody woken to find it late', async (t) => {
  const scene = Scene.ready({ startKids: 1, maxKids: 1, connectionTimeout: 60_000 })
  scene.pass(2_000)
  scene.rush()
  t.ok(scene.state.earliest <= scene.now + 5, 'while it is out somebody looks')
  scene.answers(1, 1)
  scene.turn()
  t.equal(scene.state.earliest, scene.now + 60_000, 'and the next thing due is the connection')
})

t.test(
  'the overdue are named before anything happens to them, so that they can be read first',
  async (t) => {
    const scene = ordered()
    scene.now += 1_000
    t.strictSame(scene.overdue(), [1])
    scene.answers(1, 1)
    t.strictSame(scene.overdue(), [])
    t.strictSame(ofType(scene.turn(), 'kill'), [], 'an answer that was waiting saves its kid')
  },
)

t.test('a killed kid is overdue no more', async (t) => {
  const scene = ordered()
  scene.says(1, 'nonsense')
  scene.now += 60_000
  t.strictSame(scene.overdue(), [])
  t.strictSame(ofType(scene.turn(), 'kill'), [])
})

t.test('a connection of a kid with one slot may last connectionTimeout', async (t) => {
  const scene = ordered({ connectionTimeout: 2_000 })
  scene.answers(1, 1)
  scene.says(1, 'label 1 GET /slow')
  t.strictSame(ofType(scene.pass(1_999), 'kill'), [])
  t.match(ofType(scene.pass(1), 'kill'), [
    { reason: 'connection timeout', detail: 'held a connection for 2000 ms: GET /slow' },
  ])
})

t.test('a kid with several slots has a second more, to close the connection itself', async (t) => {
  const scene = ordered({ connectionTimeout: 2_000, slots: 2 })
  scene.answers(1, 1)
  t.strictSame(ofType(scene.pass(2_999), 'kill'), [])
  t.match(ofType(scene.pass(1), 'kill'), [{ reason: 'connection timeout' }])
})

t.test('a connection that is done in time is nobody’s fault later', async (t) => {
  const scene = ordered({ connectionTimeout: 2_000 })
  scene.answers(1, 1)
  scene.pass(1_999)
  scene.finishes(1)
  t.strictSame(ofType(scene.pass(60_000), 'kill'), [])
})

t.test('the oldest connection counts, not the latest', async (t) => {
  const scene = ordered({ connectionTimeout: 2_000, slots: 2 })
  scene.answers(1, 1)
  scene.pass(1_000)
  scene.rush()
  scene.answers(1, 1)
  t.match(ofType(scene.pass(2_000), 'kill'), [{ detail: 'held a connection for 3000 ms' }])
})

t.test('a kid that is leaving is killed after stopTimeout', async (t) => {
  const scene = ordered({ stopTimeout: 30_000, readyTimeout: never })
  scene.answers(1, 1)
  scene.says(1, 'leaving tired')
  t.strictSame(ofType(scene.pass(29_999), 'kill'), [])
  t.match(ofType(scene.pass(1), 'kill'), [{ reason: 'stop timeout' }])
})

t.test('a kid that closed its pipe and lives is killed after acceptTimeout', async (t) => {
  const scene = Scene.ready({ startKids: 1 })
  scene.feed({ type: 'hangup', kid: 1 })
  scene.feed({ type: 'hangup', kid: 1 })
  t.strictSame(ofType(scene.pass(999), 'kill'), [])
  t.match(ofType(scene.pass(1), 'kill'), [{ kid: 1, reason: 'closed its pipe' }])
})

t.test('orders that lapse in one turn make one step', async (t) => {
  const scene = Scene.ready({ startKids: 4 })
  scene.rush(2)
  scene.pass(5)
  t.equal(scene.listener().wave, 1)
  t.equal(scene.state.counts.late, 2)
})
