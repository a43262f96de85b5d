/** Puts a mutant into the text of its file, or says that it no longer fits; used by the run and by the check that all still apply. */

import type { Mutant } from './mutant.js'

/** The file's text with the mutant in it. Throws where the text to replace does not stand there exactly once. */
export function mutated(text: string, { name, file, from, to }: Mutant): string {
  const times = text.split(from).length - 1
  if (times !== 1) {
    throw new Error(`mutant "${name}" is stale: ${file} holds its text ${times} times, not once`)
  }
  // A function, because a replacement's dollar signs would mean something.
  return text.replace(from, () => to)
}
