/** Where a value lies on an axis, which ticks the axis has, and how numbers are written; used by all plots. */

/** How a value is written on an axis, with its unit where it has one. */
export type Format = (value: number) => string

/** An axis: values to pixels. */
export interface Scale {
  /** The pixel of a value; those beyond the axis are put at its end. */
  at(value: number): number
  readonly ticks: readonly Tick[]
}

export interface Tick {
  readonly value: number
  /** Empty for a line without a number. */
  readonly label: string
}

type Ends = readonly [from: number, to: number]

/** An axis from zero to a round number above the largest value. */
export function linearScale(values: readonly number[], [from, to]: Ends, format: Format): Scale {
  const most = Math.max(0, ...values.filter(Number.isFinite))
  const step = niceStep(most === 0 ? 1 : most)
  const end = Math.max(1, Math.ceil(most / step)) * step
  const ticks: Tick[] = []
  for (let i = 0; i * step <= end * 1.000001; i++) {
    ticks.push({ value: i * step, label: format(i * step) })
  }
  return { ticks, at: (value) => from + ((to - from) * clamp(value, 0, end)) / end }
}

/** Of 1, 2 and 5 times a power of ten, what makes three to six steps. */
function niceStep(most: number): number {
  const rough = most / 5
  const power = 10 ** Math.floor(Math.log10(rough))
  const times = [1, 2, 5, 10].find((times) => times * power >= rough * 0.999) ?? 10
  return times * power
}

/**
 * A logarithmic axis between round numbers around all values. Zero and less cannot be on it: they are put at its
 * lower end. With `at`, ticks are exactly there.
 */
export function logScale(
  values: readonly number[],
  [from, to]: Ends,
  format: Format,
  at?: readonly number[],
): Scale {
  const above = values.filter((value) => Number.isFinite(value) && value > 0)
  // A loop, as an argument each would be too many.
  let least = Number.POSITIVE_INFINITY
  let most = 0
  for (const value of above) {
    least = Math.min(least, value)
    most = Math.max(most, value)
  }
  if (above.length === 0) [least, most] = [1, 10]
  let [low, high] = at === undefined ? [roundDown(least), roundUp(most)] : [least, most]
  if (low === high) [low, high] = [low / 2, high * 2]
  const [bottom, top] = [Math.log(low), Math.log(high)]
  return {
    ticks:
      (at ?? []).length > 0 ? ticksAt(at ?? [], low, high, format) : logTicks(low, high, format),
    at: (value) => {
      const place = value > 0 ? clamp(Math.log(value), bottom, top) : bottom
      return from + ((to - from) * (place - bottom)) / (top - bottom)
    },
  }
}

function ticksAt(at: readonly number[], low: number, high: number, format: Format): Tick[] {
  return at
    .filter((value) => value >= low * 0.999 && value <= high * 1.001)
    .map((value) => ({ value, label: format(value) }))
}

/** Round numbers, from one power of ten to the next. */
const roundNumbers = [1, 1.5, 2, 3, 5, 7, 10]

/** A decade has all of them, two have 1, 2 and 5, more have their powers of ten, many have some of those. */
function logTicks(low: number, high: number, format: Format): Tick[] {
  const [first, last] = [Math.floor(Math.log10(low) + 1e-9), Math.ceil(Math.log10(high) - 1e-9)]
  const decades = Math.log10(high / low)
  const every = Math.ceil((last - first) / 7)
  const within = decades > 7 ? [1] : decades > 1.01 ? [1, 2, 5] : roundNumbers.slice(0, -1)
  const ticks: Tick[] = []
  for (let power = first; power <= last; power++) {
    for (const times of within) {
      const value = times * 10 ** power
      if (value < low * 0.999 || value > high * 1.001) continue
      const labelled = times === 1 ? (power - first) % every === 0 : decades <= 2.5
      ticks.push({ value, label: labelled ? format(value) : '' })
    }
  }
  return ticks
}

function roundDown(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  const times = [...roundNumbers].reverse().find((times) => times * power <= value * 1.000001) ?? 1
  return times * power
}

function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  const times = roundNumbers.find((times) => times * power >= value * 0.999999) ?? 10
  return times * power
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value))
}

/** Three digits, or as many as there are before the point: 0.0123, 1.23, 12.3, 1234. */
export function plain(value: number): string {
  if (value === 0) return '0'
  const size = Math.abs(value)
  if (size >= 1e6 || size < 1e-4)
    return value.toExponential(1).replace('.0e', 'e').replace('e+', 'e')
  if (size >= 99.95) return value.toFixed(0)
  if (size >= 9.995) return dropZeros(value.toFixed(1))
  return dropZeros(value.toPrecision(size >= 1 ? 3 : 2))
}

function dropZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

/** Microseconds, or the unit that suits: 150 us, 1.5 ms, 2 s. */
export function time(us: number): string {
  if (us < 999.5) return `${plain(us)} \u00b5s`
  if (us < 999_500) return `${plain(us / 1000)} ms`
  return `${plain(us / 1_000_000)} s`
}

/** A part of 1 as a percentage. */
export function percent(part: number): string {
  return `${plain(part * 100)} %`
}
