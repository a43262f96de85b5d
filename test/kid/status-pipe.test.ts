/** What the kid's end of the status pipe writes at once and what it gathers; on a real pipe. */

import t from 'tap'
import { Ledger } from '../../src/kid/ledger.js'
import { StatusPipe } from '../../src/kid/status-pipe.js'
import { close, openPipe, read, setNonBlocking } from '../../src/system/descriptors.js'

/** A pipe whose kid's connections can be ended. */
class Pipe extends StatusPipe {
  readonly #ledger: Ledger

  constructor() {
    const ledger = new Ledger()
    super(writeFd, ledger)
    this.#ledger = ledger
  }

  done(seq: number, soon: boolean): void {
    this.#ledger.accepted(1)
    this.#ledger.ended({ seq, place: 'slot', told: 'slot', renewed: false }, 'done')
    this.note(soon)
  }

  get pending(): boolean {
    return this.#ledger.pending
  }
}

const buffer = Buffer.alloc(65_536)
const { readFd, writeFd } = openPipe()
setNonBlocking(readFd, true)
t.teardown(() => {
  close(readFd)
  close(writeFd)
})

/** All that was written since the last call. */
function written(): string {
  const bytes = read(readFd, buffer)
  return bytes > 0 ? buffer.toString('latin1', 0, bytes) : ''
}

/** Returns what comes first, and when: how many turns of the loop later. */
async function firstWritten(): Promise<{ text: string; turns: number }> {
  for (let turns = 0; turns < 1_000_000; turns++) {
    const text = written()
    if (text !== '') return { text, turns }
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { text: '', turns: -1 }
}

t.test('an answer is written at once', async (t) => {
  const pipe = new Pipe()
  pipe.say('accepted 1 1\n')
  t.equal(written(), 'accepted 1 1\n')
})

t.test('what should be known soon is told in this turn of the loop, all in one', async (t) => {
  const pipe = new Pipe()
  pipe.done(1, false)
  pipe.done(2, true)
  pipe.done(1, true)
  t.equal(written(), '', 'not before the turn ends')
  const { text, turns } = await firstWritten()
  t.equal(text, 'done 1 2\ndone 2 1\n')
  t.equal(turns, 1)
})

t.test('what can wait goes with the next line, before it', async (t) => {
  const pipe = new Pipe()
  pipe.done(7, false)
  t.ok(pipe.pending)
  pipe.say('accepted 8 1\n')
  t.equal(written(), 'done 7 1\naccepted 8 1\n')
  t.notOk(pipe.pending)
})

t.test('or by itself, when nothing else is said', async (t) => {
  const pipe = new Pipe()
  pipe.done(7, false)
  t.equal(written(), '')
  t.equal((await firstWritten()).text, 'done 7 1\n')
})

t.test('what was told is not told again', async (t) => {
  const pipe = new Pipe()
  pipe.done(7, true)
  pipe.done(7, false)
  pipe.flush()
  t.equal(written(), 'done 7 2\n')
  pipe.done(9, false)
  t.equal((await firstWritten()).text, 'done 9 1\n')
})

t.test('many orders make several writes, none longer than a pipe takes as one', async (t) => {
  const pipe = new Pipe()
  const orders = Array.from({ length: 100 }, (_, i) => 1_000_000 + i)
  for (const seq of orders) pipe.done(seq, false)
  pipe.say('accepted 5 1\n')
  t.equal(written(), `${orders.map((seq) => `done ${seq} 1\n`).join('')}accepted 5 1\n`)
})
