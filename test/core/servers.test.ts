/** Servers that accept by themselves: started one after the other, up once they have lived, never ordered; run with the other tests. */

import t from 'tap'
import { names, ofType, Scene, still } from './scene.js'

const servers = (count: number, changes = {}) =>
  new Scene({ startKids: count, maxKids: count, ...still(count), commanded: false, ...changes })

t.test('nobody watches the listener, and nobody is ordered', async (t) => {
  const scene = servers(2)
  const effects = [...scene.turn(), ...scene.turn(), ...scene.pass(5_000)]
  scene.queues[0] = 5
  effects.push(...scene.pass(5_000))
  t.strictSame([...new Set(names(effects))], ['spawn', 'up'])
  t.strictSame(scene.states(), ['idle', 'idle'])
})

t.test('a server is up when it has lived for a second', async (t) => {
  const scene = servers(1)
  scene.turn()
  t.strictSame(names(scene.pass(999)), [])
  t.strictSame(names(scene.pass(1)), ['up'])
  t.match(scene.kid(1), { state: 'idle', slots: 1 })
})

t.test('warmupDelay lies between two starts, and after a death too', async (t) => {
  const scene = servers(3, { spawnGap: 400 })
  const spawned: number[] = []
  const note = () => {
    if (ofType(scene.turn(), 'spawn').length > 0) spawned.push(scene.now)
  }
  for (let i = 0; i < 300; i++, scene.now += 10) note()
  t.strictSame(
    spawned.map((at) => at - (spawned[0] ?? 0)),
    [0, 400, 800],
  )
  scene.reaped(1)
  t.match(ofType(scene.turn(), 'spawn'), [{ kid: 4 }], 'long after the last start')
  scene.reaped(2)
  t.strictSame(ofType(scene.turn(), 'spawn'), [])
  t.match(ofType(scene.pass(400), 'spawn'), [{ kid: 5 }])
})

t.test('one that dies at once counts as not having come up', async (t) => {
  const scene = servers(1)
  scene.turn()
  scene.reaped(1)
  t.match(names(scene.turn()), ['closeListener', 'stopped'])
  t.ok(scene.state.gaveUp)
})

t.test('a stop tells all to leave at once, whatever is queued', async (t) => {
  const scene = servers(2)
  scene.turn()
  scene.turn()
  scene.pass(2_000)
  scene.queues[0] = 7
  scene.stop()
  t.strictSame(names(scene.turn()), ['leave', 'leave', 'closeListener'])
  scene.reaped(1)
  t.match(ofType(scene.reaped(2), 'stopped').length, 1)
})

t.test('a reload lets the old go one by one as the new have lived', async (t) => {
  const scene = servers(2)
  scene.turn()
  scene.turn()
  scene.pass(2_000)
  scene.feed({ type: 'reload', settings: scene.state.settings })
  t.strictSame(ofType([...scene.turn(), ...scene.turn()], 'spawn').length, 2)
  t.strictSame(ofType(scene.pass(900), 'leave'), [])
  t.strictSame(
    ofType(scene.pass(200), 'leave').map(({ kid }) => kid),
    [1, 2],
  )
})
