/** The rows of the fault matrix that take a moment each; `npm run faults` runs them all. */

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { test } from 'tap'
import { signal } from '../process/processes.js'
import { missing } from './needs.js'
import { type BuiltRow, titleOf } from './row.js'
import { rows } from './rows.js'
import { runRow, seedOf, seedOfRun } from './run-row.js'

const seed = seedOfRun()

void test('the look after a row finds what is wrong', async (t) => {
  const row: BuiltRow = {
    number: 0,
    group: 'A',
    fault: 'a row that is not survived',
    inject: 'a handler that hangs up, and tells the ledger twice',
    async run(bed) {
      const path = bed.path('handler.mjs')
      writeFileSync(
        path,
        `import { appendFileSync } from 'node:fs'
        export default (socket) => socket.once('data', (data) => {
          for (let i = 0; i < 2; i++) appendFileSync(process.env.FAULTS_LEDGER, parseInt(data) + ' 1\\n')
          socket.destroy()
        })`,
      )
      const server = await bed.serve({ handler: path, kids: 1 })
      assert.equal(await server.client().ended, 'eof')
      await signal(server.pid, 'SIGKILL')
    },
  }
  const { wrong, connections } = await runRow(row, seed)
  for (const [i, what] of ['T1: ended by itself with SIGKILL', 'T8', 'T5', 'T6'].entries()) {
    t.ok(wrong[i]?.startsWith(what), `${what}: ${wrong[i]}`)
  }
  t.match(connections, { offered: 1, ok: 0, unexplained: 1, twice: 1 })
})

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
