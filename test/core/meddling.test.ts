/** What comes of a listener that some kid has changed: what is noticed, who is blamed, and who is not; run with the other tests. */

import t from 'tap'
import { meddlingsWith } from '../../src/core/meddling.js'
import { names, ofType, orders, Scene } from './scene.js'

const sound = { listens: true, nonBlocking: true, backlog: 8 }
const ours = { backlog: 8, commanded: true }

t.test('a sound listener is left alone, and each change is noticed', async (t) => {
  t.strictSame(meddlingsWith(sound, ours), [])
  t.strictSame(meddlingsWith({ ...sound, nonBlocking: false }, ours), ['blocking'])
  t.strictSame(meddlingsWith({ ...sound, backlog: 0 }, ours), ['backlog'])
  t.strictSame(meddlingsWith({ ...sound, backlog: 9 }, ours), ['backlog'])
  t.strictSame(meddlingsWith({ ...sound, nonBlocking: false, backlog: 0 }, ours), [
    'blocking',
    'backlog',
  ])
})

t.test('one that is shut has no backlog, and gets it back with the rest', async (t) => {
  const shut = { listens: false, nonBlocking: false, backlog: undefined }
  t.strictSame(meddlingsWith(shut, ours), ['shut', 'blocking'])
})

t.test('a backlog that the system does not tell is no meddling', async (t) => {
  t.strictSame(meddlingsWith({ ...sound, backlog: undefined }, ours), [])
  t.strictSame(meddlingsWith(sound, { ...ours, backlog: undefined }), [])
})

t.test('a server that accepts by itself may block and set its backlog', async (t) => {
  const its = { ...ours, commanded: false }
  t.strictSame(meddlingsWith({ ...sound, nonBlocking: false, backlog: 511 }, its), [])
  t.strictSame(meddlingsWith({ ...sound, listens: false }, its), ['shut'])
})

t.test('a listener that listens again is looked at in the same turn', async (t) => {
  const scene = Scene.ready()
  scene.arrive()
  scene.feed({ type: 'turn', depths: [-22] })
  t.strictSame(scene.turn(), [], 'it rests')
  t.match(scene.feed({ type: 'meddled', listener: 0, done: ['shut'], code: undefined }), [
    { type: 'meddled', done: ['shut'] },
  ])
  t.strictSame(orders(scene.turn()), ['2 x 1'])
  t.equal(scene.counters.meddled, 1)
})

t.test('one that cannot be put right goes on resting', async (t) => {
  const scene = Scene.ready()
  scene.arrive()
  scene.feed({ type: 'turn', depths: [-22] })
  t.match(scene.feed({ type: 'meddled', listener: 0, done: ['shut'], code: 'EADDRINUSE' }), [
    { type: 'meddled', code: 'EADDRINUSE' },
  ])
  t.strictSame(scene.turn(), [])
})

t.test('at a listener that the server has closed nothing is told any more', async (t) => {
  const scene = Scene.ready()
  scene.stop()
  scene.turn()
  t.strictSame(scene.feed({ type: 'meddled', listener: 0, done: ['shut'], code: undefined }), [])
  t.equal(scene.counters.meddled, 0)
})

t.test('a kid whose accept finds the listener shut down is not to blame', async (t) => {
  const scene = Scene.ready()
  scene.rush()
  t.strictSame(scene.fails(2, 'EINVAL'), [])
  t.strictSame(ofType(scene.feed({ type: 'turn', depths: [-22] }), 'kill'), [])
  scene.pass(100)
  t.equal(scene.kid(2).state, 'idle')
})

t.test('where the listener is sound, EINVAL is the fault of the kid', async (t) => {
  const scene = Scene.ready()
  scene.rush()
  scene.fails(2, 'EINVAL')
  const effects = scene.turn()
  t.match(effects, [{ type: 'kill', kid: 2, reason: 'bad listener' }])
  t.strictSame(orders(effects), ['1 x 1'], 'another gets the connection')
  t.strictSame(names(scene.reaped(2)), ['gone'])
})

t.test('a kid that is gone by then is not looked for', async (t) => {
  const scene = Scene.ready()
  scene.rush()
  scene.fails(2, 'EINVAL')
  scene.reaped(2)
  t.strictSame(ofType(scene.turn(), 'kill'), [])
})
