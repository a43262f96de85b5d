/** Who gets what waits, as a table; run with the other tests. */

import t from 'tap'
import { shareOut } from '../../src/core/choose.js'
import { type Kid, newKid } from '../../src/core/kid-record.js'
import { listenerOf, newState, type State } from '../../src/core/scoreboard.js'
import type { CoreSettings } from '../../src/core/settings.js'
import fc from '../fast-check.js'
import { settingsWith } from './scene.js'

const never = Number.POSITIVE_INFINITY

/** A kid in a few letters: what it holds of its slots, and then by position how fresh it is (later is fresher). */
interface Cast {
  held?: number
  parked?: number
  slots?: number
  state?: Kid['state']
  suspect?: boolean
  empty?: boolean
}

function stateWith(cast: readonly Cast[], changes: Partial<CoreSettings> = {}): State {
  const state = newState(settingsWith(changes))
  cast.forEach(({ held = 0, parked = 0, slots = 1, state: name = 'idle', suspect, empty }, at) => {
    state.counts[name]++
    state.kids.set(at + 1, {
      ...newKid(at + 1, at, 1, state.settings, 0),
      state: name,
      slots,
      held,
      parked,
      deadline: never,
      freshness: at + 1,
      strikes: [suspect ? 1 : 0],
      emptyStep: [empty ? 0 : -1],
    })
  })
  return state
}

/** The shares as `kid x count`. */
function shares(state: State, waiting: number, least = 0, most = never): string {
  return shareOut(state, 0, listenerOf(state, 0), waiting, least, most)
    .map(({ kid, count }) => `${kid.number}x${count}`)
    .join(' ')
}

const three: Cast[] = [{}, {}, {}]
const roomy: Cast[] = [
  { slots: 4, held: 2 },
  { slots: 4, held: 0 },
  { slots: 4, held: 1 },
]
const one = (cast: Cast): Cast[] => [{}, {}, cast]
const table: [string, Cast[], Partial<CoreSettings>, number, string][] = [
  ['the freshest takes a single connection when warm', three, {}, 1, '3x1'],
  ['the one idle longest takes it when fair', three, { pick: 'fair' }, 1, '1x1'],
  ['two connections go to the two freshest', three, {}, 2, '3x1 2x1'],
  ['two go to the two idle longest when fair', three, { pick: 'fair' }, 2, '1x1 2x1'],
  ['more than there are slots leaves the rest waiting', three, {}, 9, '3x1 2x1 1x1'],
  ['the least loaded comes before the freshest', roomy, {}, 1, '2x1'],
  ['each idle kid gets one before any gets two', roomy, {}, 3, '2x1 3x1 1x1'],
  ['what is over goes to the least loaded', roomy, {}, 4, '2x2 3x1 1x1'],
  ['then level by level', roomy, {}, 6, '2x3 3x2 1x1'],
  ['as far as slots go', roomy, {}, 99, '2x4 3x3 1x2'],
  [
    'kids of unlike size are filled to the same level',
    [{ slots: 2 }, { slots: 8 }],
    {},
    6,
    '2x4 1x2',
  ],
  ['a suspect comes first among equals', [{ suspect: true }, {}, {}], {}, 1, '1x1'],
  ['and when fair too', one({ suspect: true }), { pick: 'fair' }, 1, '3x1'],
  ['but not before one that holds less', [{ slots: 2, held: 1, suspect: true }, {}], {}, 1, '2x1'],
  ['who answered 0 in this step is left out', one({ empty: true }), {}, 3, '2x1 1x1'],
  ['nobody when all answered 0', [{ empty: true }], {}, 1, ''],
  ['nobody when nothing waits', three, {}, 0, ''],
  ['nobody when nobody is idle', one({ state: 'busy' }).slice(2), {}, 1, ''],
]
for (const [sentence, cast, changes, waiting, expected] of table) {
  t.test(sentence, async (t) => {
    t.equal(shares(stateWith(cast, changes), waiting), expected)
  })
}

t.test(
  'among equals the one with fewer parked connections comes first, by powers of two',
  async (t) => {
    const order = (...parked: number[]) => shares(stateWith(parked.map((n) => ({ parked: n }))), 9)
    t.equal(order(0, 1, 2), '1x1 2x1 3x1', 'none before one, one before two')
    t.equal(order(2, 3, 1), '3x1 2x1 1x1', 'two and three are alike: the warmest')
    t.equal(order(7, 8, 4), '3x1 1x1 2x1', 'and so are four to seven')
    t.equal(order(100, 127, 64), '3x1 2x1 1x1')
    t.equal(order(128, 127), '2x1 1x1')
    const loaded: Cast[] = [{ slots: 2, held: 1 }, { parked: 99 }]
    t.equal(shares(stateWith(loaded), 1), '2x1', 'what is in slots counts first')
    const suspect: Cast[] = [{ suspect: true, parked: 1 }, {}]
    t.equal(shares(stateWith(suspect), 1), '2x1', 'and suspicion after it')
  },
)

for (const state of ['pending', 'ordered', 'late', 'busy', 'leaving', 'killed'] as const) {
  t.test(`a kid that is ${state} is never chosen`, async (t) => {
    t.equal(shares(stateWith([{ state, slots: 9 }, {}]), 5), '2x1')
  })
}

t.test('late orders are made up for by more kids than connections wait', async (t) => {
  t.equal(shares(stateWith(three), 1, 2), '3x1 2x1')
  t.equal(shares(stateWith(three), 1, 8), '3x1 2x1 1x1', 'as far as there are that many')
})

t.test('while a kid is late, nobody gets more than one', async (t) => {
  const late: Cast = { state: 'late', slots: 8 }
  t.equal(shares(stateWith([late, { slots: 8 }, { slots: 8 }]), 9), '3x1 2x1')
})

t.test('no more kids are ordered than may be', async (t) => {
  t.equal(shares(stateWith(three), 3, 0, 2), '3x1 2x1')
  t.equal(shares(stateWith(three), 3, 0, 1), '3x1')
  t.equal(shares(stateWith(three), 3, 0, 0), '')
})

t.test(
  'who may not be ordered yet still counts: nobody gets two while another is idle',
  async (t) => {
    const cast: Cast[] = [{ slots: 4 }, { slots: 4 }, { slots: 4 }, { slots: 4 }]
    t.equal(shares(stateWith(cast), 4, 0, 2), '4x1 3x1')
    t.equal(shares(stateWith(cast), 8, 0, 2), '4x2 3x2')
  },
)

t.test(
  'whoever is idle, the shares fit the slots, spread first and stay as level as can be',
  async (t) => {
    const kid = fc
      .record({
        slots: fc.integer({ min: 1, max: 6 }),
        taken: fc.nat({ max: 5 }),
        empty: fc.boolean(),
      })
      .map(({ slots, taken, empty }) => ({ slots, held: Math.min(taken, slots - 1), empty }))
    const run = (cast: Cast[], waiting: number, pick: 'warm' | 'fair') => {
      const state = stateWith(cast, { pick })
      const given = shareOut(state, 0, listenerOf(state, 0), waiting, 0, never)
      const able = [...state.kids.values()].filter(({ emptyStep }) => emptyStep[0] !== 0)
      const room = able.reduce((sum, { slots, held }) => sum + slots - held, 0)
      const sum = given.reduce((total, { count }) => total + count, 0)
      const level = ({ kid, count }: (typeof given)[number]) => kid.held + count
      const lowest = Math.min(never, ...given.filter((s) => level(s) < s.kid.slots).map(level))
      return (
        sum === Math.min(waiting, room) &&
        given.length === Math.min(waiting, able.length) &&
        given.every(({ kid, count }) => count >= 1 && kid.held + count <= kid.slots) &&
        // Whoever got more than one stands no more than one above the lowest with room.
        given.every((s) => s.count === 1 || level(s) <= lowest + 1)
      )
    }
    fc.assert(
      fc.property(
        fc.array(kid, { maxLength: 6 }),
        fc.nat({ max: 40 }),
        fc.constantFrom('warm' as const, 'fair' as const),
        run,
      ),
      { numRuns: 1_000 },
    )
    t.pass()
  },
)
