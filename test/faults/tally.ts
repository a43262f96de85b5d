/** Counts what became of rows, and shows it: one line a row as it goes, a table by group at the end, figures for the page. */

import type { Connections } from './after.js'
import { type Group, groups, type Row, titleOf } from './row.js'
import type { Ran } from './run-row.js'

/** What became of a row: how often it was injected and survived, or why not at all. */
interface Fate {
  readonly row: Row
  injected: number
  survived: number
  skipped: string | undefined
}

/** Figures that are no times. */
const counts: ReadonlySet<string> = new Set([
  'false kills',
  'generations of 1000 HUPs',
  'log lines dropped',
  'served over the upgrades',
])

export class Tally {
  readonly connections: Connections = {
    offered: 0,
    ok: 0,
    dropped: 0,
    explained: 0,
    unexplained: 0,
    twice: 0,
  }
  /** Every value of a figure of the rows. */
  readonly #values = new Map<string, number[]>()
  readonly #fates: Fate[]

  constructor(rows: readonly Row[]) {
    this.#fates = rows.map((row) => ({
      row,
      injected: 0,
      survived: 0,
      skipped: 'notBuilt' in row ? `not built: ${row.notBuilt}` : undefined,
    }))
  }

  skip(row: Row, why: string): void {
    this.#fateOf(row).skipped = why
  }

  ran(row: Row, { wrong, connections, figures }: Ran): void {
    const fate = this.#fateOf(row)
    fate.injected++
    if (wrong.length === 0) fate.survived++
    for (const key of Object.keys(this.connections) as (keyof Connections)[]) {
      this.connections[key] += connections[key]
    }
    const isHeldUp = 'run' in row && (row.halts || row.needs?.includes('strace'))
    for (const [name, value] of Object.entries(figures)) {
      if (isHeldUp && name.startsWith('largest stall')) continue
      this.#values.set(name, [...(this.#values.get(name) ?? []), value])
    }
  }

  get failed(): boolean {
    return this.#fates.some(({ injected, survived }) => survived < injected)
  }

  /** Faults, that is numbers of the matrix, by group: a number counts as survived when all its parts did, each time. */
  byGroup(): Record<Group, GroupTally> {
    const tallies = Object.keys(groups).map((group) => {
      const numbers = new Map<number, Fate[]>()
      for (const fate of this.#fates.filter(({ row }) => row.group === group)) {
        numbers.set(fate.row.number, [...(numbers.get(fate.row.number) ?? []), fate])
      }
      const all = [...numbers.values()]
      const injected = all.filter((parts) => parts.some(({ injected }) => injected > 0))
      const whole = injected.filter((parts) => parts.every((f) => f.survived === f.injected))
      const built = (parts: Fate[]) => parts.some(({ row }) => 'run' in row)
      return [
        group,
        {
          faults: all.length,
          injected: injected.length,
          survived: whole.length,
          skipped: all.length - injected.length - all.filter((parts) => !built(parts)).length,
          notBuilt: all.filter((parts) => !built(parts)).length,
          repeats: all.flat().reduce((sum, { injected }) => sum + injected, 0),
        },
      ]
    })
    return Object.fromEntries(tallies) as Record<Group, GroupTally>
  }

  /** The table of groups, then whatever was not run and why. */
  toString(): string {
    const head = ['group', 'faults', 'injected', 'survived', 'skipped', 'not built', 'runs']
    const lines = Object.entries(this.byGroup()).map(([group, tally]) => [
      `${group} ${groups[group as Group]}`,
      ...Object.values(tally).map(String),
    ])
    const cells = [head, ...lines]
    const widths = head.map((_, i) => Math.max(...cells.map((row) => row[i]?.length ?? 0)))
    const table = cells.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  '))
    const absent = this.#fates
      .filter(({ skipped }) => skipped !== undefined)
      .map(({ row, skipped }) => `${titleOf(row)}: ${skipped}`)
    return [...table, '', ...absent].join('\n')
  }

  /** All of it for docs/reliability.md: see results.ts. */
  figures(): Record<string, number | string> {
    const figures: Record<string, number | string> = {}
    for (const [group, tally] of Object.entries(this.byGroup())) {
      for (const [key, value] of Object.entries(tally)) figures[`${group} ${key}`] = value
    }
    Object.assign(figures, {
      'connections offered': this.connections.offered,
      'connections ok': this.connections.ok,
      'connections dropped by the test itself': this.connections.dropped,
      'connections lost, explained': this.connections.explained,
      'connections lost, unexplained': this.connections.unexplained,
      'connections served twice': this.connections.twice,
    })
    for (const [name, values] of this.#values) {
      values.sort((a, b) => a - b)
      if (name === 'restarts')
        figures['kids that died of it, and were replaced'] = values.reduce((a, b) => a + b, 0)
      else {
        const at = (share: number) => values[Math.floor((values.length - 1) * share)]?.toFixed(0)
        const unit = counts.has(name) ? '' : ' ms'
        figures[name] = `${at(0.5)}${unit}, at most ${at(1)}${unit}`
      }
    }
    for (const { row, skipped } of this.#fates) {
      if (skipped !== undefined) figures[titleOf(row)] = skipped
    }
    return figures
  }

  #fateOf(row: Row): Fate {
    return this.#fates.find((fate) => fate.row === row) as Fate
  }
}

export interface GroupTally {
  /** Numbers of the matrix. */
  readonly faults: number
  readonly injected: number
  readonly survived: number
  readonly skipped: number
  readonly notBuilt: number
  /** Runs of rows. */
  readonly repeats: number
}
