/** What the soak goes by: which failures are explained, and which memory grows. */

import { test } from 'tap'
import { randomFrom } from '../../src/herd/random.js'
import { type Failure, unexplained } from './explain.js'
import { type Sample, slopeOf } from './slope.js'

const failure = (id: number, begun: number, ended: number, pid?: number): Failure => ({
  id,
  begun,
  ended,
  how: 'rst',
  pid,
})
const ids = (failures: readonly Failure[]) => failures.map(({ id }) => id)

test('a death explains the client of that kid, at that time, and as many as it has cost', async (t) => {
  const deaths = [{ at: 1_000, pid: 7, lost: 2 }]
  const none = unexplained([failure(1, 900, 1_001, 7), failure(2, 990, 999)], deaths)
  t.strictSame(none, [])
  t.strictSame(ids(unexplained([failure(1, 900, 1_001, 8)], deaths)), [1], 'another kid had it')
  t.strictSame(ids(unexplained([failure(1, 1_100, 1_200)], deaths)), [1], 'it came afterwards')
  t.strictSame(ids(unexplained([failure(1, -9_000, -8_000)], deaths)), [1], 'long before')
  const three = [failure(1, 900, 1_000), failure(2, 900, 1_002, 7), failure(3, 900, 1_001, 7)]
  t.strictSame(ids(unexplained(three, deaths)), [1], 'those of the kid come first')
})

/** Half an hour's samples of a memory that wanders about 80,000 KiB. */
function samples(random: () => number, extra: (second: number) => number): Sample[] {
  let wander = 0
  return Array.from({ length: 1_350 }, (_, at) => {
    wander = 0.98 * wander + (random() - 0.5) * 400
    return { at, value: 80_000 + wander + extra(at) }
  })
}

test('what merely wanders, or takes a step, does not grow; a leak does', async (t) => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = () => randomFrom(seed)
    t.notOk(slopeOf(samples(random(), () => 0)).grows, 'wandering')
    t.notOk(slopeOf(samples(random(), (at) => (at > 500 ? 3_000 : 0))).grows, 'a step')
    t.notOk(slopeOf(samples(random(), (at) => -4 * at)).grows, 'shrinking')
    t.ok(slopeOf(samples(random(), (at) => 4 * at)).grows, '14 MiB in an hour')
  }
  const shortest = slopeOf(samples(randomFrom(1), (at) => 4 * at).slice(0, 90))
  t.ok(shortest.secondHalf.error > 0, 'of two minutes there is a second half, too')
  t.throws(() => slopeOf(samples(randomFrom(1), () => 0).slice(0, 40)), /too few/)
})
