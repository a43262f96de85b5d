/** Options, complete, checked and frozen; read once at start and again at each reload. */

import { availableParallelism } from 'node:os'
import { z } from 'zod'
import { type Checked, defaults, fields, hookNames, schema, usageError } from './option-checks.js'
import { refuseContradictions, refuseIf, refusePortsBeyond } from './option-conflicts.js'
import type { Hooks, OptionName, Options, PreforkerOptions } from './option-types.js'

export { hookNames, unknownOption } from './option-checks.js'
export { show } from './option-kinds.js'
export { type OptionRow, optionTable } from './option-table.js'
export type {
  Duration,
  Hooks,
  LogLevel,
  OptionName,
  Options,
  PreforkerOptions,
  Protocol,
  Size,
} from './option-types.js'

/** Every option has its check. */
const checks: Record<OptionName, z.ZodType> = fields

type Pool = Pick<Options, 'fixed' | 'startKids' | 'minSpare' | 'maxSpare' | 'maxKids'>

function poolSize(o: Checked): Pool {
  const kids = o.kids ?? (o.server === undefined ? undefined : 1)
  if (kids !== undefined) {
    return { fixed: true, startKids: kids, minSpare: kids, maxSpare: kids, maxKids: kids }
  }
  const cores = availableParallelism()
  const maxKids = o.maxKids ?? Math.max(defaults.maxKidsLeast, defaults.maxKidsPerCore * cores)
  const minSpare = o.minSpare ?? defaults.minSpare
  const maxSpare = o.maxSpare ?? Math.max(defaults.maxSpare, minSpare)
  const startKids = o.startKids ?? (minSpare === 0 ? 0 : Math.min(cores, maxSpare, maxKids))
  const from = o.maxKids === undefined ? 'by default' : 'as given'
  for (const [name, count] of Object.entries({ startKids, minSpare })) {
    refuseIf(
      count > maxKids,
      `${name} (${count}) must be at most maxKids (${maxKids} ${from}): more cannot be alive`,
    )
  }
  refuseIf(
    minSpare > maxSpare,
    `minSpare (${minSpare}) must be at most maxSpare (${maxSpare}): kids would come and go for ever`,
  )
  refuseIf(
    startKids === 0 && minSpare > 0,
    `startKids (0) must be at least 1 unless minSpare is 0: minSpare (${minSpare}) wants idle kids from the start`,
  )
  return { fixed: false, startKids, minSpare, maxSpare, maxKids }
}

const requestLimitNames = [
  ...(['firstByteTimeout', 'headersTimeout', 'requestTimeout'] as const),
  ...(['sendTimeout', 'keepAliveTimeout'] as const),
]

/** What a client is given for a request and its response: of a plain connection nothing is known, so nothing is limited. */
function requestLimits(o: Checked) {
  const limits = {} as Record<(typeof requestLimitNames)[number], number | undefined>
  for (const name of requestLimitNames) {
    const given = o[name] ?? (o.protocol === 'tcp' ? 'off' : defaults[name])
    limits[name] = given === 'off' ? undefined : given
  }
  return limits
}

/** What concerns connections as such, whatever is spoken on them. */
function connectionCare(o: Checked, keepAliveTimeout: number | undefined) {
  const grace = o.drainGrace ?? Math.min(keepAliveTimeout ?? 0, Math.floor(o.stopTimeout / 2))
  const speaks = o.protocol !== 'tcp'
  return {
    keepAliveGiven: o.keepAliveTimeout !== undefined,
    drainGrace: grace === 'off' ? 0 : grace,
    maxParked: o.maxParked ?? defaults.maxParked,
    skipGone: o.skipGone === undefined ? speaks : o.skipGone === 'on',
    allowHalfOpen: o.allowHalfOpen ?? defaults.allowHalfOpen,
    tcpKeepAlive: o.tcpKeepAlive,
  }
}

/** Whether there is an option of that name. */
export function isOption(name: string): name is OptionName {
  return Object.hasOwn(checks, name)
}

/** Check one option by itself, called what the user called it: `--slots`, `PREFORKD_SLOTS`, `slots in FILE`. */
export function checkOption(name: OptionName, value: unknown, called: string): void {
  const result = checks[name].safeParse(value)
  if (result.success) return
  // Of a part of an option's value the part is said too: env.A in FILE.
  throw usageError(rooted(result.error, name), (path) =>
    called.startsWith(name) ? path + called.slice(name.length) : called,
  )
}

function rooted(error: z.ZodError, name: string): z.ZodError {
  return new z.ZodError(error.issues.map((issue) => ({ ...issue, path: [name, ...issue.path] })))
}

function freeze<T extends object>(value: T): Readonly<T> {
  for (const inner of Object.values(value)) {
    if (typeof inner === 'object' && inner !== null) freeze(inner)
  }
  return Object.freeze(value)
}

/** All options, checked, complete and frozen; or a UsageError with one sentence on the first that is wrong. */
export function parseOptions(input: PreforkerOptions): Options {
  const result = schema.safeParse(input)
  if (!result.success) throw usageError(result.error, (name) => name)
  const checked = result.data
  refuseContradictions(checked)
  const pool = poolSize(checked)
  refusePortsBeyond(checked, pool.maxKids)
  const { kids: _, log, ...rest } = checked
  const limits = requestLimits(checked)
  const hooks: Record<string, unknown> = {}
  for (const name of hookNames) {
    if (rest[name] !== undefined) hooks[name] = rest[name]
    delete rest[name]
  }
  // The logger is the caller's, and goes on changing.
  return Object.freeze({
    ...freeze({
      ...rest,
      ...pool,
      handler: checked.handler,
      program: checked.program,
      kid: checked.kid,
      server: checked.server,
      maxOrders: checked.maxOrders,
      maxAge: checked.maxAge,
      maxRss: checked.maxRss,
      shedAfter: checked.shedAfter,
      overloadReply: checked.overloadReply,
      connectionTimeout: checked.connectionTimeout,
      ...limits,
      ...connectionCare(checked, limits.keepAliveTimeout),
      trustedProxies: checked.trustedProxies ?? defaults.trustedProxies,
      maxDetached: checked.maxDetached ?? defaults.maxDetached,
      warmupDelay: checked.warmupDelay,
      user: checked.user,
      group: checked.group,
      name: checked.name,
      inspectKids: checked.inspectKids,
      scheduling: checked.scheduling,
      kidShutdown: checked.kidShutdown,
      umask: checked.umask,
      chdir: checked.chdir,
      logFile: checked.logFile,
      pidFile: checked.pidFile,
      idleTimeout: checked.idleTimeout,
      hooks: hooks as Hooks,
    }),
    log,
  })
}
