/** That every mutant still applies, and names a test that is there; `npm run mutants` tries what they do. */

import { readFileSync } from 'node:fs'
import t from 'tap'
import { mutated } from './apply.js'
import { mutants } from './mutants.js'

t.test('every mutant applies to exactly one place', async (t) => {
  for (const mutant of mutants) {
    const text = readFileSync(`src/core/${mutant.file}`, 'utf8')
    t.not(mutated(text, mutant), text, mutant.name)
    t.ok(readFileSync(`test/core/${mutant.test}`, 'utf8').length > 0, mutant.test)
  }
  t.equal(new Set(mutants.map(({ name }) => name)).size, mutants.length, 'each has its own name')
})

t.test('a mutant whose text has gone, or stands there twice, is called stale', async (t) => {
  const mutant = { name: 'm', file: 'f.ts', from: 'a', to: '$&', test: '', caughtBy: '' }
  t.throws(() => mutated('bcd', mutant), { message: /^mutant "m" is stale: f.ts .* 0 times/ })
  t.throws(() => mutated('abab', mutant), { message: /2 times/ })
  t.equal(mutated('bad', mutant), 'b$&d')
})
