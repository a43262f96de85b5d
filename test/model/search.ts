/** Searches of accept.pml by spin: made into C, compiled and run in a directory of its own; used by run.ts and the quick test. */

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Claim, Variant } from './variants.js'

const model = fileURLToPath(new URL('./accept.pml', import.meta.url))
/** Megabytes that a search may use, milliseconds that it may take, and how long a story may be. */
const memory = 8_000
const patience = 600_000
const longest = 20_000

/** What a search found. */
export interface Searched {
  states: number
  /** How long the longest story was, in steps. */
  depth: number
  /** The counter-example's length, where there is one. */
  counterexample: number | undefined
}

/** Programs that a search needs and that are not there. */
export function missing(): string[] {
  return ['spin', 'gcc'].filter((name) => spawnSync(name, ['--version']).error !== undefined)
}

/** The model compiled for one choice of flags. */
export class Model {
  readonly #cwd = mkdtempSync(join(tmpdir(), 'preforkd-model-'))

  /** `optimise` takes seconds, which a search of more than a second makes up for. */
  constructor(flags: Variant['flags'], optimise: boolean) {
    const defined = Object.entries(flags).map(([name, value]) => `-D${name}=${value}`)
    const quietly = { cwd: this.#cwd, encoding: 'utf8', stdio: 'pipe' } as const
    execFileSync('spin', ['-a', ...defined, model], quietly)
    // NFAIR: room for the processes that fairness watches.
    const options = ['-w', '-DCOLLAPSE', '-DNFAIR=4', `-DMEMLIM=${memory}`]
    execFileSync('gcc', [optimise ? '-O2' : '-O0', ...options, '-o', 'pan', 'pan.c'], quietly)
  }

  /** Searches all that can happen for a story that breaks the claim. Throws where the search did not come to its end. */
  search(claim: Claim): Searched {
    const lively = claim === 'taken' || claim === 'ends'
    const { stdout, signal } = spawnSync(
      join(this.#cwd, 'pan'),
      ['-a', ...(lively ? ['-f'] : []), `-m${longest}`, '-N', claim],
      { cwd: this.#cwd, encoding: 'utf8', timeout: patience, killSignal: 'SIGKILL' },
    )
    return readReport(stdout, signal)
  }

  [Symbol.dispose](): void {
    rmSync(this.#cwd, { recursive: true })
  }
}

function readReport(report: string, signal: NodeJS.Signals | null): Searched {
  const number = (pattern: RegExp) => {
    const found = pattern.exec(report)?.[1]
    if (found === undefined) throw new Error(`the search did not end (${signal}):\n${report}`)
    return Number(found)
  }
  const errors = number(/errors: (\d+)/)
  const found = {
    states: number(/([\d.e+]+) states, stored/),
    depth: number(/depth reached (\d+)/),
    counterexample: errors === 0 ? undefined : number(/\(at depth (\d+)\)/),
  }
  const short = /max search depth too small|out of memory|memory bound|hash-?table full/.exec(
    report,
  )
  if (short !== null) throw new Error(`the search was cut off: ${short[0]}`)
  return found
}
