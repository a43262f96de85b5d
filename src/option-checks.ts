/** What each option may be by itself, its default, and the sentence for one that is not; used by `options.ts`. */

import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Logger } from 'pino'
import { z } from 'zod'
import { UsageError } from './errors.js'
import { parseTrusted } from './handlers/proxy-protocol/trusted.js'
import { parseListenAddress } from './listen-address.js'
import { checkFlags } from './node-flags.js'
import {
  account,
  choice,
  debuggerPlace,
  duration,
  durationOrOff,
  integer,
  must,
  path,
  percentage,
  reading,
  serverName,
  show,
  sizeOrOff,
  textWithout,
  umask,
} from './option-kinds.js'
import type { Hooks } from './option-types.js'

/** What counts where nothing was given; durations in milliseconds. */
export const defaults = {
  protocol: 'tcp',
  listen: '127.0.0.1:8000',
  backlog: 2048,
  maxKidsLeast: 16,
  maxKidsPerCore: 2,
  minSpare: 1,
  maxSpare: 4,
  idleTimeout: 60_000,
  slots: 1,
  pick: 'warm',
  scheduling: 'batch',
  lateAfter: 5,
  maxConnections: 0,
  maxConnectionsJitter: '10%',
  overload: 'graceful',
  headersTimeout: 10_000,
  requestTimeout: 60_000,
  sendTimeout: 60_000,
  keepAliveTimeout: 5_000,
  /** For http and scgi; for tcp it is off. */
  firstByteTimeout: 30_000,
  proxyProtocol: 'off',
  trustedProxies: ['loopback'],
  maxDetached: 1_000,
  maxParked: 10_000,
  allowHalfOpen: 'auto',
  acceptTimeout: 1_000,
  readyTimeout: 10_000,
  stopTimeout: 30_000,
  logLevel: 'info',
} as const

const MAX_REPLY = 4096

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

function hook<Name extends keyof Hooks>(_: Name) {
  return z
    .custom<NonNullable<Hooks[Name]>>((value) => typeof value === 'function', must('a function'))
    .optional()
}

const handlerExpected = must('the path or the file: URL of a module')

const handler = z
  .union(
    [textWithout(handlerExpected, /\0|^(?!file:)[a-z]+:\/\//i), z.instanceof(URL)],
    handlerExpected,
  )
  .transform((value, context) => {
    if (typeof value === 'string' && !value.startsWith('file:')) return resolve(value)
    try {
      return fileURLToPath(value)
    } catch {
      context.addIssue({
        code: 'custom',
        message: handlerExpected.error({ input: String(value) }),
        input: value,
      })
      return z.NEVER
    }
  })

const commandExpected = must('a command line, or a list of a program and its arguments')
const word = textWithout(commandExpected, /\0/)
const command = z.union([word, z.array(word).min(1, commandExpected)], commandExpected)
const trustedExpected = must('an address, a network or a list of them')
const nodeArgsExpected = must('a list of flags of Node.js')
const listenExpected = must('an address or a list of addresses')

/** One check for each option. */
export const fields = {
  handler: handler.optional(),
  program: command.optional(),
  kid: command.optional(),
  server: command.optional(),
  protocol: choice(['tcp', 'http', 'scgi']).default(defaults.protocol),
  listen: z
    .union([z.string(), z.array(z.string()).min(1, listenExpected)], listenExpected)
    .default(defaults.listen)
    .transform((value, context) =>
      [value].flat().map((text) => reading(context, text, () => parseListenAddress(text, ''))),
    ),
  backlog: integer(1, 65_535).default(defaults.backlog),
  kids: integer(1, 10_000).optional(),
  startKids: integer(0, 10_000).optional(),
  minSpare: integer(0, 10_000).optional(),
  maxSpare: integer(1, 10_000).optional(),
  maxKids: integer(1, 10_000).optional(),
  idleTimeout: duration('off')
    .default(defaults.idleTimeout)
    .transform((value) => (value === 'off' ? undefined : value)),
  slots: integer(1, 10_000).default(defaults.slots),
  pick: choice(['warm', 'fair']).default(defaults.pick),
  maxOrders: integer(1, 10_000).optional(),
  lateAfter: duration('never').default(defaults.lateAfter),
  maxConnections: integer(0, 1_000_000_000).default(defaults.maxConnections),
  maxConnectionsJitter: z.prefault(percentage, defaults.maxConnectionsJitter),
  maxAge: durationOrOff(),
  maxRss: sizeOrOff(),
  overload: choice(['graceful', 'abrupt']).default(defaults.overload),
  shedAfter: durationOrOff(),
  overloadReply: z
    .string(must('text'))
    .refine((text) => text !== '' && Buffer.byteLength(text) <= MAX_REPLY, {
      error: ({ input }) =>
        `must be from 1 to ${MAX_REPLY} bytes long, not ${Buffer.byteLength(String(input))}`,
    })
    .optional(),
  acceptTimeout: duration().default(defaults.acceptTimeout),
  readyTimeout: duration().default(defaults.readyTimeout),
  connectionTimeout: durationOrOff(),
  firstByteTimeout: duration('off').optional(),
  headersTimeout: duration('off').optional(),
  requestTimeout: duration('off').optional(),
  sendTimeout: duration('off').optional(),
  keepAliveTimeout: duration('off').optional(),
  drainGrace: duration('off').optional(),
  maxParked: integer(1, 100_000).optional(),
  skipGone: choice(['on', 'off']).optional(),
  allowHalfOpen: choice(['auto', 'on', 'off']).optional(),
  tcpKeepAlive: durationOrOff(),
  proxyProtocol: choice(['off', 'required']).default(defaults.proxyProtocol),
  trustedProxies: z
    .union([z.string(), z.array(z.string()).min(1, trustedExpected)], trustedExpected)
    .transform((value, context) => {
      const entries = [value].flat().flatMap((text) => text.trim().split(/[\s,]+/))
      return reading(context, value, () => {
        parseTrusted(entries)
        return entries
      })
    })
    .optional(),
  maxDetached: integer(0, 100_000).optional(),
  warmupDelay: durationOrOff(),
  stopTimeout: duration().default(defaults.stopTimeout),
  user: account('user'),
  group: account('group'),
  name: serverName,
  nodeArgs: z
    .array(textWithout(must('a flag of Node.js or its value'), /\0/), nodeArgsExpected)
    .superRefine((words, context) => reading(context, words, () => checkFlags(words)))
    .default([]),
  inspectKids: debuggerPlace,
  scheduling: choice(['batch', 'normal']).default(defaults.scheduling),
  kidShutdown: choice(['on', 'off']).optional(),
  umask,
  chdir: path('a directory'),
  logLevel: choice(logLevels).default(defaults.logLevel),
  logFile: path('a file'),
  pidFile: path('a file'),
  log: z.custom<Logger>(isLogger, must('a pino logger')).optional(),
  env: z
    .record(z.string(), z.string(must('text')), must('an object of texts'))
    .superRefine(checkEnvironment)
    .default({}),
  onReady: hook('onReady'),
  onSpawn: hook('onSpawn'),
  onIdle: hook('onIdle'),
  onGone: hook('onGone'),
  onRound: hook('onRound'),
  onOverload: hook('onOverload'),
  onReload: hook('onReload'),
  onStop: hook('onStop'),
}

/** The options that are functions. */
export const hookNames: readonly (keyof Hooks)[] = [
  ...(['onReady', 'onSpawn', 'onIdle', 'onGone', 'onRound', 'onOverload'] as const),
  ...(['onReload', 'onStop'] as const),
]

/** All of them together, and nothing else. */
export const schema = z.strictObject(fields, must('an object'))

/** Options that are good each by itself. */
export type Checked = z.output<typeof schema>

function isLogger(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const logger = value as Record<string, unknown>
  return ['child', 'debug', 'info', 'warn', 'error'].every(
    (key) => typeof logger[key] === 'function',
  )
}

/** What the parent tells kids by environment variable is not for the caller to say. */
function checkEnvironment(env: Record<string, string>, context: z.RefinementCtx): void {
  for (const [name, value] of Object.entries(env)) {
    const wrong =
      !/^[^=\0]+$/.test(name) || value.includes('\0')
        ? 'must be a variable that an environment can hold, without = in its name and without NUL'
        : /^(PREFORKD_|LISTEN_(FDS|FDNAMES|PID)$)/.test(name)
          ? 'must be left to preforkd, which sets it for each kid'
          : undefined
    if (wrong !== undefined) {
      context.addIssue({ code: 'custom', path: [name], message: wrong, input: value })
    }
  }
}

/** The one sentence for the first thing wrong; `called` is what the user wrote for the option's name. */
export function usageError(error: z.ZodError, called: (name: string) => string): UsageError {
  const issue = error.issues[0] as z.core.$ZodIssue
  if (issue.code === 'unrecognized_keys') return unknownOption(issue.keys[0] as string)
  const name = issue.path.map(String).join('.')
  return new UsageError(`${name === '' ? 'options' : called(name)} ${issue.message}`)
}

/** The sentence for a name that no option has; `where` tells the place it was found in. */
export function unknownOption(name: string, where = ''): UsageError {
  const plain = (text: string): string => text.toLowerCase().replace(/[-_]/g, '')
  const near = (Object.keys(fields) as (keyof typeof fields)[])
    .map((known) => ({ known, distance: editDistance(plain(name), plain(known)) }))
    .sort((a, b) => a.distance - b.distance)[0]
  const hint = near !== undefined && near.distance <= 2 ? `, did you mean ${near.known}?` : ''
  return new UsageError(`there is no option ${show(name)}${where}${hint}`)
}

/** Levenshtein's: how many characters to insert, delete or replace. */
function editDistance(from: string, to: string): number {
  let above = Array.from({ length: to.length + 1 }, (_, i) => i)
  for (const [i, char] of [...from].entries()) {
    const next = [i + 1]
    for (let j = 0; j < to.length; j++) {
      const replaced = (above[j] as number) + (char === to[j] ? 0 : 1)
      next.push(Math.min(replaced, (above[j + 1] as number) + 1, (next[j] as number) + 1))
    }
    above = next
  }
  return above[to.length] as number
}
