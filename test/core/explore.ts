/**
 * `npm run explore -- [--memory GIB] [--minutes N] [--only TEXT]`: searches all that the core can come to, in spaces that
 * grow, each until it is exhausted or has used so much memory (4 GiB) or time (5 minutes). Ends with 1 where a rule bends.
 */

import { parseArgs } from 'node:util'
import { writeResult } from '../faults/results.js'
import { explore } from './exploring.js'
import { classic, settingsWith } from './scene.js'

const { values } = parseArgs({
  options: {
    memory: { type: 'string', default: '4' },
    minutes: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
  },
})
const [memory, minutes] = [values.memory, values.minutes].map(Number) as [number, number]
if (!(memory > 0) || !(minutes > 0))
  throw new Error('--memory and --minutes must be numbers over 0')

const late = {}
const two = { depthKnown: [true, true] }

/** The round, kids, slots, connections, faults; then what else is set. */
const spaces = [
  { round: classic, kids: 2, slots: 1, connections: 3, faults: 1 },
  { round: late, kids: 2, slots: 1, connections: 2, faults: 1 },
  { round: classic, kids: 2, slots: 2, connections: 3, faults: 1 },
  { round: late, kids: 2, slots: 1, connections: 2, faults: 1, ...two },
  { round: late, kids: 2, slots: 1, connections: 3, faults: 1 },
  { round: late, kids: 2, slots: 2, connections: 3, faults: 1 },
  { round: classic, kids: 3, slots: 1, connections: 2, faults: 1 },
  { round: late, kids: 3, slots: 1, connections: 2, faults: 1 },
  { round: classic, kids: 2, slots: 1, connections: 2, faults: 2 },
  { round: late, kids: 2, slots: 1, connections: 2, faults: 2 },
  { round: late, kids: 3, slots: 2, connections: 3, faults: 2, ...two },
  // With connections that are kept alive, on which so many requests more come.
  { round: late, kids: 2, slots: 1, connections: 3, requests: 1, faults: 0 },
  { round: late, kids: 2, slots: 2, connections: 2, requests: 2, faults: 0 },
  { round: classic, kids: 2, slots: 1, connections: 2, requests: 2, faults: 0 },
  { round: late, kids: 1, slots: 1, connections: 2, requests: 2, faults: 1 },
  { round: late, kids: 2, slots: 1, connections: 1, requests: 3, faults: 1 },
  { round: late, kids: 3, slots: 1, connections: 3, requests: 2, faults: 0 },
  { round: late, kids: 2, slots: 1, connections: 2, requests: 1, faults: 1 },
]

const total = { states: 0, moves: 0, exhausted: 0, tried: 0, wrong: 0, most: 0 }
for (const { round, kids, slots, connections, requests = 0, faults, ...changes } of spaces) {
  const listeners = 'depthKnown' in changes ? 2 : 1
  const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`
  const name =
    `${round === classic ? 'classic' : 'default'} round, ${counted(kids, 'kid')}, ` +
    `${counted(slots, 'slot')}, ${counted(listeners, 'listener')}, ` +
    `${counted(connections, 'connection')}, ${requests > 0 ? `${counted(requests, 'request')}, ` : ''}` +
    counted(faults, 'fault')
  if (!name.includes(values.only)) continue
  const until = performance.now() + minutes * 60_000
  let most = 0
  const enough = () => {
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    most = Math.max(most, heapUsed + arrayBuffers)
    return most > memory * 2 ** 30 || performance.now() > until
  }
  const begun = performance.now()
  const settings = settingsWith({ startKids: kids, maxKids: kids, slots, ...round, ...changes })
  const found = explore(settings, { connections, requests, faults, enough })
  const seconds = (performance.now() - begun) / 1_000
  console.log(
    `${found.faults.length > 0 ? 'WRONG' : 'ok   '} ${found.cut ? 'cut off  ' : 'exhausted'} ` +
      `${String(found.states).padStart(9)} states, ${String(found.moves).padStart(9)} moves, ` +
      `depth ${String(found.depth).padStart(3)}, ${(most / 2 ** 30).toFixed(1)} GiB, ` +
      `${seconds.toFixed(0).padStart(4)} s  ${name}`,
  )
  for (const sentence of found.faults) console.log(`      ${sentence}`)
  total.tried++
  if (!found.cut) total.exhausted++
  total.states += found.states
  total.moves += found.moves
  total.most = Math.max(total.most, found.states)
  total.wrong += found.faults.length
}
console.log(
  `${total.states} states, ${total.moves} moves, ${total.exhausted}/${total.tried} spaces`,
)
if (values.only === '') {
  writeResult({
    name: 'exploration',
    command: `npm run explore -- --memory ${memory} --minutes ${minutes}`,
    figures: {
      'states of the core explored': total.states,
      'steps taken': total.moves,
      'spaces exhausted': `${total.exhausted} of ${total.tried}`,
      'states of the largest space': total.most,
      'rules bent': total.wrong,
    },
  })
}
if (total.wrong > 0) process.exitCode = 1
