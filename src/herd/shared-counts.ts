/** What kids count, in memory that they share with the lab: counting costs no system call, and is seen at any time. */

import { closeSync, ftruncateSync, openSync } from 'node:fs'
import { close } from '../system/descriptors.js'
import { mapShared, openMemory } from '../system/herd-calls.js'
import { MOST_KIDS } from './shapes.js'

/** A slot has a cache line of its own: kids that count do not slow each other down. */
const perSlot = 64 / Int32Array.BYTES_PER_ELEMENT

/** Where in its slot a process keeps what; a kid's slot is its number plus one, slot 0 is for all. */
export const field = {
  pid: 0,
  ready: 1,
  accepted: 2,
  empty: 3,
  waits: 4,
  /** In slot 0: how many slots have been claimed. */
  claimed: 0,
} as const

const size = (MOST_KIDS + 1) * perSlot * Int32Array.BYTES_PER_ELEMENT

/** The memory as a process sees it. */
export class SharedCounts {
  readonly #cells: Int32Array

  constructor(fd: number) {
    this.#cells = new Int32Array(mapShared(fd, size))
  }

  /** All of them, for a loop that counts in place: `cells[start + field.waits]++`. */
  get cells(): Int32Array {
    return this.#cells
  }

  /** Where the slot of a kid, from 0 on, starts. */
  start(kid: number): number {
    return (kid + 1) * perSlot
  }

  of(kid: number, what: keyof typeof field): number {
    return this.#cells[this.start(kid) + field[what]] as number
  }

  /** How many kids are ready, of the first `kids`. */
  ready(kids: number): number {
    let count = 0
    for (let kid = 0; kid < kids; kid++) count += this.of(kid, 'ready')
    return count
  }

  /** For a kid that nobody has given a number: the next free one; the last for all who come too late. */
  claim(): number {
    return Math.min(Atomics.add(this.#cells, field.claimed, 1), MOST_KIDS - 1)
  }

  /** Says that this process is kid number `kid`, and begins. */
  announce(kid: number): void {
    const start = this.start(kid)
    this.#cells[start + field.pid] = process.pid
    Atomics.store(this.#cells, start + field.ready, 1)
  }
}

/** The memory of a new herd. @throws SystemError */
export interface OwnedCounts {
  readonly counts: SharedCounts
  /** What kids open it by, as long as it is not closed. */
  readonly path: string
  close(): void
}

/** Makes the memory. @throws SystemError (EMFILE, or ENOTSUP off Linux) */
export function createCounts(): OwnedCounts {
  const fd = openMemory()
  try {
    ftruncateSync(fd, size)
    const counts = new SharedCounts(fd)
    return { counts, path: `/proc/${process.pid}/fd/${fd}`, close: () => close(fd) }
  } catch (error) {
    close(fd)
    throw error
  }
}

/** Opens the memory that another process has made. */
export function openCounts(path: string): SharedCounts {
  const fd = openSync(path, 'r+')
  try {
    return new SharedCounts(fd)
  } finally {
    closeSync(fd)
  }
}
