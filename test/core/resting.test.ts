/** The rests of a listener by themselves; run with the other tests. */

import t from 'tap'
import type { Effect } from '../../src/core/events.js'
import { endRest, newStep, rest, retryLater } from '../../src/core/resting.js'
import { listenerOf, newState } from '../../src/core/scoreboard.js'
import { settingsWith } from './scene.js'

function stage() {
  const state = newState(settingsWith())
  return { state, listener: listenerOf(state, 0), effects: [] as Effect[] }
}

t.test('a rest lasts 100 ms and is told once', async (t) => {
  const { state, listener, effects } = stage()
  rest(state, 0, listener, 'ENFILE', 1_000, effects)
  rest(state, 0, listener, 'ENFILE', 1_050, effects)
  t.equal(listener.restUntil, 1_150)
  t.equal(state.earliest, 1_100)
  t.strictSame(effects, [{ type: 'listenerRests', listener: 0, code: 'ENFILE' }])
})

t.test('those who answered 0 are asked again after 1, 2, 4 … 100 ms', async (t) => {
  const { state, listener, effects } = stage()
  const waits = []
  let now = 0
  for (let i = 0; i < 9; i++) {
    retryLater(state, 0, listener, now, effects)
    waits.push(listener.retryAt - now)
    now = listener.retryAt
    newStep(listener)
  }
  t.strictSame(waits, [1, 2, 4, 8, 16, 32, 64, 100, 100])
  t.strictSame(effects, [{ type: 'listenerRests', listener: 0, code: 'EAGAIN' }], 'told at 100 ms')
})

t.test('a wait that is on is not begun again', async (t) => {
  const { state, listener, effects } = stage()
  retryLater(state, 0, listener, 0, effects)
  retryLater(state, 0, listener, 0.5, effects)
  t.equal(listener.retryAt, 1)
})

t.test('a new step ends the wait but remembers how long it was', async (t) => {
  const { state, listener, effects } = stage()
  retryLater(state, 0, listener, 0, effects)
  const { step } = listener
  newStep(listener)
  t.equal(listener.step, step + 1)
  t.equal(listener.retryAt, Number.POSITIVE_INFINITY)
  t.equal(listener.retryWait, 1)
})

t.test('an accept ends all of it, so that the next trouble is told again', async (t) => {
  const { state, listener, effects } = stage()
  rest(state, 0, listener, 'ENFILE', 0, effects)
  retryLater(state, 0, listener, 0, effects)
  endRest(listener)
  t.match(listener, { retryWait: 0, saidResting: false, retryAt: Number.POSITIVE_INFINITY })
  rest(state, 0, listener, 'ENOMEM', 200, effects)
  t.equal(effects.length, 2)
})
