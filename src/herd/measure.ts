/** One measurement: warms up, reads the counters, has the load made, reads them again. */

import { availableParallelism } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import type { ClientProcess } from './client-process.js'
import {
  busySeconds,
  type Cost,
  costBetween,
  costOfAll,
  listenTroubles,
  noCost,
} from './counters.js'
import { spreadOf } from './fairness.js'
import type { Herd } from './herds.js'
import { type LabLoad, loadOf } from './lab-load.js'
import { type QueueSample, thinned } from './queue-samples.js'
import type { MeasurementLine, PerConnection } from './results.js'
import type { ShapeName } from './shapes.js'
import type { SharedCounts } from './shared-counts.js'
import { type StrategyName, strategyOf } from './strategies.js'

/** What is to be measured. */
export interface Wanted {
  readonly strategy: StrategyName
  readonly shape: ShapeName
  readonly kids: number
  readonly round: number
  readonly order: number
  readonly seconds: number
  readonly clients: number
  readonly rate: number
  readonly seed: number
}

/** Milliseconds of load before the counters are read, at least; and as a part of the measurement. */
const leastWarmUp = 150
const warmUpPart = 0.2
/** Milliseconds that kids which were woken for nothing have to go back to sleep. */
const settling = 10
/**
 * How often, in milliseconds, the queue is looked at: five times while a connection of `stall` holds its kid. Kids and
 * parent have no part in it: TCP_INFO of a listener is read here. A look costs 0.1 to 0.2 ms of CPU, nearly all of it
 * Node.js waking for the timer, so 1 to 2 % of a core; twice as often, or never, made no difference to the counts, p50
 * and p99 of `trickle` that could be told from noise.
 */
const queueBeat = 10
/** The part of a core from which on it was the client that was measured. */
const tooBusy = 0.9

/** The part of all cores from which on what others have of them is worth a word. */
const tooShared = 0.15

/** Everything that is read before and after. */
interface Reading {
  readonly kids: Cost
  readonly parent: Cost
  readonly accepted: readonly number[]
  readonly empty: number
  readonly waits: number
  readonly overflows: number
  readonly drops: number
  /** Seconds of all cores, and of our own process. */
  readonly busy: number
  readonly ours: number
  readonly at: number
}

/** Measures a herd that is ready. @throws KidError when a process ends; the signal's reason */
export async function measure(
  herd: Herd,
  client: ClientProcess,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<MeasurementLine> {
  const { strategy, shape, kids, round, order, seconds, seed } = wanted
  const plan = loadOf(shape, wanted)
  const load: LabLoad = { ...plan, port: herd.port, milliseconds: seconds * 1000, seed }
  await client.make(
    { ...load, milliseconds: Math.max(leastWarmUp, seconds * 1000 * warmUpPart) },
    signal,
  )
  await pause(settling)
  const threads = strategyOf(strategy).kind === 'lab' ? 'main' : 'all'
  const before = read(herd, threads)
  const queueDepth: QueueSample[] = []
  const began = performance.now()
  const look = () => {
    const depth = herd.depth()
    if (depth !== undefined) queueDepth.push([Math.round(performance.now() - began), depth])
  }
  look()
  const sampler = setInterval(look, queueBeat)
  const result = await client.make(load, signal).finally(() => clearInterval(sampler))
  await pause(settling)
  herd.check()
  const after = read(herd, threads)
  const accepted = after.accepted.map((count, kid) => count - (before.accepted[kid] as number))
  const overflows = after.overflows - before.overflows
  const drops = after.drops - before.drops
  const saturated = result.busy > tooBusy
  const { answered, failed } = result
  const others = othersShare(before, after, result.cpuUs / 1e6)
  const figures = { overflows, drops, saturated, answered, failed, accepted, others }
  return {
    type: 'measurement',
    ...{ round, order, strategy, shape, kids },
    seconds: rounded(result.seconds, 4),
    connections: answered,
    failed,
    perSecond: rounded(answered / result.seconds, 1),
    latencyUs: result.latencyUs,
    histogram: result.histogram,
    perConnection: perConnection(before, after, answered, threads === 'main'),
    kidsAccepted: accepted,
    ...spreadOf(accepted),
    drain: result.drain,
    queueDepth: thinned(queueDepth),
    ...{ overflows, drops },
    client: {
      cpuUsPerConnection: rounded(result.cpuUs / answered, 2),
      busy: rounded(result.busy, 3),
      saturated,
    },
    threads,
    warnings: warningsOf(figures),
  }
}

/** Lets Node.js compile, in every kid of a server, what it will run: the lab's own kids have too little for that to show. */
export async function warmServer(
  herd: Herd,
  client: ClientProcess,
  { clients, seconds, seed }: Pick<Wanted, 'clients' | 'seconds' | 'seed'>,
  signal: AbortSignal,
): Promise<void> {
  const plan = loadOf('saturate', { kids: herd.kidPids.length, clients, rate: 0 })
  await client.make({ ...plan, port: herd.port, milliseconds: seconds * 1000, seed }, signal)
}

function read(herd: Herd, threads: 'main' | 'all'): Reading {
  const { kidPids, parentPid, counts } = herd
  const kids = kidPids.length
  return {
    kids: costOfAll(kidPids, threads),
    parent: parentPid === undefined ? noCost : costOfAll([parentPid], threads),
    accepted: Array.from({ length: kids }, (_, kid) => counts.of(kid, 'accepted')),
    empty: sum(counts, kids, 'empty'),
    waits: sum(counts, kids, 'waits'),
    ...listenTroubles(),
    busy: busySeconds(),
    ours: process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6,
    at: performance.now() / 1000,
  }
}

/** The part of all cores that neither the lab nor what it measures had. */
function othersShare(before: Reading, after: Reading, clientSeconds: number): number {
  const spent = (of: (reading: Reading) => number | null) => Number(of(after)) - Number(of(before))
  const herd = (spent(({ kids }) => kids.cpuNs) + spent(({ parent }) => parent.cpuNs)) / 1e9
  const others = spent(({ busy }) => busy) - herd - clientSeconds - spent(({ ours }) => ours)
  return others / (spent(({ at }) => at) * availableParallelism())
}

function sum(counts: SharedCounts, kids: number, what: 'empty' | 'waits'): number {
  let total = 0
  for (let kid = 0; kid < kids; kid++) total += counts.of(kid, what)
  return total
}

function perConnection(
  before: Reading,
  after: Reading,
  connections: number,
  counted: boolean,
): PerConnection {
  const kids = costBetween(before.kids, after.kids)
  const parent = costBetween(before.parent, after.parent)
  const each = (value: number) => (connections === 0 ? 0 : rounded(value / connections, 4))
  const micros = (ns: number | null) => (ns === null ? null : each(ns / 1000))
  return {
    emptyAccepts: counted ? each(after.empty - before.empty) : null,
    waits: counted ? each(after.waits - before.waits) : null,
    kidSwitchesVoluntary: each(kids.voluntary),
    kidSwitchesInvoluntary: each(kids.involuntary),
    parentSwitchesVoluntary: each(parent.voluntary),
    parentSwitchesInvoluntary: each(parent.involuntary),
    kidCpuUs: micros(kids.cpuNs),
    parentCpuUs: micros(parent.cpuNs),
    kidRunDelayUs: micros(kids.delayNs),
    parentRunDelayUs: micros(parent.delayNs),
  }
}

/** What makes the figures doubtful, in sentences. */
export function warningsOf(figures: {
  readonly overflows: number
  readonly drops: number
  readonly saturated: boolean
  readonly answered: number
  readonly failed: number
  readonly accepted: readonly number[]
  readonly others: number
}): string[] {
  const { overflows, drops, saturated, answered, failed, accepted, others } = figures
  const total = accepted.reduce((sum, count) => sum + count, 0)
  const warnings: string[] = []
  if (answered === 0) warnings.push('No connection was answered.')
  if (failed > 0) warnings.push(`${failed} connections failed.`)
  if (overflows > 0 || drops > 0)
    warnings.push(`Listeners of this machine overflowed ${overflows} times and dropped ${drops}.`)
  if (saturated) warnings.push('The client was the bottleneck: capacity is that of the client.')
  if (others > tooShared)
    warnings.push(
      `Other programs had ${Math.round(others * 100)} % of all cores: trust counts, not times.`,
    )
  if (answered > 0 && total !== answered + failed && failed === 0)
    warnings.push(`Kids accepted ${total} connections, but the client had ${answered}.`)
  if (total > 0 && total < 20 * accepted.length)
    warnings.push('Fewer than 20 connections a kid: their spread says little.')
  return warnings
}

function rounded(value: number, digits: number): number {
  const scale = 10 ** digits
  return Number.isFinite(value) ? Math.round(value * scale) / scale : 0
}
