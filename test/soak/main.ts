/** `npm run soak`: a server under load for a while, with a fault every other second; exit code 1 when anything was lost, doubled or leaked. */

import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { lookAfter } from '../faults/after.js'
import { Bed } from '../faults/bed.js'
import { writeResult } from '../faults/results.js'
import { seedOfRun } from '../faults/run-row.js'
import { Soak } from './soak.js'

const usage = `npm run soak [-- OPTIONS]
  --minutes N        how long (default 30)
  --clients N        clients at once (default 64)
  --seed S           the seed of the run (default SEED, or the clock)
  --out FILE         the figures as JSON
  --keep             keeps the figures in .results, for docs/reliability.md
`

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    clients: { type: 'string', default: '64' },
    seed: { type: 'string' },
    out: { type: 'string' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  process.stdout.write(usage)
  process.exit(0)
}
const minutes = Number(values.minutes)
const clients = Number(values.clients)
// In less no slope can be told from noise.
if (!(minutes >= 2 && clients >= 1)) {
  process.stderr.write(`soak: minutes must be at least 2, and clients 1\n${usage}`)
  process.exit(2)
}

const seed = values.seed === undefined ? seedOfRun() : Number(values.seed)
console.log(`seed ${seed}`)
const bed = new Bed(seed)
const wrong: string[] = []
const figures: Record<string, number | string> = { seed, minutes, clients }
try {
  const soak = new Soak(bed)
  await soak.run(minutes * 60, clients)
  const judged = soak.judge(readFileSync(bed.ledger, 'latin1'))
  wrong.push(...judged.wrong)
  Object.assign(figures, judged.figures)
} catch (error) {
  wrong.push((error as Error).stack ?? String(error))
} finally {
  wrong.push(...(await lookAfter(bed)).wrong)
  if (wrong.length > 0) console.log(bed.servers[0]?.stderr.split('\n').slice(-30).join('\n'))
  await bed.clear()
}

const width = Math.max(...Object.keys(figures).map((name) => name.length))
console.log()
for (const [name, figure] of Object.entries(figures))
  console.log(`${name.padEnd(width)}  ${figure}`)
console.log(wrong.length === 0 ? '\nall is well' : `\nFAILED, seed ${seed}`)
for (const sentence of wrong) console.log(`  ${sentence}`)
const command = `npm run soak -- --minutes ${minutes}`
if (values.out !== undefined) {
  const result = { name: 'soak', at: new Date().toISOString(), command, figures }
  writeFileSync(values.out, `${JSON.stringify(result, null, 2)}\n`)
}
if (values.keep && wrong.length === 0)
  console.log(`figures: ${writeResult({ name: 'soak', command, figures })}`)
process.exitCode = wrong.length === 0 ? 0 : 1
