/** Runs suites that nobody here wrote, plain and served by preforkd, and reports every test whose result is another. */

import { existsSync, realpathSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { reasonFor } from './exceptions.js'
import { type Results, type Suite, suites } from './suites.js'

const preload = new URL('preload.js', import.meta.url).href
const ours = { NODE_OPTIONS: `--import=${preload}` }

/** Runs what is found in a folder of checkouts; the number of tests whose result differs and should not. */
export async function runSuites(folder: string | undefined): Promise<number> {
  if (folder === undefined) {
    const names = suites.map(({ name }) => name).join(', ')
    console.log(`skipped: the suites of ${names}: --suites DIR says where they are`)
    return 0
  }
  let unexplained = 0
  for (const suite of suites) {
    const checkout = resolve(folder, suite.name)
    if (existsSync(join(checkout, suite.name === 'node' ? 'test/parallel' : 'node_modules'))) {
      unexplained += await compareSuite(suite, realpathSync(checkout))
    } else {
      console.log(`skipped: the suite of ${suite.name}: not in ${folder} with all it needs`)
    }
  }
  return unexplained
}

async function compareSuite(suite: Suite, checkout: string): Promise<number> {
  const files = suite.files(checkout)
  const begun = performance.now()
  const plain = await suite.run(checkout, files, {})
  if (plain.size === 0) {
    console.log(`suite of ${suite.name}: not one test of it has run in ${checkout}`)
    return 1
  }
  const served = await suite.run(checkout, files, ours)
  const seconds = ((performance.now() - begun) / 1_000).toFixed(0)
  console.log(
    `suite of ${suite.name}: plain ${counts(plain)}, by preforkd ${counts(served)}, ${seconds} s`,
  )
  const suspects = differing(plain, served)
  if (suspects.length === 0) return 0
  // Once more, since some tests depend on how busy the machine is.
  const again = files.filter((file) => suspects.some((test) => fileOf(test) === file))
  const plainAgain = await suite.run(checkout, again, {})
  const servedAgain = await suite.run(checkout, again, ours)
  const kept = differing(plainAgain, servedAgain).filter((test) => suspects.includes(test))
  let unexplained = 0
  for (const test of suspects) {
    const why = reasonFor(suite.name, test)
    const isKept = kept.includes(test)
    if (isKept && why === undefined) unexplained++
    const word = !isKept ? 'differed once' : why === undefined ? 'differs' : 'on purpose'
    const result =
      plain.get(test) === undefined ? 'is not run' : plain.get(test) ? 'passes' : 'fails'
    console.log(`  ${word}: ${test} (${result} plain${why === undefined ? '' : `; ${why}`})`)
  }
  return unexplained
}

function counts(results: Results): string {
  const passed = [...results.values()].filter((each) => each).length
  return `${passed} of ${results.size} pass`
}

/** Tests that do not pass in both, or fail in both. */
function differing(plain: Results, served: Results): string[] {
  const names = new Set([...plain.keys(), ...served.keys()])
  return [...names].filter((name) => plain.get(name) !== served.get(name))
}

function fileOf(test: string): string {
  return test.split(': ', 1)[0] as string
}
