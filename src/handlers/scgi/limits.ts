/** What bounds an SCGI client: names, defaults and checks of the options; read when the handler is made. */

import { MAX_DURATION } from '../../durations.js'
import { UsageError } from '../../errors.js'

/** Times are in milliseconds; 0 or Infinity turns one off; undefined is the default. */
export interface ScgiOptions {
  /** Bytes of all names and values together. Default 65,536, at least 1, at most 16 MiB. */
  maxHeaderBytes?: number | undefined
  /** Names at most. Default 256, at least 2: CONTENT_LENGTH and SCGI are always there. */
  maxHeaders?: number | undefined
  /** From the start of the connection until the whole header is there. Default 10,000. */
  headersTimeout?: number | undefined
  /**
   * How long the client may be waited for, in all, until the whole request is there; progress does not extend it, and time
   * in which the handler does not read the body does not count. Default 60,000.
   */
  requestTimeout?: number | undefined
  /** The client takes nothing of what is being sent for so long. Default 60,000. */
  sendTimeout?: number | undefined
}

/** The same, complete and checked. A time that is off is Infinity. */
export type ScgiLimits = { readonly [Name in keyof ScgiOptions]-?: number }

export const defaultScgiLimits: ScgiLimits = {
  maxHeaderBytes: 65_536,
  maxHeaders: 256,
  headersTimeout: 10_000,
  requestTimeout: 60_000,
  sendTimeout: 60_000,
}

/** Fills in the defaults. Throws UsageError, one sentence that names the option, for what is no such limit. */
export function scgiLimits(options: ScgiOptions = {}): ScgiLimits {
  for (const name of Object.keys(options)) {
    if (!(name in defaultScgiLimits)) throw new UsageError(`scgi has no option ${name}`)
  }
  return {
    maxHeaderBytes: count(options, 'maxHeaderBytes', 1, 16 * 1024 * 1024),
    maxHeaders: count(options, 'maxHeaders', 2, 1_000_000),
    headersTimeout: time(options, 'headersTimeout'),
    requestTimeout: time(options, 'requestTimeout'),
    sendTimeout: time(options, 'sendTimeout'),
  }
}

function count(options: ScgiOptions, name: keyof ScgiOptions, least: number, most: number): number {
  const value = options[name] ?? defaultScgiLimits[name]
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new UsageError(`${name} must be a whole number from ${least} to ${most}, not ${value}`)
}

function time(options: ScgiOptions, name: keyof ScgiOptions): number {
  const value = options[name] ?? defaultScgiLimits[name]
  if (value === 0 || value === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY
  if (typeof value === 'number' && value >= 1 && value <= MAX_DURATION) return value
  throw new UsageError(
    `${name} must be milliseconds from 1 to ${MAX_DURATION}, or 0 for off, not ${value}`,
  )
}
