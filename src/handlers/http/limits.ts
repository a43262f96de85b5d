/** What bounds an HTTP client: names, defaults and checks of the limits; read when the handler is made. */

import { MAX_DURATION } from '../../durations.js'
import { UsageError } from '../../errors.js'

/** Times are in milliseconds; 0 or Infinity turns one off; undefined is the default. */
export interface HttpOptions {
  /** From the first byte of a request to the end of its head. Default 10,000. */
  headersTimeout?: number | undefined
  /**
   * From the first byte of a request to the end of its body; time in which the app leaves unread what has come does not
   * count. Default 60,000.
   */
  requestTimeout?: number | undefined
  /** The client takes nothing of what is being sent for so long, or for twice as long at most. Default 60,000. */
  sendTimeout?: number | undefined
  /**
   * How long an idle connection is kept for its next request; off is not at all. Default what the app's own server has,
   * otherwise 5,000.
   */
  keepAliveTimeout?: number | undefined
  /** How long idle connections of a kid that leaves live on; off is not at all. Default as keepAliveTimeout. */
  drainGrace?: number | undefined
}

/** The same, checked; undefined where one is off. */
export type HttpLimits = { readonly [Name in keyof HttpOptions]-?: number | undefined } & {
  /** Whether an app's own keepAliveTimeout does not count. */
  readonly keepAliveGiven: boolean
}

export const defaultHttpLimits = {
  headersTimeout: 10_000,
  requestTimeout: 60_000,
  sendTimeout: 60_000,
  keepAliveTimeout: 5_000,
} as const satisfies HttpOptions

const names = [...Object.keys(defaultHttpLimits), 'drainGrace']

/** Limits are looked after so often, in milliseconds, unless one of them is so short that this would be rude. */
const slowestBeat = 1_000
const fastestBeat = 10

/** Fills in the defaults. Throws UsageError, one sentence that names the option, for what is no such limit. */
export function httpLimits(options: HttpOptions = {}): HttpLimits {
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw new UsageError(`http has no option ${name}`)
  }
  const keepAliveTimeout = time(options, 'keepAliveTimeout', defaultHttpLimits.keepAliveTimeout)
  return {
    headersTimeout: time(options, 'headersTimeout', defaultHttpLimits.headersTimeout),
    requestTimeout: time(options, 'requestTimeout', defaultHttpLimits.requestTimeout),
    sendTimeout: time(options, 'sendTimeout', defaultHttpLimits.sendTimeout),
    keepAliveTimeout,
    keepAliveGiven: options.keepAliveTimeout !== undefined,
    drainGrace: time(options, 'drainGrace', keepAliveTimeout ?? 0),
  }
}

function time(options: HttpOptions, name: keyof HttpOptions, standard: number): number | undefined {
  const value = options[name] ?? standard
  if (value === 0 || value === Number.POSITIVE_INFINITY) return undefined
  if (typeof value === 'number' && value >= 1 && value <= MAX_DURATION) return value
  throw new UsageError(
    `${name} must be milliseconds from 1 to ${MAX_DURATION}, or 0 for off, not ${value}`,
  )
}

/** How often, in milliseconds, to look whether a limit has passed: a limit is late by that much at most. */
export function beatOf(limits: HttpLimits): number {
  const { headersTimeout, requestTimeout, sendTimeout, keepAliveTimeout } = limits
  const shortest = Math.min(
    ...[headersTimeout, requestTimeout, sendTimeout, keepAliveTimeout].map(
      (limit) => limit ?? Number.POSITIVE_INFINITY,
    ),
  )
  return Math.max(fastestBeat, Math.min(slowestBeat, shortest / 4))
}
