/** The states that an exploration has seen, as numbers, and who leads to whom; kept small, because there are millions. */

import { createHash } from 'node:crypto'

/** Integers in a list that grows; a tenth of what an array of pairs would take. */
class Integers {
  #values = new Int32Array(1_024)
  length = 0

  push(value: number): void {
    if (this.length === this.#values.length) {
      const larger = new Int32Array(this.length * 2)
      larger.set(this.#values)
      this.#values = larger
    }
    this.#values[this.length++] = value
  }

  at(index: number): number {
    return this.#values[index] ?? 0
  }
}

/** States by number, from 0. */
export class SearchGraph {
  // A Map holds 2^24 entries at most.
  readonly #ids: Map<string, number>[] = Array.from({ length: 16 }, () => new Map())
  readonly #moves = new Map<string, number>()
  readonly #moveNames: string[] = []
  /** For each state: the one it was first reached from, and by which move. */
  readonly #parents = new Integers()
  readonly #by = new Integers()
  /** Honest moves, as pairs of states. */
  readonly #honest = new Integers()

  get size(): number {
    return this.#parents.length
  }

  /** Enters a state that is reached from `parent`; gives its number, and whether it is new. */
  enter(key: string, parent: number, move: string): { id: number; isNew: boolean } {
    // 96 bits: among ten million states two alike are not to be expected in the life of the universe.
    const digest = createHash('md5').update(key).digest('base64').slice(0, 16)
    const ids = this.#ids[digest.charCodeAt(0) & 15] as Map<string, number>
    const known = ids.get(digest)
    if (known !== undefined) return { id: known, isNew: false }
    const id = this.size
    ids.set(digest, id)
    this.#parents.push(parent)
    this.#by.push(this.#moveNumber(move))
    return { id, isNew: true }
  }

  /** Notes that an honest system gets from one state to the other by itself. */
  link(from: number, to: number): void {
    this.#honest.push(from)
    this.#honest.push(to)
  }

  /** The moves by which a state was first reached. */
  pathTo(id: number): string {
    const path: string[] = []
    for (let at = id; at > 0; at = this.#parents.at(at)) {
      path.unshift(this.#moveNames[this.#by.at(at)] ?? '?')
    }
    return path.join(', ')
  }

  /** The states from which no chain of honest moves leads to a settled one. */
  unreached(settled: readonly number[]): number[] {
    const { starts, sources } = this.#backwards()
    const good = new Uint8Array(this.size)
    for (const id of settled) good[id] = 1
    const open = [...settled]
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      for (let i = starts[at] ?? 0; i < (starts[at + 1] ?? 0); i++) {
        const before = sources[i] ?? 0
        if (good[before] === 1) continue
        good[before] = 1
        open.push(before)
      }
    }
    const bad: number[] = []
    for (let id = 0; id < this.size && bad.length < 5; id++) if (good[id] === 0) bad.push(id)
    return bad
  }

  /** The honest moves by where they lead: those to state n stand from starts[n] to starts[n + 1]. */
  #backwards(): { starts: Int32Array; sources: Int32Array } {
    const starts = new Int32Array(this.size + 2)
    for (let i = 1; i < this.#honest.length; i += 2) {
      const to = this.#honest.at(i) + 2
      starts[to] = (starts[to] ?? 0) + 1
    }
    for (let i = 1; i < starts.length; i++) starts[i] = (starts[i] ?? 0) + (starts[i - 1] ?? 0)
    // starts[n + 1] is where the next move to n goes; once all are in, it is where those to n end.
    const sources = new Int32Array(this.#honest.length / 2)
    for (let i = 0; i < this.#honest.length; i += 2) {
      const to = this.#honest.at(i + 1) + 1
      const place = starts[to] ?? 0
      sources[place] = this.#honest.at(i)
      starts[to] = place + 1
    }
    return { starts, sources }
  }

  #moveNumber(move: string): number {
    let number = this.#moves.get(move)
    if (number === undefined) {
      number = this.#moveNames.push(move) - 1
      this.#moves.set(move, number)
    }
    return number
  }
}
