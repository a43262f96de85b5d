/** The kid's title in the process list: which kid it is, and whether it has anything to do. */

import { titleOf } from '../protocol/kid-settings.js'

/** How long, in milliseconds, a title may lag behind: a kid that serves thousands a second does not write it as often. */
const lag = 500

export class Title {
  readonly #who: string
  #busy = 0
  #timer: NodeJS.Timeout | undefined

  constructor({ number, settings }: { number: number; settings: { name?: string | undefined } }) {
    this.#who = `${titleOf(settings.name)}: kid ${number}`
    process.title = `${this.#who} pending`
  }

  /** The kid holds so many connections now. */
  show(held: number): void {
    this.#busy = held
    this.#timer ??= setTimeout(() => this.#write(), lag).unref()
  }

  #write(): void {
    this.#timer = undefined
    const what = this.#busy === 0 ? 'idle' : `busy ${this.#busy}`
    process.title = `${this.#who} ${what}`
  }
}
