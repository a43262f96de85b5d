/** What a case is, and what several of them need. */

import type { Answered, Trial } from './trial.js'

/** One case. */
export interface Case {
  readonly title: string
  /** Throws Failure; may give a remark to print beside the title. */
  run(trial: Trial): Promise<string | undefined>
  /** Why it makes no sense with this kid; undefined when it does. */
  skip?(trial: Trial): string | undefined
  /** How the kid is started: it is not waited for, or is told of another version of the protocol. */
  readonly start?: 'unready' | 'other version'
  /** The kid is gone at the end; by itself, unless it failed. */
  readonly ends?: true
}

/** Why what only several slots can meet makes no sense with this kid. */
export const oneSlot = ({ kid }: Trial) =>
  kid.slots === 1 ? 'it has one slot, so this never happens to it' : undefined

/** A connection in the kid's hands, whose client has not said anything yet. */
export async function inHand(trial: Trial): Promise<Answered> {
  await trial.connect()
  return trial.order()
}
