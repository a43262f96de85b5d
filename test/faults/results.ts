/**
 * Where measurements leave their figures, and where docs/reliability.md is made from: a JSON file a name in .results.
 *
 * Whoever measures something calls `writeResult`, or writes `.results/NAME.json` itself, in this form:
 *
 *     { "name": "soak", "at": "2026-11-21T14:30:00.000Z", "command": "npm run soak -- --minutes 30",
 *       "figures": { "connections offered": 120000, "largest loop stall": "12 ms" } }
 *
 * `name` is the file's, and one of those in `names`; `at` is when it was measured. A figure is a number or a short text with its unit, and its
 * key what stands in the table, in plain words. The last run of a name replaces the one before. `machine` may say on what it was.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, release, type } from 'node:os'
import { fileURLToPath } from 'node:url'

const directory = new URL('../../.results/', import.meta.url)

/** What is measured, in the order in which the page shows it. */
export const names = ['faults', 'hostile', 'exploration', 'model', 'mutants', 'soak'] as const

export interface Result {
  readonly name: (typeof names)[number]
  /** When, as ISO 8601 has it. */
  readonly at: string
  /** What to type to measure it again. */
  readonly command: string
  readonly figures: Readonly<Record<string, number | string>>
  /** What it was measured on. */
  readonly machine?: string
}

/** This machine, in a line. */
export function describeMachine(): string {
  return `${type()} ${release()}, ${availableParallelism()} cores, Node.js ${process.versions.node}`
}

/** Keeps the figures of a run that has just ended; gives the path of the file. */
export function writeResult({ name, command, figures }: Omit<Result, 'at' | 'machine'>): string {
  const path = fileURLToPath(new URL(`${name}.json`, directory))
  const at = new Date().toISOString()
  const result: Result = { name, at, command, machine: describeMachine(), figures }
  mkdirSync(directory, { recursive: true })
  writeFileSync(path, `${JSON.stringify(result, null, 2)}\n`)
  return path
}

/** The results there are, in the order of `names`. */
export function readResults(): Result[] {
  return names.flatMap((name) => {
    try {
      return [JSON.parse(readFileSync(new URL(`${name}.json`, directory), 'utf8')) as Result]
    } catch {
      return []
    }
  })
}
