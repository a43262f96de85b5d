/** Connections that live on without a slot: counted, asked about, never ended for want of other work; run with the other tests. */

import t from 'tap'
import { MAX_REPORTED } from '../../src/protocol/limits.js'
import { names, ofType, orders, Scene } from './scene.js'

/** A kid of one slot that has detached the one connection it had. */
function detached(changes: ConstructorParameters<typeof Scene>[0] = {}): Scene {
  const scene = Scene.ready({ startKids: 1, maxKids: 1, ...changes })
  scene.rush()
  scene.answers(1, 1)
  scene.turn()
  scene.says(1, 'detach 1 1')
  return scene
}

t.test('its slot is free at once, and it is still held', async (t) => {
  const scene = detached()
  t.match(scene.kid(1), { state: 'idle', held: 0, detached: 1 })
  t.match(scene.counters, { accepted: 1, done: 0, detached: 1 })
  t.strictSame(orders(scene.rush()), ['1 x 1'])
  scene.answers(1, 1)
  scene.says(1, 'ended 1')
  t.match(scene.counters, { accepted: 2, done: 1, lost: 0 })
  t.match(scene.kid(1), { held: 1, detached: 0, served: 1 })
})

t.test('those of a kid that dies are lost', async (t) => {
  const scene = detached()
  t.match(ofType(scene.reaped(1), 'lost'), [{ kid: 1, lost: 1, unanswered: 0 }])
  t.match(scene.counters, { accepted: 1, done: 0, lost: 1 })
})

for (const [line, detail] of [
  ['detach 9 1', 'said detached of order 9, of which it holds nothing'],
  ['detach 1 1', 'said detached of order 1, of which it holds nothing'],
  ['ended 2', 'said 2 ended, of 1 that it had detached'],
  ['detached 1 chat', 'said what is detached without having been asked'],
  ['reported 1', 'said reported without having been asked'],
] as const) {
  t.test(`${line} breaks the protocol`, async (t) => {
    const scene = detached()
    t.match(scene.says(1, line), [{ type: 'kill', kid: 1, reason: 'protocol', detail }])
  })
}

t.test('a kid is asked what they do, once at a time, and only when it has some', async (t) => {
  const scene = detached()
  t.strictSame(names(scene.feed({ type: 'ask', kid: 1 })), ['report'])
  t.strictSame(names(scene.feed({ type: 'ask', kid: 1 })), [])
  t.strictSame(scene.says(1, 'detached 7 talks with ann'), [
    { type: 'detached', kid: 1, id: 7, text: 'talks with ann' },
  ])
  t.strictSame(scene.says(1, 'reported 1'), [{ type: 'reported', kid: 1, count: 1 }])
  scene.says(1, 'ended 1')
  t.strictSame(names(scene.feed({ type: 'ask', kid: 1 })), [])
  t.strictSame(names(scene.feed({ type: 'ask', kid: 99 })), [], 'a kid that is gone')
})

t.test('a report that never ends is ended', async (t) => {
  const scene = detached()
  scene.feed({ type: 'ask', kid: 1 })
  for (let i = 0; i < MAX_REPORTED; i++) t.same(scene.says(1, `detached ${i} x`).length, 1)
  t.match(scene.says(1, 'detached 0 x'), [{ type: 'kill', reason: 'protocol' }])
})

t.test('a surplus kid that has some is let be until it has none', async (t) => {
  const scene = detached({ maxKids: 4, leastKids: 0, maxSpare: 0, minSpare: 0, idleTimeout: 100 })
  t.strictSame(ofType(scene.pass(5_000), 'leave'), [])
  scene.says(1, 'ended 1')
  t.match(ofType(scene.pass(5_000), 'leave'), [{ kid: 1 }])
})

t.test('of two surplus kids the one without any goes', async (t) => {
  const scene = Scene.ready({ startKids: 3, maxKids: 4, leastKids: 0, minSpare: 1, maxSpare: 2 })
  scene.rush()
  const holder = [1, 2, 3].find((kid) => scene.kid(kid).order !== undefined) ?? 0
  scene.answers(holder, 1)
  scene.says(holder, `detach ${scene.kid(holder).holds[0]?.seq} 1`)
  t.match(ofType(scene.pass(3_000), 'leave'), [{ kid: 5 - holder }])
})

t.test('a kid that is leaving stays until they have ended, or its time is up', async (t) => {
  const scene = detached()
  t.strictSame(names(scene.stop()), ['unwatch'])
  t.match(names(scene.turn()), ['leave', 'closeListener'])
  t.match(ofType(scene.pass(30_000), 'kill'), [{ kid: 1, reason: 'stop timeout' }])
})
