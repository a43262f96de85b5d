/** Kids that misbehave fail the case that is about it, with what was expected and what came, and nothing is left of them. */

import t from 'tap'
import { conform, titles } from '../../src/conform/run.js'
import { parseOptions } from '../../src/options.js'
import { fixture } from '../process/harness.js'
import { descriptorsOf, offspring, until, zombies } from '../process/processes.js'

/** A busy machine is no fault of a kid's. */
const patient = { ready: 30_000, accept: 10_000, done: 20_000, send: 'conform\n' }
/** But where a kid is silent, or stays, there is nothing to be patient for. */
const brief = 300

interface Fault {
  title: string
  remark: string
  limits?: Partial<typeof patient>
}

const order = 'order with a connection waiting'
const faults: Record<string, Fault> = {
  'always-answers-zero': {
    title: order,
    remark: 'expected "accepted 1 1", but it said "accepted 1 0"',
  },
  'claims-accepted-without-accepting': {
    title: order,
    remark:
      'expected what it accepts to be gone from the queue, but it said "accepted 1 1", and 0 of 1 are gone',
  },
  'serves-before-answering': {
    title: order,
    remark: 'expected "accepted 1 1" first, but a client was served before the answer',
  },
  'wrong-number': {
    title: order,
    remark:
      'expected "accepted 1 1", but it broke the protocol: it answered order 2 instead of 1; it said "accepted 2 1"',
  },
  'too-long-line': {
    title: order,
    remark: 'expected "accepted 1 1", but it broke the protocol: a line is longer than 64 bytes',
  },
  'exits-after-answer': {
    title: order,
    remark: 'expected "done 1 1", but it said "accepted 1 1", and ended with exit code 7',
  },
  'resumes-too-many': {
    title: order,
    remark:
      'expected the connection to be closed after its client had sent "conform\\n" and ended its half, but it broke the protocol: it said 2 resumed of 1 that are parked; it said "accepted 1 1", "park 1 1", "resume 1 2"',
  },
  'parks-what-it-has-not': {
    title: order,
    remark:
      'expected "accepted 1 1", but it broke the protocol: it said 2 parked of order 1, of which it holds 1; it said "accepted 1 1", "park 1 2"',
  },
  'forgets-what-it-parked': {
    title: 'unpark while it leaves',
    remark: 'expected it to finish first, but it ended with exit code 0 with a connection in hand',
  },
  'never-answers': {
    title: 'order without a connection',
    limits: { accept: brief },
    remark: 'expected "accepted 1 0" within 300ms, but it said nothing',
  },
  'ignores-leave': {
    title: 'leave',
    limits: { done: brief },
    remark: 'expected the kid to end within 300ms, but it said nothing',
  },
  'never-says-idle': {
    title: 'the first line is idle SLOTS',
    limits: { ready: brief },
    remark:
      'expected "idle SLOTS" within 300ms, but it said nothing; it is to be written to the descriptor in PREFORKD_STATUS_FD, with a newline and past any buffer, and a kid that is only slow needs a longer --ready-timeout',
  },
}

/** Options of a kid that misbehaves whichever number it has. */
function optionsOf(name: string) {
  return parseOptions({
    kid: [process.execPath, fixture(`kids/${name}.js`)],
    kids: 1,
    lateAfter: 'never',
    env: { NODE_OPTIONS: '', BAD_KIDS: titles.map((_, i) => i + 1).join(',') },
  })
}

for (const [name, { title, remark, limits }] of Object.entries(faults)) {
  t.test(`${name} fails`, async (t) => {
    const before = descriptorsOf().length
    const kids = offspring(process.pid)
    for await (const result of conform(optionsOf(name), { ...patient, ...limits }, title)) {
      t.strictSame(result, { title, outcome: 'FAIL', remark, output: [] })
      // Others may have this title as a part of theirs.
      break
    }
    t.strictSame(zombies(), [], 'no zombie is left')
    t.strictSame(offspring(process.pid), kids, 'no kid is left')
    await until(() => descriptorsOf().length <= before, 'descriptors to be closed')
  })
}

t.test('a kid that parks connections passes, and its parking is tried', async (t) => {
  const remarks: Record<string, string | undefined> = {}
  for await (const { title, outcome, remark } of conform(optionsOf('parks'), patient)) {
    t.not(outcome, 'FAIL', `${title}: ${remark}`)
    remarks[title] = remark
  }
  for (const title of [
    'a request on a parked connection crosses an order',
    'unpark while it leaves',
  ]) {
    t.ok(title in remarks)
    t.equal(remarks[title], undefined, title)
  }
})

t.test('whoever stops listening leaves no kid behind', async (t) => {
  const kids = offspring(process.pid)
  for await (const { outcome } of conform(optionsOf('behaves'), patient)) {
    t.equal(outcome, 'ok')
    break
  }
  t.strictSame(offspring(process.pid), kids)
})
