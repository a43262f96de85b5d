/** The kinds of values that options have, each with the predicate that says what it must be; used by `option-checks.ts`. */

import { resolve } from 'node:path'
import { z } from 'zod'
import { durationExpected, MAX_DURATION, parseDuration } from './durations.js'
import { UsageError } from './errors.js'
import { MAX_SIZE, parseSize, sizeExpected } from './sizes.js'

/** The least memory a kid may be held to, in bytes: in any language it has as much. */
const MIN_RSS = 1_000_000
/** The largest number of a user or group: the next one, -1, stands for none. */
const MAX_ID = 2 ** 32 - 2

// Messages of the fields are predicates, "must be ...": whoever reports one puts before it what the
// user wrote, `slots` or `--slots` or `PREFORKD_SLOTS`.

/** A value as a refusal shows it. */
export function show(value: unknown): string {
  if (typeof value === 'string') {
    return JSON.stringify(value.length > 100 ? `${value.slice(0, 97)}...` : value)
  }
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  return typeof value === 'function' ? 'a function' : String(value)
}

/** What a check says of a value that is not as expected. */
export function must(expected: string): { error: (issue: { input: unknown }) => string } {
  return { error: ({ input }) => `must be ${expected}, not ${show(input)}` }
}

/** A whole number within limits. */
export function integer(least: number, most: number) {
  const params = must(`a whole number from ${least} to ${most}`)
  return z.int(params).min(least, params).max(most, params)
}

/** One of several words. */
export function choice<const T extends readonly string[]>(values: T) {
  const last = values.at(-1)
  return z.enum(
    values,
    must(values.length === 1 ? `${last}` : `${values.slice(0, -1).join(', ')} or ${last}`),
  )
}

/** A text that says something, and nothing unwanted. */
export function textWithout(params: ReturnType<typeof must>, unwanted: RegExp) {
  return z.string(params).refine((value) => value.trim() !== '' && !unwanted.test(value), params)
}

/** What `read` gives, or its UsageError as an issue of the field. */
export function reading<T>(context: z.RefinementCtx, input: unknown, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    context.addIssue({ code: 'custom', message: error.message.trimStart(), input })
    return z.NEVER
  }
}

/** A duration, or a word that may stand for it; neither 0 nor a fraction of a millisecond. */
export function duration<Word extends string = never>(word?: Word) {
  const written = word === undefined ? durationExpected : `${durationExpected}, or ${word}`
  const limits = must(`from 1 to ${MAX_DURATION} (24 days), in whole milliseconds`)
  return z
    .union([z.number(), z.string()], must(`${written}, or a number of milliseconds`))
    .transform((value, context): number | Word => {
      if (value === word) return word
      const ms =
        typeof value === 'number' ? value : reading(context, value, () => parseDuration(value, ''))
      if (Number.isInteger(ms) && ms >= 1 && ms <= MAX_DURATION) return ms
      context.addIssue({ code: 'custom', message: limits.error({ input: value }), input: value })
      return z.NEVER
    })
}

/** A duration that may be left out or be off: then undefined. */
export function durationOrOff() {
  return duration('off')
    .transform((value) => (value === 'off' ? undefined : value))
    .optional()
}

/** A size, or off; the least one that makes sense: a kid in any language has 1 MB. */
export function sizeOrOff() {
  const limits = must(`from ${MIN_RSS} (1MB) to ${MAX_SIZE} (1000TB), in whole bytes`)
  return z
    .union([z.number(), z.string()], must(`${sizeExpected}, or off, or a number of bytes`))
    .transform((value, context): number | undefined => {
      if (value === 'off') return undefined
      const size =
        typeof value === 'number' ? value : reading(context, value, () => parseSize(value, ''))
      if (Number.isInteger(size) && size >= MIN_RSS && size <= MAX_SIZE) return size
      context.addIssue({ code: 'custom', message: limits.error({ input: value }), input: value })
      return z.NEVER
    })
    .optional()
}

const debuggerExpected = must('on, off, a port from 1024 to 65535, or HOST:PORT with such a port')

/** Where debuggers listen, as Node.js takes it, which is as strict with ports; undefined where they do not. */
export const debuggerPlace = z
  .union([z.number(), z.string()], debuggerExpected)
  .transform((value, context) => {
    if (value === 'off') return undefined
    if (value === 'on') return { host: '127.0.0.1', port: 9_229 }
    const [, host = '127.0.0.1', digits] =
      /^(?:([\w.-]+|\[[\da-f:.]+\]):)?(\d{4,5})$/i.exec(String(value)) ?? []
    const port = Number(digits)
    if (port >= 1_024 && port <= 65_535) return { host, port }
    context.addIssue({
      code: 'custom',
      message: debuggerExpected.error({ input: value }),
      input: value,
    })
    return z.NEVER
  })
  .optional()

const percentExpected = must('a percentage from 0% to 100%')

/** A percentage, as text with or without its sign, or as a number; as a fraction. */
export const percentage = z
  .union([z.number(), z.string().regex(/^\d+(\.\d+)?%?$/, percentExpected)], percentExpected)
  .transform((value, context) => {
    const percent = typeof value === 'number' ? value : Number.parseFloat(value)
    if (percent >= 0 && percent <= 100) return percent / 100
    context.addIssue({
      code: 'custom',
      message: percentExpected.error({ input: value }),
      input: value,
    })
    return z.NEVER
  })

/** A name or a number of the system's; which exist is looked up when it is used. */
export function account(kind: string) {
  const expected = must(`the name or the number of a ${kind}`)
  // Names as useradd takes them, and the domains and dots that directories add. -1 (2^32 - 1) is nobody's number.
  return z
    .union(
      [
        z.int(expected).min(0, expected).max(MAX_ID, expected),
        z.string().regex(/^\w[\w.@\\-]*\$?$/, expected),
      ],
      expected,
    )
    .transform((value, context) => {
      if (typeof value === 'number' || !/^\d+$/.test(value)) return value
      if (Number(value) <= MAX_ID) return Number(value)
      context.addIssue({ code: 'custom', message: expected.error({ input: value }), input: value })
      return z.NEVER
    })
    .optional()
}

const umaskExpected = must('an octal text such as 027, or a number from 0 to 0o777')

/** Permission bits to leave out, in octal if they are text. */
export const umask = z
  .union(
    [
      z.int(umaskExpected).min(0, umaskExpected).max(0o777, umaskExpected),
      z.string().regex(/^0?[0-7]{1,3}$/, umaskExpected),
    ],
    umaskExpected,
  )
  .transform((value) => (typeof value === 'number' ? value : Number.parseInt(value, 8)))
  .optional()

/** A path, made absolute; `what` says of what. */
export function path(what: string) {
  return textWithout(must(`the path of ${what}`), /\0/)
    .transform((value) => resolve(value))
    .optional()
}

const serverNameExpected = must(
  'from 1 to 32 printable ASCII characters, with no space at either end',
)

/** What a server is called: in a title, which is one line and may be cut where it is long. */
export const serverName = z
  .string(serverNameExpected)
  .regex(/^(?! )[ -~]{1,32}(?<! )$/, serverNameExpected)
  .optional()
