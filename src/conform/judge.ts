/** Whether a kid may say what it says: the parent's own rules, fed with the orders of a trial instead of a round's. */

import type { Kid } from '../core/kid-record.js'
import { tellToLeave } from '../core/leaving.js'
import { addKid, listenerOf, moveKid, newState, type State } from '../core/scoreboard.js'
import type { CoreSettings } from '../core/settings.js'
import { onStatus } from '../core/statuses.js'
import type { Status } from '../protocol/lines.js'

/** When everything happens: deadlines are not kept here. */
const now = 0

export class Judge {
  readonly #state: State
  readonly #kid: Kid

  constructor(settings: CoreSettings) {
    this.#state = newState(settings)
    this.#kid = addKid(this.#state, now)
  }

  /** Connections it takes at once; 0 until it is up. */
  get slots(): number {
    return this.#kid.slots
  }

  /** Connections it holds, by its own account. */
  get held(): number {
    return this.#kid.held + this.#kid.parked
  }

  /** Of these, how many are parked. */
  get parked(): number {
    return this.#kid.parked
  }

  /** Whether it has said that it leaves. */
  get saidLeaving(): boolean {
    return this.#kid.saidLeaving
  }

  /** It was ordered. */
  ordered(seq: number, listener: number, count: number): void {
    const record = listenerOf(this.#state, listener)
    record.ordersOut++
    record.promised += count
    this.#kid.order = {
      seq,
      listener,
      count,
      at: now,
      late: false,
      forgiven: false,
      excused: false,
    }
    // What a kid says of its leaving may cross an order.
    if (!this.saidLeaving) moveKid(this.#state, this.#kid, 'order', now)
  }

  /** It was asked what its detached connections are doing. */
  asked(): void {
    this.#kid.reporting ??= { named: 0 }
  }

  /** It was told to leave. */
  toldToLeave(): void {
    tellToLeave(this.#state, this.#kid, now, [])
  }

  /** It says something: why it must not, or undefined. */
  hear(status: Status): string | undefined {
    return onStatus(this.#state, this.#kid, status, now, [])
  }
}
