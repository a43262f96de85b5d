/** Kids that die before they are up: kept until it is known whether that is why a start or a reload fails. */

import { KidError } from '../errors.js'
import type { KidEnd } from '../parent/kid-process.js'
import { whyMark } from '../protocol/kid-settings.js'
import { describeEnd } from './narrate.js'

/** How a kid ended that was never up. */
export interface EarlyEnd {
  readonly kid: number
  readonly pid: number | undefined
  readonly end: KidEnd
}

/** Nobody in particular. */
const nobody: EarlyEnd = { kid: 0, pid: undefined, end: { code: null, signal: null } }

export class EarlyDeaths {
  /** Ends from before anybody was up. */
  readonly #kept: EarlyEnd[] = []
  #last = nobody
  /** What kids of the present reload said about why they cannot start. */
  readonly #words: string[] = []

  /** A kid has ended. Returns those ends that may be told now: not before somebody has been up. */
  note(died: EarlyEnd, wasUp: boolean, anyUp: boolean): EarlyEnd[] {
    if (!wasUp) this.#last = died
    if (anyUp) return [died]
    this.#kept.push(died)
    return []
  }

  /** Somebody is up after all: what was kept is not why. */
  release(): EarlyEnd[] {
    return this.#kept.splice(0)
  }

  /** A line of a kid's output, while a reload is under way. */
  hear(text: string): void {
    if (text.startsWith(whyMark)) this.#words.push(text)
  }

  /** A reload begins. */
  beginReload(): void {
    this.#words.length = 0
  }

  /** Why nobody could start. `limit` is readyTimeout in milliseconds, if that is what ended the first. */
  whyNobody(wordsOf: (kid: number) => readonly string[], limit: number | undefined): KidError {
    const died = this.#kept[0] ?? nobody
    const { sentence, rest } = whyNotUp(died, wordsOf(died.kid), limit)
    return new KidError(`no kid can start: ${sentence}`, { cause: rest })
  }

  /** Why the new generation did not come up, while `serving` goes on. */
  whyNoReload(serving: number, limit: number | undefined): KidError {
    const { sentence } = whyNotUp(this.#last, this.#words.splice(0), limit)
    return new KidError(`reload failed: ${sentence}; generation ${serving} goes on`)
  }
}

/** The sentence, and whatever else the kid wrote. */
interface Why {
  readonly sentence: string
  readonly rest: string
}

/** What a kid's death before it was up says about why; `limit` is readyTimeout in milliseconds, if that is what ended it. */
function whyNotUp(
  { kid, end }: EarlyEnd,
  words: readonly string[],
  limit: number | undefined,
): Why {
  const said = [...words]
  // Our own kid marks the line that says it; of another's words the first are usually the cause.
  const marked = said.findIndex((text) => text.startsWith(whyMark))
  const [first] = said.splice(Math.max(0, marked), 1)
  const sentence =
    first?.replace(whyMark, '') ??
    (limit === undefined
      ? `kid ${kid} ended ${describeEnd(end)} before it was up, and said nothing`
      : `kid ${kid} was not up within readyTimeout (${limit} ms); its setup may never finish`)
  return { sentence, rest: said.join('\n') }
}
