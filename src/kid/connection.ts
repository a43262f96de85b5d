/** One connection of a kid: which order it came by, where it is in the books, and what its protocol may say of it. */

import type { KidListener } from '../handlers/handler.js'
import type { Held, HeldEars } from '../handlers/held.js'
import type { Slot } from '../handlers/slot.js'
import type { Entry } from './ledger.js'
import type { Waiter } from './slots.js'

/** What a connection needs of those that keep the books. */
export interface ConnectionOwner {
  park(connection: Connection, isNew: boolean): void
  resume(connection: Connection): boolean
  /** It has waited for a slot and has one now. */
  begins(connection: Connection): void
  giveUp(connection: Connection): void
  complete(connection: Connection): void
  closed(connection: Connection): void
  heldUp(milliseconds: number): void
  readonly patience: number | undefined
  /** Whether so many connections are parked that responses should say so. */
  readonly isCrowded: boolean
  readonly unpark: Set<() => void>
  readonly crowd: Set<(excess: number) => void>
}

export class Connection implements Entry, Slot, Waiter, HeldEars {
  readonly seq: number
  readonly listener: KidListener
  readonly #owner: ConnectionOwner
  // As an entry of the ledger.
  place: Entry['place'] = 'slot'
  told: Entry['told'] = 'slot'
  renewed = false
  /** False once it is complete, or detached. */
  open = true
  /** What serves it; there as soon as it has begun. */
  held: Held | undefined
  /** Timers that run while it is in a slot, and the one for its client's first words. */
  readonly limits: NodeJS.Timeout[] = []
  firstByte: NodeJS.Timeout | undefined
  /** How it counts when it ends. */
  ending: 'done' | 'cut' = 'done'
  /** Called when it is complete, where it had been detached before. */
  onEnd: (() => void) | undefined
  /** It has been looked at before: it has lasted for a while. */
  seen = false
  isAtWork: (() => boolean) | undefined
  isComplete = false
  /** It has closed before it is complete: an app is still at work for it. */
  hasClosed = false
  /** Others had room while its request waited. */
  hadToWait = false
  /** What it says it is doing was told. */
  labelled = false
  #gone: AbortController | undefined
  #isGone = false
  #begin: (() => void) | undefined

  /** Its descriptor, for as long as it is open. */
  readonly fd: number | undefined

  constructor(seq: number, listener: KidListener, owner: ConnectionOwner, fd: number | undefined) {
    this.seq = seq
    this.fd = fd
    this.listener = listener
    this.#owner = owner
  }

  /** Aborted when its client has gone. */
  get gone(): AbortSignal {
    this.#gone ??= new AbortController()
    if (this.#isGone) this.#gone.abort()
    return this.#gone.signal
  }

  // What its protocol says.

  park(isNew: boolean): void {
    if (!this.open || this.place !== 'slot') return
    this.hadToWait = false
    this.#owner.park(this, isNew)
  }

  resume(begin: () => void): boolean {
    if (!this.open || this.place === 'slot') return true
    this.#begin = begin
    return this.#owner.resume(this)
  }

  begin(): void {
    this.#owner.begins(this)
    try {
      this.#begin?.()
    } catch (error) {
      // Thrown by its own app: an uncaught exception, as it would be without the wait, and not another connection's.
      process.nextTick(() => {
        throw error
      })
    }
  }

  /** Drops it, for a reason of ours. */
  end(how: 'done' | 'cut'): void {
    this.ending = how
    this.held?.destroy()
  }

  get patience(): number | undefined {
    return this.#owner.patience
  }

  giveUp(): void {
    if (this.place === 'waiting') this.#owner.giveUp(this)
  }

  cut(): void {
    this.ending = 'cut'
  }

  heldUp(milliseconds: number): void {
    this.#owner.heldUp(milliseconds)
  }

  /** A detached one cannot be parked, and must not come back for more without a slot. */
  get isDetached(): boolean {
    return this.onEnd !== undefined
  }

  get shouldEnd(): boolean {
    if (this.isDetached) return true
    return this.hadToWait || this.#owner.isCrowded
  }

  onUnpark(listener: () => void): void {
    this.#owner.unpark.add(listener)
  }

  onCrowd(listener: (excess: number) => void): void {
    this.#owner.crowd.add(listener)
  }

  // What serves it tells.

  complete(): void {
    this.#owner.complete(this)
  }

  clientGone(): void {
    this.#isGone = true
    this.#gone?.abort()
  }

  closed(): void {
    this.#owner.closed(this)
  }
}
