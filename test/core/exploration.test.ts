/** Every order of events and every single fault, as far as two kids and three connections go; run with the other tests, with ALL=1 for more. */

import t from 'tap'
import { explore } from './exploring.js'
import { classic, settingsWith } from './scene.js'

const pool = { startKids: 2, maxKids: 2 }
const connections = 3
/** Nothing is cut off at present; the bound is there for the day when a change makes the space explode. */
const enough = (states: number) => states >= 200_000

/** Most are searched with ALL=1 only, because they take most of the time of all tests. */
const rounds = {
  'the classic round with two slots': { slots: 2, ...classic },
  ...(process.env.ALL === '1' && {
    'the default round with one slot': { slots: 1 },
    'the default round with two slots': { slots: 2 },
    'the classic round with one slot': { slots: 1, ...classic },
  }),
}

t.test('the default round with one slot and two connections bends no rule', async (t) => {
  const found = explore(settingsWith({ ...pool, slots: 1 }), { connections: 2, faults: 1, enough })
  t.comment(`explored ${found.states} states by ${found.moves} moves`)
  t.strictSame(found.faults, [])
  t.notOk(found.cut, 'the search was exhaustive')
  t.ok(found.states > 1_000, 'and it went somewhere')
})

/** With connections that are kept alive there are many more ways for things to go, so fewer of everything. */
const kept = {
  'requests on kept connections, beside others that wait': {
    connections: 2,
    requests: 2,
    faults: 0,
  },
  'requests on a kept connection, and every single fault': {
    connections: 1,
    requests: 2,
    faults: 1,
  },
}

for (const [name, scope] of Object.entries(kept)) {
  t.test(`${name}: no rule is bent and nobody stranded`, async (t) => {
    const found = explore(settingsWith({ ...pool, slots: 1 }), { ...scope, enough })
    t.comment(`explored ${found.states} states by ${found.moves} moves: ${name}`)
    t.strictSame(found.faults, [])
    t.notOk(found.cut, 'the search was exhaustive')
    t.ok(found.states > 5_000, 'and it went somewhere')
  })
}

for (const [name, changes] of Object.entries(rounds)) {
  t.test(`${name} bends no rule and strands nobody`, async (t) => {
    const found = explore(settingsWith({ ...pool, ...changes }), {
      connections,
      faults: 1,
      enough,
    })
    t.comment(
      `explored ${found.states} states by ${found.moves} moves: ${name}, ` +
        `2 kids, ${connections} connections, every single fault${found.cut ? ', CUT OFF' : ''}`,
    )
    t.strictSame(found.faults, [])
    t.notOk(found.cut, 'the search was exhaustive')
    t.ok(found.states > 10_000, 'and it went somewhere')
  })
}
