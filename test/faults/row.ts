/** What a row of the fault matrix is; all rows, and whoever runs them, are written against this. */

import type { Bed } from './bed.js'
import type { Need } from './needs.js'

/** The groups of the matrix, in its order. */
export const groups = {
  A: 'kid processes',
  B: 'lines of hostile kids',
  C: 'shared listeners',
  D: 'system calls that fail',
  E: 'clients',
  F: 'signals and stops',
  G: 'restarts, activation, files',
} as const

export type Group = keyof typeof groups

interface About {
  /** Its number in the matrix. */
  readonly number: number
  readonly group: Group
  /** What goes wrong; with the number it is the test's name. */
  readonly fault: string
  /** How it is brought about, in a few words. */
  readonly inject: string
  /** What tells several rows of one number apart. */
  readonly part?: string
}

/** A row that can be run. */
export interface BuiltRow extends About {
  /** What the machine must have; without it the row is skipped, and counted. */
  readonly needs?: readonly Need[]
  /** It is one of those that `npm test` runs. */
  readonly quick?: true
  /** It stops the parent itself: how long its loop then stands still is no figure of the product's. */
  readonly halts?: true
  /** It changes what all processes of the machine share: run when no other row does. */
  readonly alone?: true
  /** Repeats at most, of a row that takes long. */
  readonly repeats?: number
  /** Starts a server, harms it and says what must be so; throws where it is not. What must be so after every row is seen to by the bed. */
  run(bed: Bed): Promise<void>
}

/** A row about what preforkd does not have. */
export interface UnbuiltRow extends About {
  /** Why there is nothing to run. */
  readonly notBuilt: string
}

export type Row = BuiltRow | UnbuiltRow

/** What a row is called wherever it is shown. */
export function titleOf({ number, part, fault }: Row): string {
  return `row ${number}${part === undefined ? '' : ` (${part})`}: ${fault}`
}
