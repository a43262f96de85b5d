/** The suites: where the tests of each are in its checkout, and how they are run and asked for their results. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runNode } from './running.js'

/** Whether each test passed, by the path of its file and its name. */
export type Results = Map<string, boolean>

export interface Suite {
  readonly name: string
  /** Paths of the files with tests, below the checkout. */
  readonly files: (checkout: string) => string[]
  /** Runs these files. What `env` holds is added to the environment of all processes. */
  readonly run: (
    checkout: string,
    files: readonly string[],
    env: Readonly<Record<string, string>>,
  ) => Promise<Results>
}

const nodeReporter = fileURLToPath(new URL('node-reporter.js', import.meta.url))
const mochaReporter = fileURLToPath(new URL('mocha-reporter.cjs', import.meta.url))
const minute = 60_000
/** A file of Node.js's own tests; most take less than a second. */
const fileTimeout = minute / 2
/** All files of a framework. */
const suiteTimeout = 10 * minute
/** Files that run at the same time, where a process runs one: most of them wait. */
const jobs = 4

export const suites: readonly Suite[] = [
  {
    name: 'node',
    files: (checkout) => below(checkout, 'test/parallel', /^test-http-.*\.m?js$/),
    run: runOwn,
  },
  {
    name: 'express',
    files: (checkout) => below(checkout, 'test', /^[^/]+\.js$|^acceptance\/.*\.js$/),
    run: runMocha(['--require', 'test/support/env', '--check-leaks']),
  },
  {
    name: 'koa',
    files: (checkout) => below(checkout, '__tests__', /\.test\.js$/),
    run: runNodeTest,
  },
  {
    name: 'fastify',
    files: (checkout) => below(checkout, 'test', /\.test\.m?js$/),
    run: runNodeTest,
  },
  {
    name: 'ws',
    files: (checkout) => below(checkout, 'test', /\.test\.js$/),
    run: runMocha(['--throw-deprecation']),
  },
]

/** Paths of files in a folder, as its checkout has them. */
function below(checkout: string, folder: string, pattern: RegExp): string[] {
  return readdirSync(join(checkout, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => pattern.test(path))
    .map((path) => join(folder, path))
    .sort()
}

/** The tests of Node.js are programs that exit with 0; a file is one test. */
async function runOwn(
  checkout: string,
  files: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Results> {
  const results: Results = new Map()
  let next = 0
  const runOneByOne = async (_: unknown, job: number) => {
    for (let i = next++; i < files.length; i = next++) {
      const file = files[i] as string
      const flags = /^\/\/ Flags: (.*)$/m.exec(readFileSync(join(checkout, file), 'utf8'))?.[1]
      const code = await runNode([...(flags?.trim().split(/\s+/) ?? []), file], {
        cwd: checkout,
        // Its directory for files.
        env: { ...env, TEST_THREAD_ID: `${job}`, TEST_SERIAL_ID: `${job}` },
        timeout: fileTimeout,
      })
      results.set(file, code === 0)
    }
  }
  await Promise.all(Array.from({ length: jobs }, runOneByOne))
  return results
}

function runMocha(flags: readonly string[]): Suite['run'] {
  return (checkout, files, env) =>
    withOutput(checkout, (output) =>
      runNode(
        [
          'node_modules/.bin/mocha',
          ...flags,
          // It does not wait for servers that are left: supertest closes only those that it knows to listen.
          '--exit',
          ...['--reporter', mochaReporter, '--reporter-option', `output=${output}`],
          ...files,
        ],
        { cwd: checkout, env, timeout: suiteTimeout },
      ),
    )
}

function runNodeTest(
  checkout: string,
  files: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Results> {
  return withOutput(checkout, (output) =>
    runNode(
      [
        ...['--test', '--test-force-exit', `--test-concurrency=${jobs}`],
        `--test-reporter=${nodeReporter}`,
        ...[`--test-reporter-destination=${output}`, ...files],
      ],
      { cwd: checkout, env, timeout: suiteTimeout },
    ),
  )
}

/** Has a run write its results, a test a line, into a file that nobody else writes to. */
async function withOutput(
  checkout: string,
  run: (output: string) => Promise<unknown>,
): Promise<Results> {
  const directory = mkdtempSync(join(tmpdir(), 'preforkd-suite-'))
  const output = join(directory, 'results')
  try {
    // Where nothing runs at all, there are no results.
    writeFileSync(output, '')
    await run(output)
    const results: Results = new Map()
    for (const line of readFileSync(output, 'utf8').split('\n')) {
      if (line === '') continue
      const { file, name, passed } = JSON.parse(line) as Line
      add(results, relative(checkout, file), name, passed)
    }
    return results
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** What both reporters write. */
interface Line {
  readonly file: string
  readonly name: string
  readonly passed: boolean
}

/** The name of a test need not be its own: the second gets a number. */
function add(results: Results, path: string, name: string, passed: boolean): void {
  for (let i = 1; ; i++) {
    const key = i === 1 ? `${path}: ${name}` : `${path}: ${name} (${i})`
    if (results.has(key)) continue
    results.set(key, passed)
    return
  }
}
