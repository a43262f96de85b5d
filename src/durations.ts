/** Durations as people write them, `500ms`, `5s`, `2m`, `1h`; read from options and flags. */

import { UsageError } from './errors.js'

/** The longest duration, in milliseconds: 24 days, as a Node.js timer fires at once from 2^31 ms (24.8 days) on. */
export const MAX_DURATION = 24 * 24 * 3_600_000

const milliseconds = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const
type Unit = keyof typeof milliseconds

const DURATION = /^(\d+)(ms|s|m|h)$/

/** What a duration looks like, for error messages. */
export const durationExpected = 'a duration with a unit, such as 500ms, 5s, 2m or 1h'

/** A duration with its unit, in milliseconds; `what` names it in the error. */
export function parseDuration(text: string, what = 'a duration'): number {
  const match = DURATION.exec(text)
  if (match === null) {
    const hint = /^\d{1,9}$/.test(text) ? `: add a unit, ${text}s or ${text}ms` : ''
    throw new UsageError(`${what} must be ${durationExpected}, not ${JSON.stringify(text)}${hint}`)
  }
  const ms = Number(match[1]) * milliseconds[match[2] as Unit]
  if (ms > MAX_DURATION) {
    throw new UsageError(`${what} must be at most 24 days (576h), not ${JSON.stringify(text)}`)
  }
  return ms
}

/** A number of milliseconds as the shortest text that `parseDuration` reads back. */
export function formatDuration(ms: number): string {
  for (const unit of ['h', 'm', 's'] as const) {
    if (ms > 0 && ms % milliseconds[unit] === 0) return `${ms / milliseconds[unit]}${unit}`
  }
  return `${ms}ms`
}
