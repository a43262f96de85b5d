/** The rows of the fault matrix that take a moment each; `npm run faults` runs them all. */

import { test } from 'tap'
import { missing } from './needs.js'
import { titleOf } from './row.js'
import { rows } from './rows.js'
import { runRow, seedOf, seedOfRun } from './run-row.js'

const seed = seedOfRun()

for (const row of rows) {
  if (!('run' in row) || !row.quick) continue
  const lacks = missing(row.needs)
  const skip = lacks.length > 0 && `without ${lacks.join(' and ')}`
  void test(titleOf(row), { skip }, async (t) => {
    const { wrong, seed: own, lastWords } = await runRow(row, seedOf(seed, row.number, 0))
    t.strictSame(wrong, [], `survived, SEED=${seed}`)
    if (wrong.length > 0) t.comment(`seed of the row ${own}\n${lastWords}`)
  })
}
