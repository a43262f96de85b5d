/** What the app has counted in each process of a server: read by the benches after, or while, they measure. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

/** How long, in milliseconds, until what was counted has been written for certain: its beat and two that are blocked. */
const settle = 250

interface Line {
  readonly at: number
  readonly connections: number
  readonly requests: number
  readonly most: number
  readonly open: number
}

/** What was counted between two points in time. */
export interface Counted {
  /** Connections by their first request, of all processes together. */
  readonly connections: number
  readonly requests: number
  /** The most requests in the app at once, in any one process. */
  readonly most: number
}

export class Counts {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** What has been counted since `since`, of Date.now(). */
  async since(since: number): Promise<Counted> {
    await pause(settle)
    const lines = [...this.#read().values()].flat().filter(({ at }) => at >= since)
    const sum = (of: (line: Line) => number) => lines.reduce((all, line) => all + of(line), 0)
    return {
      connections: sum(({ connections }) => connections),
      requests: sum(({ requests }) => requests),
      most: Math.max(0, ...lines.map(({ most }) => most)),
    }
  }

  /** Connections open in each of these processes as last written, ascending; those that have made no request do not count. */
  open(pids: readonly number[]): number[] {
    const lines = this.#read()
    return pids.map((pid) => lines.get(pid)?.at(-1)?.open ?? 0).sort((a, b) => a - b)
  }

  /** How many processes there have been. */
  get processes(): number {
    return readdirSync(this.#folder).length
  }

  #read(): Map<number, Line[]> {
    const read = (file: string) =>
      readFileSync(join(this.#folder, file), 'latin1')
        .split('\n')
        // The last may be about to be written.
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Line)
    return new Map(readdirSync(this.#folder).map((file) => [Number(file), read(file)]))
  }
}
