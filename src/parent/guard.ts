/** Guards the listeners, which kids share and can change for everybody: looks at each once a second, and undoes it. */

import type { Meddling } from '../core/events.js'
import { meddlingsWith } from '../core/meddling.js'
import type { Listener } from '../system/listeners.js'
import { backlogOf, lookAt, mend } from '../system/mending.js'

/** How often to look, in milliseconds. A look is three system calls. */
export const guardEvery = 1_000

/** What was found, and put right unless there is a `code`. */
export interface Found {
  readonly listener: number
  readonly done: readonly Meddling[]
  readonly code: string | undefined
}

export class Guard {
  readonly #listeners: readonly Listener[]
  readonly #commanded: boolean
  /** What the option asks for, where the kernel does not tell what it has made of that. */
  readonly #asked: number
  /** By listener, as the kernel has capped it. */
  readonly #backlogs: (number | undefined)[]
  /** Those that could not be put right: once is enough. */
  readonly #lost = new Set<number>()

  /** `commanded` is false for servers that accept by themselves: of those only that they listen is guarded. */
  constructor(listeners: readonly Listener[], backlog: number, commanded: boolean) {
    this.#listeners = listeners
    this.#asked = backlog
    this.#commanded = commanded
    this.#backlogs = listeners.map(backlogOf)
  }

  /** Looks at the listeners that are `open`, and puts right what it finds. */
  look(open: (listener: number) => boolean): Found[] {
    const found: Found[] = []
    this.#listeners.forEach((listener, number) => {
      if (!open(number) || this.#lost.has(number)) return
      const backlog = this.#backlogs[number]
      const done = meddlingsWith(lookAt(listener), { backlog, commanded: this.#commanded })
      const wanted = backlog ?? this.#asked
      if (done.length === 0) {
        // Where nobody can see whether it was changed it is simply set again, if it was ours to set.
        const unseen = this.#commanded && backlog === undefined && listener.file !== undefined
        if (unseen) mend(listener, 'backlog', wanted)
        return
      }
      const codes = done.map((one) => mend(listener, one, wanted))
      const code = codes.find((each) => each !== undefined)
      if (code !== undefined) this.#lost.add(number)
      // The system may allow less than it did when the server began; that would be found again and again.
      this.#backlogs[number] = backlogOf(listener) ?? backlog
      found.push({ listener: number, done, code })
    })
    return found
  }
}
