/** `npm run model`: searches every variant of accept.pml and prints what was found. Ends with 1 where one does not do as it must. */

import { writeResult } from '../faults/results.js'
import { Model, missing } from './search.js'
import { type Claim, type Variant, variants } from './variants.js'

const lacking = missing()
if (lacking.length > 0) {
  console.error(`model: skipped, ${lacking.join(' and ')} not installed`)
  process.exit(0)
}

const total = { states: 0, depth: 0, seconds: 0, held: 0, broken: 0, wrong: 0 }

function searchOne(model: Model, { name, flags }: Variant, claim: Claim, holds: boolean): void {
  const begun = performance.now()
  const { states, depth, counterexample } = model.search(claim)
  const seconds = (performance.now() - begun) / 1_000
  const good = (counterexample === undefined) === holds
  total.states += states
  total.depth = Math.max(total.depth, depth)
  total.seconds += seconds
  total[good ? (holds ? 'held' : 'broken') : 'wrong']++
  const verdict = counterexample === undefined ? 'holds' : `broken in ${counterexample} steps`
  const chosen = Object.entries(flags).map(([key, value]) => ` ${key}=${value}`)
  console.log(
    `${good ? 'ok   ' : 'WRONG'} ${claim.padEnd(6)} ${verdict.padEnd(20)} ` +
      `${String(states).padStart(9)} states, depth ${String(depth).padStart(4)}, ` +
      `${seconds.toFixed(1).padStart(5)} s  ${name}:${chosen.join('')}`,
  )
}

for (const variant of variants) {
  using model = new Model(variant.flags, true)
  for (const claim of variant.holds ?? []) searchOne(model, variant, claim, true)
  for (const claim of variant.breaks ?? []) searchOne(model, variant, claim, false)
}
const { states, depth, seconds, held, broken, wrong } = total
console.log(`${states} states in ${held + broken + wrong} searches, ${seconds.toFixed(0)} s`)
writeResult({
  name: 'model',
  command: 'npm run model',
  figures: {
    'claims that hold': held,
    'wrong variants found out': broken,
    'claims that do not do as they must': wrong,
    'states of all searches': states,
    'longest story in steps': depth,
  },
})
if (wrong > 0) process.exitCode = 1
