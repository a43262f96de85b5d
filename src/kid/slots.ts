/** The slots of a kid: shared out between orders and requests on parked connections, in turn. */

/** A request that waits for a slot. */
export interface Waiter {
  /** It has one. Must not throw. */
  begin(): void
}

/** What the slots need of the rest of the kid. */
export interface SlotEars {
  /** Whether connections wait at the listeners. `isOwed` where that decides over a debt, and a late answer would not do. */
  anyWaiting(isOwed: boolean): boolean
  /** A slot is free for an order: the parent should know at once. */
  tell(): void
}

/*
 * Whoever waits in the kernel waits for an order, and whoever waits here for a slot that falls free. Neither must starve,
 * so free slots go to them in turn:
 *   - a slot that is the kernel's turn is told at once and kept for the parent for a moment, `patience`;
 *   - an order that had to be answered with 0 for want of a slot is owed one: the next is the kernel's, if anybody still
 *     waits there.
 */
export class Slots {
  readonly #most: number
  readonly #patience: number
  readonly #ears: SlotEars
  readonly #waiters = new Set<Waiter>()
  #working = 0
  #reserved = 0
  #owes = false
  #isKernelsTurn = false
  #isSharing = false
  #timer: NodeJS.Timeout | undefined
  #takesOrders = true

  /** So many slots; one kept for an order is kept for `patience` milliseconds. */
  constructor(most: number, patience: number, ears: SlotEars) {
    this.#most = most
    this.#patience = patience
    this.#ears = ears
  }

  /** How many are taken. */
  get working(): number {
    return this.#working
  }

  /** How many an order may take. */
  get free(): number {
    return Math.max(0, this.#most - this.#working)
  }

  /** How many requests wait. */
  get waiting(): number {
    return this.#waiters.size
  }

  /** Those that wait, in order. */
  get waiters(): Iterable<Waiter> {
    return this.#waiters
  }

  /** An order has taken so many; `refused` where there was none for it. */
  ordered(taken: number, refused: boolean): void {
    this.#working += taken
    this.#owes = refused
    this.#reserved = 0
    clearTimeout(this.#timer)
    this.#share()
  }

  /** Takes one for a request, unless others have been waiting for that, or it is owed to an order. */
  take(): boolean {
    if (this.#owes && !this.#ears.anyWaiting(true)) this.#owes = false
    const kept = this.#reserved + Number(this.#owes)
    if (this.#waiters.size > 0 || this.free <= kept) return false
    this.#working++
    return true
  }

  /** Has a request wait for one. */
  wait(waiter: Waiter): void {
    this.#waiters.add(waiter)
    this.#share()
  }

  /** It waits no more. */
  forget(waiter: Waiter): void {
    this.#waiters.delete(waiter)
  }

  /** One is free again. */
  release(): void {
    this.#working--
    if (this.#waiters.size > 0) this.#share()
  }

  /** No more orders come. */
  endOrders(): void {
    this.#takesOrders = false
    this.#owes = false
    this.#reserved = 0
    clearTimeout(this.#timer)
    this.#share()
  }

  #share(): void {
    // One that frees its slot while it begins is served by the loop that it was begun from.
    if (this.#isSharing) return
    this.#isSharing = true
    while (this.free > this.#reserved) {
      const [first] = this.#waiters
      if (first === undefined) break
      if (this.#isOrdersTurn()) {
        this.#reserve()
        continue
      }
      this.#waiters.delete(first)
      this.#working++
      this.#isKernelsTurn = true
      first.begin()
    }
    this.#isSharing = false
  }

  #isOrdersTurn(): boolean {
    if (!this.#takesOrders || this.#reserved > 0) return false
    const isTheirs = this.#owes || this.#isKernelsTurn
    if (!isTheirs || !this.#ears.anyWaiting(this.#owes)) {
      this.#owes = false
      return false
    }
    this.#owes = false
    this.#isKernelsTurn = false
    return true
  }

  #reserve(): void {
    this.#reserved = 1
    this.#timer = setTimeout(() => {
      this.#reserved = 0
      this.#share()
    }, this.#patience)
    this.#ears.tell()
  }
}
