/** `npm run faults`: runs the rows of the fault matrix, each so many times, and shows a table; exit code 1 when any failed. */

import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { missing } from './needs.js'
import { writeResult } from './results.js'
import { type BuiltRow, type Row, titleOf } from './row.js'
import { rows } from './rows.js'
import { runRow, seedOf, seedOfRun } from './run-row.js'
import { Tally } from './tally.js'

const usage = `npm run faults [-- OPTIONS]
  --rows 1,5,20-30   only these numbers
  --quick            only those that npm test runs
  --repeats N        each so many times, unless the row says that fewer do (default 1)
  --jobs N           so many rows at the same time; times are then longer (default 1)
  --seed S           the seed of the run (default SEED, or the clock)
  --out FILE         the figures as JSON
  --keep             keeps the figures in .results, for docs/reliability.md
`

const { values } = parseArgs({
  options: {
    rows: { type: 'string' },
    quick: { type: 'boolean', default: false },
    repeats: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '1' },
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

/** Whether a number is among `1,5,20-30`. */
function isAmong(wanted: string, number: number): boolean {
  return wanted.split(',').some((range) => {
    const [from = Number.NaN, to = from] = range.split('-').map(Number)
    return number >= from && number <= to
  })
}

const seed = values.seed === undefined ? seedOfRun() : Number(values.seed)
const repeats = Number(values.repeats)
const chosen = rows.filter(
  (row) =>
    (values.rows === undefined || isAmong(values.rows, row.number)) &&
    (!values.quick || ('quick' in row && row.quick === true)),
)
const tally = new Tally(chosen)

async function runRepeatedly(row: BuiltRow): Promise<void> {
  const times = Math.min(repeats, row.repeats ?? repeats)
  const begun = performance.now()
  for (let repeat = 0; repeat < times; repeat++) {
    const ran = await runRow(row, seedOf(seed, row.number, repeat))
    tally.ran(row, ran)
    if (ran.wrong.length === 0) continue
    const how = `--rows ${row.number} --seed ${seed}, repeat ${repeat}, seed of the row ${ran.seed}`
    console.log(`FAILED ${titleOf(row)} (${how})`)
    for (const sentence of ran.wrong) console.log(`  ${sentence}`)
    console.log(ran.lastWords)
  }
  const seconds = ((performance.now() - begun) / 1000).toFixed(1)
  console.log(`${titleOf(row)}: ${times} times in ${seconds} s`)
}

console.log(`seed ${seed}`)
/** Runs rows, so many at the same time. */
async function runAll(some: readonly Row[], jobs: number): Promise<void> {
  const waiting = some.values()
  const each = Array.from({ length: jobs }, async () => {
    // All jobs take from the same rows.
    for (const row of waiting) {
      if ('notBuilt' in row) continue
      const lacks = missing(row.needs)
      if (lacks.length > 0) tally.skip(row, `skipped: without ${lacks.join(' and ')}`)
      else await runRepeatedly(row)
    }
  })
  await Promise.all(each)
}

const isAlone = (row: Row) => 'alone' in row && row.alone === true
await runAll(
  chosen.filter((row) => !isAlone(row)),
  Number(values.jobs),
)
await runAll(chosen.filter(isAlone), 1)
console.log(`\n${tally}`)
const figures = { seed, ...tally.figures() }
const args = process.argv.slice(2).filter((arg) => arg !== '--keep')
const command = ['npm run faults', ...(args.length > 0 ? ['--', ...args] : [])].join(' ')
if (values.out !== undefined) {
  const result = { name: 'faults', at: new Date().toISOString(), command, figures }
  writeFileSync(values.out, `${JSON.stringify(result, null, 2)}\n`)
}
if (values.keep) console.log(`figures: ${writeResult({ name: 'faults', command, figures })}`)
process.exitCode = tally.failed ? 1 : 0
