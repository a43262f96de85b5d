/**
 * `npm run mutants`: puts each wrong into a copy of the tree, runs the test that must notice, and reports who did.
 * Ends with 1 if one of them got through. `-- NAME` tries only those whose names hold NAME.
 */

import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeResult } from '../faults/results.js'
import { mutated } from './apply.js'
import type { Mutant } from './mutant.js'
import { mutants } from './mutants.js'

/** What became of one mutant. */
interface Outcome extends Pick<Mutant, 'name' | 'file' | 'test'> {
  /** The titles of tests that failed; empty where it got through. */
  failed: string[]
  caught: boolean
}

/** Longest time, in milliseconds, that one test file may take: a mutant may make it run for ever. */
const patience = 120_000
const wanted = process.argv[2] ?? ''

/** A copy of what tests of the core need, so that nobody ever meets a mutant in the working tree. */
function copyTree(): string {
  const copy = mkdtempSync(join(tmpdir(), 'preforkd-mutants-'))
  const filter = (path: string) => !path.includes('native/build')
  for (const each of ['src', 'test', 'docs', 'package.json', 'tsconfig.json']) {
    cpSync(each, join(copy, each), { recursive: true, filter })
  }
  symlinkSync(join(process.cwd(), 'node_modules'), join(copy, 'node_modules'))
  return copy
}

/** Titles of the outermost tests of a file that fail; throws where the file cannot be run at all. */
function failures(tree: string, test: string): string[] {
  const { stdout, signal, status } = spawnSync(
    process.execPath,
    ['--import=tsx', join('test/core', test)],
    { cwd: tree, encoding: 'utf8', timeout: patience, killSignal: 'SIGKILL', maxBuffer: 2 ** 28 },
  )
  if (signal !== null) return [`${test} had not ended after ${patience} ms`]
  const failed = [...stdout.matchAll(/^not ok \d+ - (.*?)(?: # time=.*)?$/gm)]
  if (failed.length === 0 && status !== 0) throw new Error(`${test} does not run:\n${stdout}`)
  return failed.map(([, title = '']) => title)
}

function tryMutant(tree: string, mutant: Mutant): Outcome {
  const { name, file, test } = mutant
  const path = join(tree, 'src/core', file)
  const text = readFileSync(path, 'utf8')
  writeFileSync(path, mutated(text, mutant))
  try {
    const failed = failures(tree, test)
    const caught = failed.some((title) => title.startsWith(mutant.caughtBy))
    return { name, file, test, failed, caught }
  } finally {
    writeFileSync(path, text)
  }
}

const tree = copyTree()
try {
  const chosen = mutants.filter(({ name }) => name.includes(wanted))
  // Without this a test that fails anyway would catch everything.
  for (const test of new Set(chosen.map((mutant) => mutant.test))) {
    const failed = failures(tree, test)
    if (failed.length > 0) throw new Error(`${test} fails without any mutant: ${failed.join(', ')}`)
  }
  const outcomes: Outcome[] = []
  for (const mutant of chosen) {
    const outcome = tryMutant(tree, mutant)
    outcomes.push(outcome)
    console.log(`${outcome.caught ? 'caught   ' : 'SURVIVED '} ${outcome.name} (${outcome.file})`)
    console.log(`          by ${mutant.test}: ${outcome.caught ? mutant.caughtBy : '-'}`)
    if (!outcome.caught)
      console.log(`          failed instead: ${outcome.failed.join('; ') || '-'}`)
  }
  const caught = outcomes.filter((outcome) => outcome.caught).length
  console.log(`${caught}/${outcomes.length} mutants caught`)
  if (wanted === '') {
    writeResult({
      name: 'mutants',
      command: 'npm run mutants',
      figures: { 'mutants of the core': outcomes.length, 'caught by the named test': caught },
    })
  }
  if (caught < outcomes.length) process.exitCode = 1
} finally {
  rmSync(tree, { recursive: true })
}
