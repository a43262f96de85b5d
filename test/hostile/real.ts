/** Hostile kids, one script a life, against a real parent that serves clients meanwhile by two kids that behave. */

import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { residentBytes } from '../../src/parent/memory.js'
import { type After, lookAfter } from '../faults/after.js'
import { Bed } from '../faults/bed.js'
import type { Server } from '../faults/server.js'
import { playing } from './player.js'
import { scriptOf } from './scripts.js'

export interface RealRun {
  readonly seed: number
  /** The first script, and how many: a run that was cut short goes on from where it was. */
  readonly from: number
  readonly count: number
  /** Ends it early, in seconds. */
  readonly limit: number
}

export interface RealResult extends After {
  readonly seconds: number
  /** Lives that were played to their end. */
  readonly lives: number
  readonly kills: Readonly<Record<string, number>>
  /** Resident memory of the parent, in MiB: after a fifth of the lives, and at the end. */
  readonly memory: readonly [number, number]
}

const behaving = 2
const hostile = 8

/** Plays the scripts; what is wrong is in `wrong`. */
export async function playReal({ seed, from, count, limit }: RealRun): Promise<RealResult> {
  const bed = new Bed(seed)
  const begun = performance.now()
  try {
    const scripts = bed.path('scripts')
    mkdirSync(scripts)
    // The first kids behave, and so do those that come after the last script.
    for (let number = 0; number < count; number++) {
      writeFileSync(join(scripts, String(number + behaving + 1)), scriptOf(seed, from + number))
    }
    const server = await bed.serve({
      ...playing(scripts),
      kids: behaving + hostile,
      // Whoever was idle longest is next, so that nobody who only lingers is forgotten.
      pick: 'fair',
      connectionTimeout: 1_000,
      stopTimeout: 1_000,
      readyTimeout: 5_000,
      logLevel: 'info',
    })
    const lives = new Lives(server, scripts, count)
    let memory: number | undefined
    while (!lives.over && server.exit === undefined) {
      if (performance.now() - begun > limit * 1_000) break
      await Promise.all([1, 2, 3, 4].map(() => server.client().ended))
      lives.look()
      if (lives.played >= count / 5) memory ??= mebibytes(server)
    }
    const kills = server.exit === undefined ? (await server.status()).counters.kills : {}
    const atEnd = mebibytes(server)
    const after = await lookAfter(bed)
    const seconds = (performance.now() - begun) / 1_000
    return { ...after, seconds, lives: lives.played, kills, memory: [memory ?? atEnd, atEnd] }
  } finally {
    await bed.clear()
  }
}

/** How many scripts were played to their end; and sees to it that kids that behave are always there. */
class Lives {
  played = 0
  readonly #server: Server
  readonly #scripts: string
  readonly #count: number
  #seen = 0
  /** Numbers that had a script and behaved, because somebody had to. */
  #spared = 0

  constructor(server: Server, scripts: string, count: number) {
    this.#server = server
    this.#scripts = scripts
    this.#count = count
  }

  get over(): boolean {
    return this.played + this.#spared >= this.#count
  }

  look(): void {
    const gone = this.#server.events('gone')
    for (const { kid } of gone.slice(this.#seen)) {
      const behaved = kid <= behaving || existsSync(join(this.#scripts, `behaves-${kid}`))
      // On a busy machine one may have been late with its answer.
      if (behaved) writeFileSync(join(this.#scripts, 'wanted'), '')
      else if (kid <= behaving + this.#count) this.played++
    }
    this.#seen = gone.length
    this.#spared = readdirSync(this.#scripts).filter((name) => name.startsWith('behaves-')).length
  }
}

function mebibytes({ pid }: Server): number {
  return Math.round((residentBytes(pid) ?? 0) / 2 ** 20)
}
