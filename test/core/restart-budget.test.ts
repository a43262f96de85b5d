/** How often kids may die before they are up; run with the other tests. */

import t from 'tap'
import {
  maySpawn,
  newRestartBudget,
  noteEarlyDeath,
  noteUp,
} from '../../src/core/restart-budget.js'

/** Deaths at these times; what each brought. */
function deathsAt(...times: number[]): number[] {
  const budget = newRestartBudget()
  return times.map((at) => noteEarlyDeath(budget, at))
}

t.test(
  'four early deaths within ten seconds cost nothing, the fifth a second of rest',
  async (t) => {
    t.strictSame(deathsAt(0, 1, 2, 3, 4), [0, 0, 0, 0, 1_000])
  },
)

t.test('deaths that are ten seconds old are forgotten', async (t) => {
  t.strictSame(deathsAt(0, 1, 2, 3, 10_000), [0, 0, 0, 0, 0])
  t.strictSame(deathsAt(0, 1, 2, 3, 9_999), [0, 0, 0, 0, 1_000])
})

t.test('each rest is twice as long as the one before, up to thirty seconds', async (t) => {
  const budget = newRestartBudget()
  let now = 0
  for (let death = 1; death <= 4; death++) noteEarlyDeath(budget, now)
  const rests = []
  for (let death = 1; death <= 7; death++) {
    rests.push(noteEarlyDeath(budget, now))
    t.notOk(maySpawn(budget, budget.restUntil - 1))
    t.ok(maySpawn(budget, budget.restUntil))
    now = budget.restUntil
  }
  t.strictSame(rests, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
})

t.test('kids that die while a rest is on do not make it longer', async (t) => {
  t.strictSame(deathsAt(0, 0, 0, 0, 0, 500, 999, 1_000), [0, 0, 0, 0, 1_000, 0, 0, 2_000])
})

t.test('a kid that comes up ends the rest and clears the budget', async (t) => {
  const budget = newRestartBudget()
  for (let death = 1; death <= 5; death++) noteEarlyDeath(budget, 0)
  t.notOk(maySpawn(budget, 1))
  noteUp(budget)
  t.ok(maySpawn(budget, 1))
  t.strictSame(budget, newRestartBudget())
  for (let death = 1; death <= 4; death++) t.equal(noteEarlyDeath(budget, 2), 0)
})

t.test('a budget that nobody has touched allows a spawn at any time', async (t) => {
  t.ok(maySpawn(newRestartBudget(), 0))
})
