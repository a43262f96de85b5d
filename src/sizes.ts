/** Sizes of memory as people write them, `300MB`, `1GiB`; read from options and flags. */

import { UsageError } from './errors.js'

/** The largest size, in bytes: 1 PB, which no machine has and a double holds exactly. */
export const MAX_SIZE = 1_000_000_000_000_000

const bytes = {
  B: 1,
  kB: 1_000,
  KB: 1_000,
  MB: 1_000_000,
  GB: 1_000_000_000,
  TB: 1_000_000_000_000,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
} as const
type Unit = keyof typeof bytes

const SIZE = /^(\d+)(B|[kKMGT]B|[KMGT]iB)$/

/** What a size looks like, for error messages. */
export const sizeExpected = 'a size with a unit, such as 300MB or 1GiB'

/** A size with its unit, in bytes; `what` names it in the error. */
export function parseSize(text: string, what = 'a size'): number {
  const match = SIZE.exec(text)
  if (match === null) {
    // A bare M is 1000 or 1024 kB, depending on whom one asks: neither is guessed.
    const hint = /^\d{1,9}$/.test(text) ? `: add a unit, ${text}MB or ${text}MiB` : ''
    throw new UsageError(`${what} must be ${sizeExpected}, not ${JSON.stringify(text)}${hint}`)
  }
  const size = Number(match[1]) * bytes[match[2] as Unit]
  if (size > MAX_SIZE) {
    throw new UsageError(`${what} must be at most 1000TB, not ${JSON.stringify(text)}`)
  }
  return size
}

/** A number of bytes as the shortest text that `parseSize` reads back. */
export function formatSize(size: number): string {
  for (const unit of ['TiB', 'TB', 'GiB', 'GB', 'MiB', 'MB', 'KiB', 'kB'] as const) {
    if (size > 0 && size % bytes[unit] === 0) return `${size / bytes[unit]}${unit}`
  }
  return `${size}B`
}
