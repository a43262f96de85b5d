/** Every state of a kid against everything that can happen to it; run with the other tests. */

import t from 'tap'
import {
  type KidChange,
  type KidState,
  kidTransitions,
  nextState,
} from '../../src/core/kid-states.js'
import { InternalError } from '../../src/errors.js'

/** The life of a kid once more, as a grid: a row for each state, a column for each change; a dot cannot be. */
const grid = `
          up    order    lapse  room  full  leave    kill    reap
pending   idle  .        .      .     .     leaving  killed  gone
idle      .     ordered  .      idle  busy  leaving  killed  gone
ordered   .     .        late   idle  busy  leaving  killed  gone
late      .     .        .      idle  busy  leaving  killed  gone
busy      .     .        .      idle  .     leaving  killed  gone
leaving   .     .        .      .     .     .        killed  gone
killed    .     .        .      .     .     .        .       gone
gone      .     .        .      .     .     .        .       .
`
const [head = [], ...rows] = grid
  .trim()
  .split('\n')
  .map((line) => line.trim().split(/\s+/))

for (const [from, ...cells] of rows) {
  cells.forEach((to, column) => {
    const state = from as KidState
    const change = head[column] as KidChange
    if (to === '.') {
      t.test(`a kid that is ${state} cannot ${change}`, async (t) => {
        t.throws(() => nextState(state, change), InternalError)
      })
      return
    }
    t.test(`a kid that is ${state} is ${to} after ${change}`, async (t) => {
      t.equal(nextState(state, change), to)
    })
  })
}

t.test('the table has no state or change that is not tried here', async (t) => {
  t.strictSame(
    Object.keys(kidTransitions),
    rows.map(([from]) => from),
  )
  const changes = new Set(Object.values(kidTransitions).flatMap((row) => Object.keys(row)))
  t.strictSame([...changes].sort(), [...head].sort())
})

t.test('from every state but gone a kid can be reaped', async (t) => {
  for (const [state, row] of Object.entries(kidTransitions)) {
    t.equal(row.reap, state === 'gone' ? undefined : 'gone', state)
  }
})
