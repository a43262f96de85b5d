/** How bursts drain: when each reply came, and the median burst. Pure; kept by the load client. */

import type { Drain } from './results.js'
import { percentile } from './statistics.js'

/** The replies of all bursts of one size; 0 for a load that has none. */
export class Bursts {
  readonly #size: number
  /** Milliseconds from the start of its burst, by the start. */
  readonly #replies = new Map<number, number[]>()

  constructor(size: number) {
    this.#size = size
  }

  /** A reply; all connections of a burst have the same intended time, which is its start. In microseconds. */
  answered(start: number, now: number): void {
    if (this.#size === 0) return
    const replies = this.#replies.get(start) ?? []
    replies.push((now - start) / 1000)
    this.#replies.set(start, replies)
  }

  /** Null where there was no burst, or none of which every connection was answered. */
  get drain(): Drain | null {
    const whole = [...this.#replies.values()].filter(({ length }) => length === this.#size)
    if (whole.length === 0) return null
    const last = whole.map((replies) => Math.max(...replies))
    const curve = Array.from({ length: this.#size }, (_, i) => {
      const times = whole.map((replies) => replies[i] as number)
      return [round(percentile(times, 0.5)), i + 1] as const
    })
    return {
      bursts: whole.length,
      lastReplyMs: {
        p50: round(percentile(last, 0.5)),
        p90: round(percentile(last, 0.9)),
        max: round(Math.max(...last)),
      },
      curve,
    }
  }
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000
}
