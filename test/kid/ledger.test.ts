/** What a kid tells of its connections: net changes since the last word, in an order in which slots fall free first. */

import t from 'tap'
import { type Entry, Ledger } from '../../src/kid/ledger.js'

/** A ledger with connections that the parent believes to be in slots, of orders 1, 2, 3 ... */
function withEntries(count: number): { ledger: Ledger; entries: Entry[] } {
  const ledger = new Ledger()
  ledger.accepted(count)
  const entries = Array.from({ length: count }, (_, i) => entryOf(i + 1))
  return { ledger, entries }
}

function entryOf(seq: number): Entry {
  return { seq, place: 'slot', told: 'slot', renewed: false }
}

function move(ledger: Ledger, place: Entry['place'], ...entries: readonly Entry[]): void {
  for (const entry of entries) {
    entry.place = place
    ledger.moved(entry)
  }
}

/** All that there is to tell, in one. */
function told(ledger: Ledger): string {
  return ledger.take().join('')
}

t.test('nothing is told of nothing', async (t) => {
  const { ledger } = withEntries(3)
  t.notOk(ledger.pending)
  t.equal(ledger.toldHeld, 3)
  t.equal(told(ledger), '')
})

t.test('parked and resumed', async (t) => {
  const { ledger, entries } = withEntries(3)
  move(ledger, 'parked', ...entries)
  t.ok(ledger.pending)
  t.equal(ledger.toldHeld, 3, 'until it is told')
  t.equal(told(ledger), 'park 1 1\npark 2 1\npark 3 1\n')
  t.equal(ledger.toldHeld, 0)
  move(ledger, 'slot', ...entries.slice(1))
  t.equal(told(ledger), 'resume 2 1\nresume 3 1\n')
  t.equal(ledger.toldHeld, 2)
  t.equal(told(ledger), '', 'once')
})

t.test('connections of one order are one line', async (t) => {
  const ledger = new Ledger()
  ledger.accepted(4)
  const entries = [7, 7, 8, 7].map(entryOf)
  move(ledger, 'parked', ...entries)
  t.equal(told(ledger), 'park 7 3\npark 8 1\n')
})

t.test('what was parked and resumed between two words is not told', async (t) => {
  const { ledger, entries } = withEntries(1)
  for (const place of ['parked', 'slot', 'parked', 'slot'] as const) move(ledger, place, ...entries)
  t.equal(told(ledger), '')
  t.equal(ledger.toldHeld, 1)
  t.notOk(ledger.pending)
  move(ledger, 'parked', ...entries)
  t.equal(told(ledger), 'park 1 1\n')
  for (const place of ['slot', 'parked'] as const) move(ledger, place, ...entries)
  t.equal(told(ledger), '')
  t.equal(ledger.toldHeld, 0)
})

t.test('unless its time, or its label, is to begin anew', async (t) => {
  const { ledger, entries } = withEntries(1)
  const [entry] = entries as [Entry]
  move(ledger, 'parked', entry)
  move(ledger, 'slot', entry)
  entry.renewed = true
  t.equal(told(ledger), 'park 1 1\nresume 1 1\n')
  t.equal(ledger.toldHeld, 1)
  t.equal(entry.renewed, false)
  move(ledger, 'parked', entry)
  entry.renewed = true
  t.equal(told(ledger), 'park 1 1\n', 'and one that is parked in the end is just that')
  move(ledger, 'slot', entry)
  t.equal(told(ledger), 'resume 1 1\n')
})

for (const how of ['done', 'cut', 'skip'] as const) {
  t.test(`${how} of one in a slot names its order`, async (t) => {
    const { ledger, entries } = withEntries(2)
    ledger.ended(entries[1] as Entry, how)
    t.equal(ledger.toldHeld, 2)
    t.equal(told(ledger), `${how} 2 1\n`)
    t.equal(ledger.toldHeld, 1)
  })
}

t.test('of one that the parent knows to be parked it is of order 0', async (t) => {
  const { ledger, entries } = withEntries(3)
  const [first, second, third] = entries as [Entry, Entry, Entry]
  move(ledger, 'parked', first, second, third)
  told(ledger)
  ledger.ended(first, 'done')
  ledger.ended(second, 'done')
  ledger.ended(third, 'cut')
  t.equal(told(ledger), 'done 0 2\ncut 0 1\n')
  t.equal(ledger.toldHeld, 0)
})

t.test('what counts is where the parent believes it to be', async (t) => {
  const { ledger, entries } = withEntries(2)
  const [first, second] = entries as [Entry, Entry]
  // Parked and ended before anything was told: it has never left its slot.
  move(ledger, 'parked', first)
  ledger.ended(first, 'done')
  t.equal(told(ledger), 'done 1 1\n')
  move(ledger, 'parked', second)
  told(ledger)
  // Resumed and ended: it was parked all the time.
  move(ledger, 'slot', second)
  ledger.ended(second, 'done')
  t.equal(told(ledger), 'done 0 1\n')
  t.equal(ledger.toldHeld, 0)
})

t.test('slots fall free before others are taken, and what waits comes last', async (t) => {
  const { ledger, entries } = withEntries(6)
  const [a, b, c, d, e, f] = entries as [Entry, Entry, Entry, Entry, Entry, Entry]
  move(ledger, 'parked', a, b)
  told(ledger)
  move(ledger, 'slot', a)
  ledger.waits(1)
  move(ledger, 'parked', c)
  ledger.ended(d, 'skip')
  ledger.ended(e, 'cut')
  ledger.ended(f, 'done')
  move(ledger, 'waiting', b)
  t.equal(told(ledger), 'done 6 1\ncut 5 1\nskip 4 1\npark 3 1\nresume 1 1\nwaiting 1\n')
  t.equal(ledger.toldHeld, 1)
})

t.test('one whose request waits is parked all the same', async (t) => {
  const { ledger, entries } = withEntries(1)
  const [entry] = entries as [Entry]
  move(ledger, 'parked', entry)
  entry.place = 'waiting'
  ledger.waits(1)
  t.equal(told(ledger), 'park 1 1\nwaiting 1\n')
  ledger.waits(0)
  move(ledger, 'slot', entry)
  t.equal(told(ledger), 'resume 1 1\nwaiting 0\n')
})

t.test(
  'how many wait is told when there are any or none, twice as many, or less than half',
  async (t) => {
    const { ledger } = withEntries(0)
    const after = (count: number) => {
      ledger.waits(count)
      return told(ledger)
    }
    t.equal(after(0), '')
    t.equal(after(1), 'waiting 1\n')
    t.equal(after(2), '', 'not yet more than twice as many')
    t.equal(after(3), 'waiting 3\n')
    t.equal(after(6), '')
    t.equal(after(7), 'waiting 7\n')
    t.equal(after(4), '')
    t.equal(after(3), 'waiting 3\n')
    t.equal(after(2), '')
    t.equal(after(1), 'waiting 1\n')
    t.equal(after(0), 'waiting 0\n')
    ledger.waits(5)
    ledger.waits(0)
    t.equal(told(ledger), '', 'and what passed meanwhile is not')
  },
)

t.test(
  'that some have waited is said at once, and what waits now with the next word',
  async (t) => {
    const { ledger, entries } = withEntries(2)
    move(ledger, 'parked', ...entries)
    told(ledger)
    t.equal(ledger.sayWaiting(1), 'waiting 1\n')
    move(ledger, 'slot', ...entries.slice(1))
    t.equal(told(ledger), 'resume 2 1\nwaiting 0\n')
    t.equal(told(ledger), '')
  },
)

t.test('nothing is pending of what has come to nothing', async (t) => {
  const { ledger, entries } = withEntries(1)
  move(ledger, 'parked', ...entries)
  t.ok(ledger.pending)
  move(ledger, 'slot', ...entries)
  t.notOk(ledger.pending)
})

t.test('one that lives on without a slot is told of by its own line', async (t) => {
  const { ledger, entries } = withEntries(2)
  const [first, second] = entries as [Entry, Entry]
  move(ledger, 'parked', first)
  move(ledger, 'slot', first)
  ledger.detached(first)
  t.equal(ledger.toldHeld, 1)
  move(ledger, 'parked', second)
  t.equal(told(ledger), 'park 2 1\n')
})
