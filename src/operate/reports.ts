/** Asks kids what their detached connections are doing, and gathers what they say; owned by the preforker. */

import pTimeout from 'p-timeout'
import type { Effect } from '../core/events.js'
import type { Parent } from '../parent/parent.js'

/** One connection that lives on without a slot. */
export interface DetachedStatus {
  readonly kid: number
  /** Its number in this kid: it grows, and is never used again. */
  readonly id: number
  /** What its handler says of it. */
  readonly status: string
}

interface Inquiry {
  readonly waitsFor: Set<number>
  readonly found: DetachedStatus[]
  readonly done: Promise<void>
  readonly settle: () => void
}

export class Reports {
  #current: Inquiry | undefined

  /**
   * Asks every kid that has some, and settles when all have answered or died, or after `patience` milliseconds with
   * what was said by then: a kid that is blocked is no reason to wait. Who asks meanwhile gets the same answer.
   */
  async ask(parent: Parent, patience: number): Promise<readonly DetachedStatus[]> {
    const inquiry = this.#current ?? this.#begin(parent)
    await pTimeout(inquiry.done, { milliseconds: patience, fallback: () => {} })
    if (this.#current === inquiry) this.#current = undefined
    return inquiry.found
  }

  /** To be told of every effect that concerns reports. */
  onEffect(effect: Effect): void {
    const inquiry = this.#current
    if (inquiry === undefined) return
    if (effect.type === 'detached') {
      inquiry.found.push({ kid: effect.kid, id: effect.id, status: effect.text })
    } else if (effect.type === 'reported' || effect.type === 'gone' || effect.type === 'kill') {
      inquiry.waitsFor.delete(effect.kid)
      if (inquiry.waitsFor.size === 0) inquiry.settle()
    }
  }

  #begin(parent: Parent): Inquiry {
    let settle = () => {}
    const done = new Promise<void>((resolve) => {
      settle = resolve
    })
    const inquiry: Inquiry = { waitsFor: new Set(), found: [], done, settle }
    this.#current = inquiry
    for (const kid of parent.askable()) inquiry.waitsFor.add(kid)
    for (const kid of [...inquiry.waitsFor]) parent.ask(kid)
    if (inquiry.waitsFor.size === 0) settle()
    return inquiry
  }
}
