/** `npm run hostile`: hostile streams by the million against the decoder and the core, and by the thousand against a real parent. */

import { parseArgs } from 'node:util'
import { writeResult } from '../faults/results.js'
import { seedOfRun } from '../faults/run-row.js'
import { type Heard, tryStream } from './in-process.js'
import { playReal } from './real.js'

const usage = `npm run hostile [-- OPTIONS]
  --streams N      against the decoder and the core (default 1000000)
  --real N         kids of a real parent, a script each (default 10000)
  --seed S         (default SEED, or the clock)
  --from N         goes on from this stream and this script of the seed (default 0)
  --seconds N      ends each of the two after so long (default 3600)
  --keep           keeps the figures in .results, for docs/reliability.md
`

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '1000000' },
    real: { type: 'string', default: '10000' },
    seed: { type: 'string' },
    from: { type: 'string', default: '0' },
    seconds: { type: 'string', default: '3600' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  process.stdout.write(usage)
  process.exit(0)
}

const seed = values.seed === undefined ? seedOfRun() : Number(values.seed)
const from = Number(values.from)
const limit = Number(values.seconds)
const wrong: string[] = []
const figures: Record<string, number | string> = { seed }
/** The parent's loop is never held up for longer, in milliseconds, but to spawn. */
const longestStall = 50
/** Mebibytes that the parent may grow by over all scripts but the first fifth. */
const mostGrowth = 16

console.log(`seed ${seed}`)
const streams = Number(values.streams)
if (streams > 0) {
  const heard: Heard = { streams: 0, lines: 0, killed: 0, bytes: 0 }
  const begun = performance.now()
  for (let i = 0; i < streams && performance.now() - begun < limit * 1_000; i++) {
    try {
      tryStream(seed + from + i, heard)
    } catch (error) {
      wrong.push((error as Error).message)
      if (wrong.length === 10) break
    }
  }
  const seconds = (performance.now() - begun) / 1_000
  console.log(`in process: ${JSON.stringify(heard)} in ${seconds.toFixed(0)} s`)
  figures['streams in process'] = heard.streams
  figures['lines of these'] = heard.lines
  figures['bytes of these'] = heard.bytes
  figures['kids killed for these'] = heard.killed
}

const real = Number(values.real)
if (real > 0) {
  const ran = await playReal({ seed, from, count: real, limit })
  wrong.push(...ran.wrong)
  const stall = ran.figures['largest stall of the loop'] ?? Number.NaN
  if (!(stall <= longestStall))
    wrong.push(`the parent's loop was held up for ${stall.toFixed(0)} ms`)
  const [before, after] = ran.memory
  if (after - before > mostGrowth) wrong.push(`the parent grew from ${before} to ${after} MiB`)
  console.log(`real: ${JSON.stringify(ran)}`)
  if (ran.lives < real - 10)
    console.log(`cut short: go on with --seed ${seed} --from ${from + ran.lives}`)
  const { connections } = ran
  Object.assign(figures, {
    'hostile kids of a real parent': ran.lives,
    'killed for what they did': Object.values(ran.kills).reduce((sum, kills) => sum + kills, 0),
    ...Object.fromEntries(Object.entries(ran.kills).map(([reason, n]) => [`killed: ${reason}`, n])),
    'clients meanwhile': connections.offered,
    'clients served': connections.ok,
    'clients lost, explained': connections.explained,
    'clients lost, unexplained': connections.unexplained,
    'clients served twice': connections.twice,
    'largest stall of the loop, but to spawn': `${stall.toFixed(0)} ms`,
    'memory of the parent': `${before} MiB, ${after} MiB at the end`,
  })
}
for (const sentence of wrong) console.log(`WRONG ${sentence}`)
figures['what was wrong'] = wrong.length
const command = `npm run hostile -- --streams ${values.streams} --real ${values.real}`
if (values.keep) console.log(`figures: ${writeResult({ name: 'hostile', command, figures })}`)
process.exitCode = wrong.length > 0 ? 1 : 0
