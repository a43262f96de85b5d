/** One reload at a time: those asked for meanwhile become a single one afterwards; owned by the preforker. */

interface Asked {
  begin: () => void
  readonly done: Promise<void>
  readonly settle: (error?: Error) => void
}

export class Reloading {
  #current: Asked | undefined
  #next: Asked | undefined

  /** Whether one is under way. */
  get active(): boolean {
    return this.#current !== undefined
  }

  /**
   * Asks for a reload, which `begin` begins now or when the present one has ended. Of several that wait the last one
   * counts, and all who asked are told of its end.
   */
  ask(begin: () => void): Promise<void> {
    if (this.#current === undefined) {
      const asked = newAsked(begin)
      this.#begin(asked)
      return asked.done
    }
    if (this.#next === undefined) this.#next = newAsked(begin)
    else this.#next.begin = begin
    return this.#next.done
  }

  /** The present reload has ended, with an error if it failed. */
  settle(error?: Error): void {
    const current = this.#current
    const next = this.#next
    this.#current = undefined
    this.#next = undefined
    current?.settle(error)
    if (next !== undefined) this.#begin(next)
  }

  /** It may be over by the time it has begun. */
  #begin(asked: Asked): void {
    this.#current = asked
    try {
      asked.begin()
    } catch (error) {
      this.settle(error as Error)
    }
  }

  /** There will be no further reload: those that wait fail with `error`. */
  abandon(error: Error): void {
    const asked = [this.#current, this.#next]
    this.#current = undefined
    this.#next = undefined
    for (const each of asked) each?.settle(error)
  }
}

function newAsked(begin: () => void): Asked {
  let settle: Asked['settle'] = () => {}
  const done = new Promise<void>((resolve, reject) => {
    settle = (error) => (error === undefined ? resolve() : reject(error))
  })
  // Whoever asked may not care; the log tells anyway.
  done.catch(() => {})
  return { begin, done, settle }
}
