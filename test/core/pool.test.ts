/** The pool's size, by counts and time; run with the other tests. */

import t from 'tap'
import {
  beat,
  newRhythm,
  type PoolCounts,
  type PoolLimits,
  wantsFewer,
  wantsKid,
} from '../../src/core/pool.js'

const calm: PoolCounts = {
  pending: 0,
  idle: 2,
  staying: 2,
  unserved: 0,
  slots: 1,
  first: 0,
  longestIdle: 0,
  zeroFree: false,
}
const never = Number.POSITIVE_INFINITY
const fixed: PoolLimits = {
  leastKids: 2,
  minSpare: 0,
  maxSpare: never,
  maxKids: 4,
  idleTimeout: never,
}
const elastic: PoolLimits = {
  leastKids: 0,
  minSpare: 2,
  maxSpare: 4,
  maxKids: 64,
  idleTimeout: never,
}
const onDemand: PoolLimits = {
  leastKids: 0,
  minSpare: 0,
  maxSpare: 4,
  maxKids: 4,
  idleTimeout: 60_000,
}

const table: [string, PoolLimits, Partial<PoolCounts>, boolean][] = [
  ['nobody waits and the pool is complete', fixed, {}, false],
  ['the pool is one short', fixed, { staying: 1 }, true],
  ['the pool is empty', fixed, { staying: 0 }, true],
  ['the one that was short is on its way', fixed, { staying: 2, pending: 1 }, false],
  ['one connection waits in vain', fixed, { unserved: 1 }, true],
  ['one waits, and a kid is on its way', fixed, { unserved: 1, pending: 1, staying: 3 }, false],
  ['two wait, and one kid is on its way', fixed, { unserved: 2, pending: 1, staying: 3 }, true],
  ['two wait for one kid of two slots', fixed, { unserved: 2, pending: 1, slots: 2 }, false],
  ['three wait for one kid of two slots', fixed, { unserved: 3, pending: 1, slots: 2 }, true],
  ['many wait and there are maxKids', fixed, { unserved: 99, staying: 4 }, false],
  ['many wait and there are more than maxKids', fixed, { unserved: 99, staying: 5 }, false],
  ['the pool is short, but maxKids is less', { ...fixed, maxKids: 1 }, { staying: 1 }, false],
  ['it is on demand, and nobody has come', onDemand, { staying: 0, idle: 0 }, false],
  ['it is on demand, and somebody comes', onDemand, { staying: 0, idle: 0, unserved: 1 }, true],
  ['nobody has index 0', elastic, { idle: 3, staying: 3, zeroFree: true }, true],
  ['nobody has index 0, but maxKids are there', elastic, { staying: 64, zeroFree: true }, false],
  ['first kids of a generation are to come', elastic, { first: 1, staying: 9 }, true],
]

for (const [when, limits, changes, wanted] of table) {
  t.test(`${wanted ? 'one more kid' : 'no more kids'} when ${when}`, async (t) => {
    t.equal(wantsKid(limits, { ...calm, ...changes }, newRhythm()), wanted)
  })
}

t.test(
  'while spares are wanting it grows 1, 2, 4 ... 32 a second, then from 1 again',
  async (t) => {
    const rhythm = newRhythm()
    const short = { ...calm, idle: 0, staying: 3 }
    const grown: number[] = []
    for (let second = 0; second < 8; second++) {
      const now = second * 1_000
      t.equal(beat(elastic, short, rhythm, now), true)
      t.equal(beat(elastic, short, rhythm, now + 999), false, 'a second lasts a second')
      let spawned = 0
      while (wantsKid(elastic, short, rhythm)) {
        rhythm.left--
        spawned++
      }
      grown.push(spawned)
    }
    t.same(grown, [1, 2, 4, 8, 16, 32, 32, 32])
    beat(elastic, calm, rhythm, 8_000)
    t.equal(wantsKid(elastic, calm, rhythm), false, 'satisfied')
    beat(elastic, short, rhythm, 9_000)
    t.equal(rhythm.burst, 1)
  },
)

t.test(
  'kids on their way count as spares, so that none is forked for what they will take',
  async (t) => {
    const rhythm = newRhythm()
    const counts = { ...calm, idle: 0, pending: 2 }
    beat(elastic, counts, rhythm, 0)
    t.equal(wantsKid(elastic, counts, rhythm), false)
  },
)

const shrinking: [string, PoolLimits, Partial<PoolCounts>, boolean][] = [
  ['there are as many spares as there may be', elastic, { idle: 4, staying: 9 }, false],
  ['there is one more', elastic, { idle: 5, staying: 9 }, true],
  [
    'there is one more, but kids are on their way',
    elastic,
    { idle: 5, staying: 9, pending: 1 },
    false,
  ],
  ['the pool is fixed', fixed, { idle: 2 }, false],
  ['the pool is larger than it may be', elastic, { idle: 0, staying: 65 }, true],
  [
    'it is on demand, and one has been idle too long',
    onDemand,
    { idle: 1, longestIdle: 60_000 },
    true,
  ],
  [
    'it is on demand, and none has been idle that long',
    onDemand,
    { idle: 4, longestIdle: 59_999 },
    false,
  ],
]

for (const [when, limits, changes, wanted] of shrinking) {
  t.test(`${wanted ? 'one kid less' : 'no kid less'} when ${when}`, async (t) => {
    t.equal(wantsFewer(limits, { ...calm, ...changes }), wanted)
  })
}
