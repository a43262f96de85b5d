/** A share of the hostile streams that `npm run hostile` tries by the million; run with the other tests. */

import t from 'tap'
import { without } from '../process/peers.js'
import { kindOf } from './grammar.js'
import { type Heard, stagesSet, tryStream } from './in-process.js'
import { playReal } from './real.js'

const wanted = process.env.SEED ?? '1'
const seed = wanted === 'random' ? Date.now() % 2 ** 31 : Number(wanted)

t.test('the stages are in the states that they are to be in', async (t) => {
  const first = ['pending', 'idle', 'ordered', 'late', 'busy', 'leaving', 'idle']
  t.strictSame(stagesSet(), [...first, 'ordered', 'ordered', 'killed'])
})

t.test('the second opinion on lines knows what the protocol says', async (t) => {
  t.equal(kindOf('done 9007199254740991 65535'), 'done')
  t.equal(kindOf('done 9007199254740992 1'), undefined)
  t.equal(kindOf('accepted 1 65536'), undefined)
  t.equal(kindOf('cut 0 1'), 'cut')
  t.equal(kindOf('park 0 1'), undefined)
  t.equal(kindOf('resume 1 0'), undefined)
  t.equal(kindOf('waiting 0'), 'waiting')
  t.equal(kindOf('idle 0'), undefined)
  t.equal(kindOf(`label 1 ${'x'.repeat(55)}`), 'label')
  t.equal(kindOf(`label 1 ${'x'.repeat(56)}`), undefined)
})

t.test('hostile streams kill their kid or are lawful, and harm nobody else', async (t) => {
  const heard: Heard = { streams: 0, lines: 0, killed: 0, bytes: 0 }
  for (let i = 0; i < 10_000; i++) tryStream(seed + i, heard)
  t.equal(heard.streams, 10_000)
  t.ok(heard.killed > 1_000 && heard.killed < heard.lines, `${heard.killed} were killed`)
})

t.test(
  'hostile kids do not keep a parent from serving others',
  { skip: without('perl') },
  async (t) => {
    const { wrong, lives, connections, kills } = await playReal({
      seed,
      from: 0,
      count: 40,
      limit: 25,
    })
    t.strictSame(wrong, [])
    t.ok(lives > 20, `${lives} of 40 were played`)
    t.ok(Number(kills.protocol) > 10, 'most were killed for what they said')
    t.ok(connections.ok > 0, `${connections.ok} clients were served meanwhile`)
  },
)
