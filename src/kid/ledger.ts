/** What the parent has been told of a kid's connections, and what it has not: net changes, gathered until they are told. */

import { PARKED_SEQ } from '../protocol/limits.js'
import { type Change, formatChange, formatWaiting } from '../protocol/lines.js'

/** A connection in the books. */
export interface Entry {
  readonly seq: number
  /** Where it is: in a slot, or parked, and whether its request waits. */
  place: 'slot' | 'parked' | 'waiting'
  /** Where the parent believes it to be. */
  told: 'slot' | 'parked'
  /** It has been parked and resumed since it was told of: its time, or its label, is to begin anew. */
  renewed: boolean
}

/** In this order slots fall free before others are taken. */
const changes = ['done', 'cut', 'skip', 'park', 'resume'] as const satisfies readonly Change[]

export class Ledger {
  readonly #counts = new Map<Change, Map<number, number>>(changes.map((what) => [what, new Map()]))
  readonly #moved = new Set<Entry>()
  #toldHeld = 0
  #endedUntold = 0
  #toldWaiting = 0
  #waiting = 0
  #pending = false
  #hasEnded = false

  /** How many connections the parent believes to be in slots. */
  get toldHeld(): number {
    return this.#toldHeld
  }

  /** Whether there is anything to tell. */
  get pending(): boolean {
    if (!this.#pending) return false
    if (this.#hasEnded || this.#isNews()) return true
    for (const entry of this.#moved) if (isUntold(entry)) return true
    this.#pending = false
    this.#moved.clear()
    return false
  }

  /** Connections were accepted, of which the answer tells. */
  accepted(count: number): void {
    this.#toldHeld += count
  }

  /** One was let live on without a slot, of which its own line tells. */
  detached(entry: Entry): void {
    this.#moved.delete(entry)
    this.#toldHeld--
  }

  /** It has moved between slot and parking. */
  moved(entry: Entry): void {
    this.#moved.add(entry)
    this.#pending = true
  }

  /** It has ended, one way or the other. */
  ended(entry: Entry, how: 'done' | 'cut' | 'skip'): void {
    const seq = entry.told === 'parked' ? PARKED_SEQ : entry.seq
    this.#count(how, seq)
    this.#moved.delete(entry)
    if (entry.told === 'slot') this.#endedUntold++
    this.#hasEnded = true
    this.#pending = true
  }

  /**
   * So many requests wait. Told when there are any or none, and when they are twice as many as was told, or half: the
   * parent wants to know how busy the kid is, and every word costs.
   */
  waits(count: number): void {
    this.#waiting = count
    if (this.#isNews()) this.#pending = true
  }

  /** The line that says that so many wait, or have just waited; counts as told. What waits now is told again. */
  sayWaiting(count: number): string {
    this.#toldWaiting = count
    this.#pending = true
    return formatWaiting(count)
  }

  /** What is to be told, as lines, and counts it as told. */
  take(): string[] {
    if (!this.#pending) return []
    this.#pending = false
    this.#hasEnded = false
    this.#toldHeld -= this.#endedUntold
    this.#endedUntold = 0
    for (const entry of this.#moved) this.#settle(entry)
    this.#moved.clear()
    const lines: string[] = []
    for (const [what, counts] of this.#counts) {
      for (const [seq, count] of counts) lines.push(formatChange(what, seq, count))
      counts.clear()
    }
    if (this.#isNews()) {
      this.#toldWaiting = this.#waiting
      lines.push(formatWaiting(this.#waiting))
    }
    return lines
  }

  #settle(entry: Entry): void {
    if (!isUntold(entry)) return
    const place = entry.place === 'slot' ? 'slot' : 'parked'
    if (entry.told === 'slot') {
      this.#count('park', entry.seq)
      this.#toldHeld--
      entry.told = 'parked'
    }
    if (entry.told === 'parked' && place === 'slot') {
      this.#count('resume', entry.seq)
      this.#toldHeld++
      entry.told = 'slot'
    }
    entry.renewed = false
  }

  #count(what: Change, seq: number): void {
    const counts = this.#counts.get(what)
    counts?.set(seq, (counts.get(seq) ?? 0) + 1)
  }

  #isNews(): boolean {
    const [told, now] = [this.#toldWaiting, this.#waiting]
    return (told === 0) !== (now === 0) || now > told * 2 || now * 2 < told
  }
}

/** Whether a connection is elsewhere than the parent believes, or begins anew where it is. */
function isUntold({ place, told, renewed }: Entry): boolean {
  return (place === 'slot') !== (told === 'slot') || (place === 'slot' && renewed)
}
