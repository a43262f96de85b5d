/** Reads results.jsonl back, believing nothing: used by `preforkd herd report`. */

import { readFileSync, statSync } from 'node:fs'
import { z } from 'zod'
import { UsageError } from '../../errors.js'
import type {
  MeasurementLine,
  ResultLine,
  RunLine,
  TimelineLine,
  UnavailableLine,
} from '../results.js'
import { shapeNames } from '../shapes.js'
import { strategyNames } from '../strategies.js'

/** A full run writes some megabytes. */
const mostBytes = 256 * 1024 ** 2

const count = z.number().int().nonnegative()
const amount = z.number().nonnegative()
const part = z.number().min(0).max(1)
const kids = z.number().int().min(1).max(64)
const known = amount.nullable()
const strategy = z.enum(strategyNames)
const shape = z.enum(shapeNames)
const text = z.string().max(10_000)
const pairs = z.array(z.tuple([amount, amount]))

const run = z.object({
  type: z.literal('run'),
  version: text,
  startedAt: text,
  machine: z.object({ cpu: text, cores: count, memoryBytes: amount }),
  kernel: text,
  node: text,
  commit: text.nullable(),
  options: z.object({
    kids: z.array(kids),
    rounds: count,
    seconds: amount,
    shapes: z.array(shape),
    strategies: z.array(strategy),
    clients: count,
    rate: amount,
    seed: z.number(),
    quick: z.boolean(),
  }),
}) satisfies z.ZodType<RunLine>

const measurement = z
  .object({
    type: z.literal('measurement'),
    round: count,
    order: count,
    strategy,
    shape,
    kids,
    seconds: amount,
    connections: count,
    failed: count,
    perSecond: amount,
    latencyUs: z.object({ p50: known, p90: known, p99: known, p999: known, max: known }),
    histogram: pairs,
    perConnection: z.object({
      emptyAccepts: known,
      waits: known,
      kidSwitchesVoluntary: amount,
      kidSwitchesInvoluntary: amount,
      parentSwitchesVoluntary: amount,
      parentSwitchesInvoluntary: amount,
      kidCpuUs: known,
      parentCpuUs: known,
      kidRunDelayUs: known,
      parentRunDelayUs: known,
    }),
    kidsAccepted: z.array(count).max(64),
    jain: part,
    jainExpected: part,
    largestShare: part,
    neverUsed: count,
    drain: z
      .object({
        bursts: count,
        lastReplyMs: z.object({ p50: amount, p90: amount, max: amount }),
        curve: pairs,
      })
      .nullable(),
    queueDepth: pairs,
    overflows: count,
    drops: count,
    client: z.object({ cpuUsPerConnection: amount, busy: amount, saturated: z.boolean() }),
    threads: z.enum(['main', 'all']),
    warnings: z.array(text),
  })
  .refine((line) => line.kidsAccepted.length <= line.kids, {
    message: 'more kids accepted than there are',
    path: ['kidsAccepted'],
  }) satisfies z.ZodType<MeasurementLine>

const unavailable = z.object({
  type: z.literal('unavailable'),
  strategy,
  reason: text,
}) satisfies z.ZodType<UnavailableLine>

const timeline = z
  .object({
    type: z.literal('timeline'),
    strategy,
    kids,
    wakes: z.array(z.tuple([count, amount, z.union([z.literal(0), z.literal(1)])])).max(10_000),
  })
  .refine(({ kids, wakes }) => wakes.every(([kid]) => kid < kids), {
    message: 'a kid beyond the last',
    path: ['wakes'],
  }) satisfies z.ZodType<TimelineLine>

const anyLine = z.discriminatedUnion('type', [run, measurement, unavailable, timeline])

/** Reads a file of results. @throws UsageError that names the file and, where it is at fault, the line */
export function readResults(file: string): [RunLine, ...ResultLine[]] {
  let content: string
  try {
    const { size } = statSync(file)
    if (size > mostBytes) throw new UsageError(`${file} is larger than 256 MiB: no results of ours`)
    content = readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`cannot read ${file}: ${(error as NodeJS.ErrnoException).code}`)
  }
  return parseResults(content, file)
}

/** The lines of a file whose name is only for errors. @throws UsageError */
export function parseResults(content: string, file: string): [RunLine, ...ResultLine[]] {
  const lines = content.split('\n')
  // Each line ends in one; what follows the last is nothing, or what is left of a line cut short.
  if (lines.at(-1) === '') lines.pop()
  const [first, ...rest] = lines.map((line, i) => parseLine(line, i + 1, file))
  if (first === undefined) throw new UsageError(`${file} is empty: there are no results to draw`)
  if (first.type !== 'run') {
    throw new UsageError(`${file}, line 1: the first line must be the run, not a ${first.type}`)
  }
  const other = rest.findIndex(({ type }) => type === 'run')
  if (other !== -1) {
    throw new UsageError(`${file}, line ${other + 2}: a second run; each has a file of its own`)
  }
  return [first, ...rest]
}

function parseLine(line: string, number: number, file: string): ResultLine {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw new UsageError(`${file}, line ${number} is cut short or no JSON`)
  }
  const read = anyLine.safeParse(value)
  if (read.success) return read.data
  const [issue] = read.error.issues
  const where = issue?.path.join('.') ?? ''
  const what = where === '' ? 'it' : where
  throw new UsageError(
    `${file}, line ${number} is no result of the lab: ${what}: ${issue?.message ?? 'is wrong'}`,
  )
}
