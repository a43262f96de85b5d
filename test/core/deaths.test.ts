/** Kids that die: what they leave behind is counted, and they are replaced within a budget; run with the other tests. */

import t from 'tap'
import { names, ofType, orders, Scene } from './scene.js'

t.test('what a kid held is lost, what it was ordered is unanswered', async (t) => {
  const scene = Scene.ready({ startKids: 1, maxKids: 1, slots: 8 })
  scene.rush(3)
  scene.answers(1, 3)
  scene.turn()
  scene.finishes(1)
  scene.rush(2)
  t.match(scene.reaped(1), [
    { type: 'lost', kid: 1, lost: 2, unanswered: 2, label: '' },
    { type: 'gone', kid: 1, early: false },
  ])
  t.match(scene.counters, { accepted: 3, done: 1, lost: 2, unanswered: 2, deaths: 1 })
})

t.test('a killed kid counts only when it has been reaped', async (t) => {
  const scene = Scene.ready({ startKids: 1, maxKids: 1 })
  scene.rush()
  scene.answers(1, 1)
  scene.says(1, 'nonsense')
  t.match(scene.counters, { lost: 0, deaths: 0 })
  scene.reaped(1)
  t.match(scene.counters, { lost: 1, deaths: 1 })
})

t.test('a kid that dies idle leaves nothing behind', async (t) => {
  t.strictSame(Scene.ready().reaped(1), [{ type: 'gone', kid: 1, early: false }])
})

t.test('the connection of an order that nobody accepted is ordered again', async (t) => {
  const scene = Scene.ready({ startKids: 2 })
  scene.rush()
  scene.reaped(2)
  t.strictSame(orders(scene.turn()), ['1 x 1'])
})

t.test('an order of a kid that is killed and not reaped holds its connection', async (t) => {
  const scene = Scene.ready({ startKids: 2, maxKids: 2 })
  scene.rush()
  scene.says(2, 'nonsense')
  t.strictSame(orders(scene.turn()), [])
  t.strictSame(orders(scene.rush()), ['1 x 1'], 'but no more than that')
})

t.test('a killed kid makes room for another before it is reaped', async (t) => {
  const scene = Scene.ready({ startKids: 1, maxKids: 1 })
  scene.says(1, 'nonsense')
  t.strictSame(names(scene.turn()), ['spawn'])
  t.strictSame(scene.states(), ['killed', 'pending'])
})

t.test('when none of the first kids comes up the server gives up', async (t) => {
  const scene = new Scene({ startKids: 2 })
  scene.turn()
  scene.turn()
  t.match(scene.reaped(1), [{ type: 'gone', early: true }])
  t.strictSame(names(scene.turn()), [], 'a first kid that failed is not replaced')
  scene.reaped(2)
  t.strictSame(names(scene.turn()), ['unwatch', 'closeListener', 'stopped'])
  t.ok(scene.state.gaveUp)
})

t.test('giving up counts those who wait', async (t) => {
  const scene = new Scene()
  scene.turn()
  scene.rush(3)
  scene.reaped(1)
  scene.turn()
  t.match(scene.counters, { abandoned: 3 })
})

t.test('a first kid that does not report in time counts as failed', async (t) => {
  const scene = new Scene()
  scene.turn()
  t.match(ofType(scene.pass(10_000), 'kill'), [{ reason: 'ready timeout' }])
  scene.reaped(1)
  scene.turn()
  t.ok(scene.state.gaveUp)
})

t.test('if one of them comes up, the others are replaced', async (t) => {
  const scene = new Scene({ startKids: 2 })
  scene.turn()
  scene.turn()
  scene.reaped(1)
  scene.says(2, 'idle 1')
  t.strictSame(names(scene.turn()), ['spawn'])
  t.notOk(scene.state.gaveUp)
})

t.test('a pending kid that does not report is killed and another takes its place', async (t) => {
  const scene = Scene.ready({ startKids: 1, maxKids: 2 })
  scene.rush()
  scene.answers(1, 1)
  scene.rush()
  t.equal(scene.kid(2).state, 'pending')
  const effects = scene.pass(10_000)
  t.strictSame(
    names(effects).filter((name) => name === 'kill' || name === 'spawn'),
    ['kill', 'spawn'],
  )
})

t.test(
  'five early deaths bring a rest, which is told and kept, and doubled by the next',
  async (t) => {
    const scene = Scene.ready({ startKids: 2, maxKids: 2 })
    let next = 3
    scene.reaped(1)
    scene.turn()
    for (let death = 1; death <= 4; death++) {
      t.strictSame(names(scene.reaped(next++)), ['gone'])
      t.strictSame(names(scene.turn()), ['spawn'])
    }
    t.match(scene.reaped(next++), [
      { type: 'gone', early: true },
      { type: 'spawnsRest', rest: 1_000 },
    ])
    t.strictSame(names(scene.pass(999)), [])
    t.strictSame(names(scene.pass(1)), ['spawn'])
    t.match(scene.reaped(next++), [{}, { type: 'spawnsRest', rest: 2_000 }])
    t.strictSame(names(scene.pass(1_999)), [])
    t.strictSame(names(scene.pass(1)), ['spawn'])
    scene.says(next, 'idle 1')
    scene.reaped(next)
    t.strictSame(names(scene.turn()), ['spawn'], 'one that came up ends it')
  },
)

t.test('kids that die after they were up are replaced at once, however many', async (t) => {
  const scene = Scene.ready({ startKids: 1, maxKids: 1 })
  for (let kid = 1; kid <= 20; kid++) {
    scene.reaped(kid)
    t.strictSame(names(scene.turn()), ['spawn'])
    scene.says(kid + 1, 'idle 1')
    scene.turn()
  }
})

t.test(
  'a kid that hangs up before it is up keeps its place until its death is counted',
  async (t) => {
    const scene = Scene.ready({ startKids: 1, maxKids: 1 })
    scene.reaped(1)
    scene.turn()
    for (let kid = 2; kid <= 6; kid++) {
      scene.feed({ type: 'hangup', kid })
      t.strictSame(names(scene.turn()), [], 'so that it cannot cheat the budget')
      const effects = scene.reaped(kid)
      t.equal(ofType(effects, 'spawnsRest').length, kid === 6 ? 1 : 0)
      t.equal(ofType(scene.turn(), 'spawn').length, kid === 6 ? 0 : 1)
    }
  },
)

t.test('a kid that hangs up before it is up and lives is killed after acceptTimeout', async (t) => {
  const scene = Scene.ready({ startKids: 1, maxKids: 1 })
  scene.reaped(1)
  scene.turn()
  scene.feed({ type: 'hangup', kid: 2 })
  t.strictSame(names(scene.pass(999)), [])
  t.match(ofType(scene.pass(1), 'kill'), [{ kid: 2, reason: 'closed its pipe' }])
})
