/** What the lab is made of besides processes: arrivals, bursts, histograms, spreads, plans. */

import t from 'tap'
import { arrivalsOf } from '../../src/herd/arrivals.js'
import { Bursts } from '../../src/herd/bursts.js'
import { spreadOf } from '../../src/herd/fairness.js'
import { bucketOf, Latencies, percentileOf } from '../../src/herd/histogram.js'
import { loadOf } from '../../src/herd/lab-load.js'
import { durationOf, timeLeft, unitsOf } from '../../src/herd/plan.js'
import { randomFrom, shuffle } from '../../src/herd/random.js'
import { shapeNames, sweepKids } from '../../src/herd/shapes.js'
import fc from '../fast-check.js'

t.test('a bucket is at most 1.6 % wide, and begins at or below what falls into it', async () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), (us) => {
      const bucket = bucketOf(us)
      return bucket <= us && us < bucket + Math.max(1, bucket / 64) && bucketOf(bucket) === bucket
    }),
  )
})

t.test('percentiles are those of the sorted values, but for the width of a bucket', async () => {
  const values = fc.array(fc.integer({ min: 0, max: 1e6 }), { minLength: 1, maxLength: 300 })
  fc.assert(
    fc.property(values, fc.constantFrom(0.5, 0.9, 0.99), (values, p) => {
      const latencies = new Latencies()
      for (const value of values) latencies.add(value)
      const sorted = [...values].sort((a, b) => a - b)
      const exact = sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))] as number
      const { histogram, percentiles } = latencies
      const total = histogram.reduce((sum, [, count]) => sum + count, 0)
      return (
        percentileOf(histogram, p) === bucketOf(exact) &&
        total === values.length &&
        percentiles.max === sorted.at(-1)
      )
    }),
  )
})

t.test('nothing measured has no percentiles', async (t) => {
  t.strictSame(new Latencies().percentiles, {
    ...{ p50: null, p90: null, p99: null, p999: null, max: null },
  })
})

t.test('the spread of connections over kids', async (t) => {
  t.match(spreadOf([5, 5, 5, 5]), { jain: 1, largestShare: 0.25, neverUsed: 0 })
  t.match(spreadOf([20, 0, 0, 0]), { jain: 0.25, largestShare: 1, neverUsed: 3 })
  t.equal(spreadOf([690 - 31, ...Array(31).fill(1)]).jainExpected.toFixed(3), '0.957')
  t.match(spreadOf([0, 0]), { jain: 1, jainExpected: 1, largestShare: 0, neverUsed: 2 })
})

t.test(
  'a client in a loop rests after an answer, and longer than nothing after a failure',
  async (t) => {
    const arrivals = arrivalsOf({ kind: 'loop', clients: 2, gapUs: 0 }, 100, 10_000, () => 0)
    t.equal(arrivals.next(), 100)
    t.equal(arrivals.take(150), 150)
    arrivals.take(151)
    t.equal(arrivals.next(), Number.POSITIVE_INFINITY, 'both are on their way')
    arrivals.ended(300, true)
    t.equal(arrivals.next(), 300)
    arrivals.take(300)
    arrivals.ended(400, false)
    t.equal(arrivals.next(), 1_400)
    arrivals.take(1_400)
    arrivals.ended(10_100, true)
    t.equal(arrivals.next(), Number.POSITIVE_INFINITY, 'it is over')
  },
)

t.test('open arrivals do not wait for answers, and keep to their rate', async (t) => {
  const second = 1_000_000
  const arrivals = arrivalsOf({ kind: 'poisson', rate: 1_000 }, 0, 10 * second, randomFrom(1))
  let count = 0
  let last = 0
  let backwards = 0
  // The clock stands still: what is due was meant to begin long ago, and says when.
  while (arrivals.next() < Number.POSITIVE_INFINITY) {
    const intended = arrivals.take(10 * second)
    if (intended < last) backwards++
    last = intended
    count++
  }
  t.ok(count > 9_500 && count < 10_500, `${count} in 10 s`)
  t.equal(backwards, 0)
  t.ok(last < 10 * second)
})

t.test('a burst begins whole when the one before has been answered', async (t) => {
  const plan = { kind: 'burst', size: 2, gapUs: 500 } as const
  const arrivals = arrivalsOf(plan, 0, 1_000, () => 0)
  t.equal(arrivals.take(10), 10)
  t.equal(arrivals.take(20), 10, 'all of a burst were meant to begin together')
  arrivals.ended(100, true)
  t.equal(arrivals.next(), Number.POSITIVE_INFINITY)
  arrivals.ended(200, false)
  t.equal(arrivals.next(), 700)
  arrivals.take(700)
  t.ok(arrivals.next() <= 700, 'what has begun is finished')
  arrivals.take(2_000)
  arrivals.ended(2_000, true)
  arrivals.ended(2_000, true)
  t.equal(arrivals.next(), Number.POSITIVE_INFINITY, 'it is over')
})

t.test(
  'the drain of bursts is that of the median one; one with a failure does not count',
  async (t) => {
    const bursts = new Bursts(2)
    for (const [start, ...replies] of [
      [0, 1_000, 3_000],
      [10_000, 12_000, 14_000],
      [20_000, 20_500, 25_000],
      [30_000, 31_000],
    ] as [number, ...number[]][]) {
      for (const reply of replies) bursts.answered(start, reply)
    }
    t.strictSame(bursts.drain, {
      bursts: 3,
      lastReplyMs: { p50: 4, p90: 5, max: 5 },
      curve: [
        [1, 1],
        [4, 2],
      ],
    })
    t.equal(new Bursts(0).drain, null)
    t.equal(new Bursts(3).drain, null)
  },
)

t.test('every shape has a load; a burst is one connection for each kid', async (t) => {
  for (const shape of shapeNames) t.ok(loadOf(shape, { kids: 8, clients: 32, rate: 100 }))
  t.match(loadOf('burst', { kids: 9, clients: 32, rate: 100 }), { arrivals: { size: 9 } })
})

const options = {
  rounds: 3,
  seconds: 1,
  seed: 1,
  kids: [8],
  shapes: ['trickle', 'sweep'],
  strategies: ['accept', 'poll', 'epoll', 'command', 'queue'],
} as const

t.test(
  'a round has every strategy once with each number of kids, in an order of its own',
  async (t) => {
    const units = unitsOf(options)
    t.equal(units.length, 3 * sweepKids.length * options.strategies.length)
    const orders = new Set<string>()
    for (const round of [1, 2, 3]) {
      for (const kids of sweepKids) {
        const names = units
          .filter((unit) => unit.round === round && unit.kids === kids)
          .map(({ strategy }) => strategy)
        t.strictSame([...names].sort(), [...options.strategies].sort())
        orders.add(names.join())
      }
    }
    t.ok(orders.size > 10, 'orders differ')
    t.strictSame(units, unitsOf(options), 'but not from run to run with the same seed')
    const shapes = (kids: number) => units.find((unit) => unit.kids === kids)?.shapes
    t.strictSame(shapes(8), ['trickle', 'sweep'], 'started once for both')
    t.strictSame(shapes(4), ['sweep'])
  },
)

t.test('a shuffle keeps everything', async () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.integer(), (values, seed) => {
      const sorted = (list: readonly number[]) => [...list].sort((a, b) => a - b).join()
      return sorted(shuffle(values, randomFrom(seed))) === sorted(values)
    }),
  )
})

t.test('the time left is corrected by the time it took so far', async (t) => {
  const units = unitsOf(options)
  const guess = units.reduce((sum, unit) => sum + durationOf(unit, 1), 0)
  t.equal(timeLeft([], units, 1, 0), guess)
  const [first, ...rest] = units as [(typeof units)[0], ...typeof units]
  const left = guess - durationOf(first, 1)
  t.equal(Math.round(timeLeft([first], rest, 1, 2 * durationOf(first, 1))), Math.round(2 * left))
})
