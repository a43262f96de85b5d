/** When the load client's connections begin: one way for each kind of load. Pure; times are microseconds. */

import type { Arrivals as Plan } from './lab-load.js'

/** Asked in every turn of the client's loop. */
export interface Arrivals {
  /** When the next connection is meant to begin: Infinity while that depends on others to end, or when it is over. */
  next(): number
  /** Takes the next one, which is due: when it was meant to begin. */
  take(now: number): number
  /** A connection has ended. */
  ended(now: number, ok: boolean): void
}

/** How long a client waits after a failure, so that one that is refused does not spin. */
const afterFailure = 1_000

/** Nothing begins `duration` or more after `start`. */
export function arrivalsOf(
  plan: Plan,
  start: number,
  duration: number,
  random: () => number,
): Arrivals {
  const end = start + duration
  switch (plan.kind) {
    case 'loop':
      return new Loop(plan.clients, plan.gapUs, start, end)
    case 'poisson':
      return new Poisson(plan.rate, start, end, random)
    case 'burst':
      return new Burst(plan.size, plan.gapUs, start, end)
  }
}

class Loop implements Arrivals {
  /** When each client that rests begins again: ascending, since all rest equally long but for failures. */
  readonly #due: number[]
  readonly #gap: number
  readonly #end: number

  constructor(clients: number, gap: number, start: number, end: number) {
    this.#due = new Array<number>(clients).fill(start)
    this.#gap = gap
    this.#end = end
  }

  next(): number {
    const due = this.#due[0]
    return due === undefined || due >= this.#end ? Number.POSITIVE_INFINITY : due
  }

  take(now: number): number {
    this.#due.shift()
    // It rests as long as it likes: nobody meant it to begin earlier.
    return now
  }

  ended(now: number, ok: boolean): void {
    this.#due.push(now + (ok ? this.#gap : Math.max(this.#gap, afterFailure)))
  }
}

class Poisson implements Arrivals {
  readonly #rate: number
  readonly #end: number
  readonly #random: () => number
  #due: number

  constructor(rate: number, start: number, end: number, random: () => number) {
    this.#rate = rate
    this.#end = end
    this.#random = random
    this.#due = start + this.#gap()
  }

  #gap(): number {
    return (-Math.log(1 - this.#random()) / this.#rate) * 1e6
  }

  next(): number {
    return this.#due >= this.#end ? Number.POSITIVE_INFINITY : this.#due
  }

  take(): number {
    const due = this.#due
    this.#due += this.#gap()
    return due
  }

  ended(): void {}
}

class Burst implements Arrivals {
  readonly #size: number
  readonly #gap: number
  readonly #end: number
  #due: number
  /** When this burst began. */
  #begun = 0
  #toBegin: number
  #open = 0

  constructor(size: number, gap: number, start: number, end: number) {
    this.#size = size
    this.#gap = gap
    this.#end = end
    this.#due = start
    this.#toBegin = size
  }

  next(): number {
    // A burst that has begun is finished.
    if (this.#toBegin > 0 && this.#toBegin < this.#size) return this.#due
    if (this.#toBegin === 0 || this.#due >= this.#end) return Number.POSITIVE_INFINITY
    return this.#due
  }

  take(now: number): number {
    if (this.#toBegin === this.#size) this.#begun = now
    this.#toBegin--
    this.#open++
    return this.#begun
  }

  ended(now: number): void {
    this.#open--
    if (this.#open > 0 || this.#toBegin > 0) return
    this.#toBegin = this.#size
    this.#due = now + this.#gap
  }
}
