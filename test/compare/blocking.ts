/** Bench: light requests on kept connections while some block their process, for several ways in which requests come. */

import { inMilliseconds } from '../../src/herd/contest.js'
import type { Figures } from '../../src/herd/rounds.js'
import type { Arguments } from './arguments.js'
import type { CompareClient } from './client-process.js'
import { requestFor } from './connection.js'
import { type Aim, hold } from './contest.js'
import { failures, type LoadResult, type Times, type To } from './loads.js'
import { cpuOf, type Server } from './servers.js'

const kids = 8
const clients = 16
const rate = 300
const heavyPart = 0.1
/** For how long, in milliseconds, nothing counts: until connections are where this way of asking puts them. */
const settle = 1_000

interface Model {
  readonly name: string
  readonly title: string
  readonly times: Times
  readonly to: To
}

const models: readonly Model[] = [
  { name: 'own', title: 'each client Poisson of its own', times: 'poisson', to: 'own' },
  { name: 'free', title: 'Poisson in all, to any free client', times: 'poisson', to: 'random' },
  {
    name: 'pool',
    title: 'Poisson in all, to the client used last, as pools do',
    times: 'poisson',
    to: 'last',
  },
  {
    name: 'turn',
    title: 'Poisson in all, to the client free longest',
    times: 'poisson',
    to: 'longest',
  },
  { name: 'even', title: 'evenly spaced, to any free client', times: 'even', to: 'random' },
]

const aims: readonly Aim[] = [
  { figure: 'p99 ms', to: 'cluster-rr', most: 0.6 },
  { figure: 'kept %', least: 80 },
  { figure: 'failed', most: 0 },
]

export async function blocking(given: Arguments, client: CompareClient): Promise<void> {
  const slots = given.slots ?? 1
  const wanted = models.filter(
    ({ name }) => given.models.length === 0 || given.models.includes(name),
  )
  if (wanted.length === 0) {
    throw new Error(`--models must name some of ${models.map(({ name }) => name).join(', ')}`)
  }
  const what = `${kids} kids x ${slots} slots, ${clients} kept connections, ${rate}/s, 10 % block 50 ms`
  const scenes = wanted.map((model) => ({
    title: `${what}; ${model.name}: ${model.title}`,
    aims,
    measure: (server: Server, round: number) =>
      measure(server, model, given.seconds, round, client),
  }))
  await hold(given, { kids, slots }, scenes)
}

async function measure(
  server: Server,
  { times, to, name }: Model,
  seconds: number,
  round: number,
  client: CompareClient,
): Promise<Figures> {
  const load = {
    kind: 'arrivals',
    ...{ port: server.port, clients, rate, times, to, heavyPart },
    light: requestFor('/fast'),
    heavy: requestFor('/slow'),
    settle,
    milliseconds: settle + seconds * 1000,
    seed: round,
  } as const
  const cpuBefore = cpuOf(server)
  const running = client.make(load)
  const spread = await spreadWithin(server, load.milliseconds, running)
  const result = await running
  const cpu = cpuOf(server) - cpuBefore
  const { closedIdle, again, kept, ok, connections } = result
  console.log(`  round ${round}, ${name}, ${server.name}: connections of each process ${spread}`)
  const requests = ok + failures(result)
  return {
    'p50 ms': inMilliseconds(result.sentUs.p50),
    'p90 ms': inMilliseconds(result.sentUs.p90),
    'p99 ms': inMilliseconds(result.sentUs.p99),
    'meant p50 ms': inMilliseconds(result.meantUs.p50),
    'meant p99 ms': inMilliseconds(result.meantUs.p99),
    'kept %': (100 * kept) / requests,
    'used again %': 100 * (1 - connections / requests),
    'closed idle': closedIdle,
    'sent again': again,
    'most conns': Math.max(...spread),
    'least conns': Math.min(...spread),
    'client p99 lag': inMilliseconds(result.lagUs.p99),
    // Of all processes, a part of one core, from the begin of the load.
    'servers busy': cpu / 1e6 / load.milliseconds,
    'client busy': result.busy,
    failed: failures(result),
  }
}

/** Open connections of each process, when three quarters of the load have come. */
async function spreadWithin(
  server: Server,
  milliseconds: number,
  running: Promise<LoadResult>,
): Promise<number[]> {
  const later = new Promise((resolve) => setTimeout(resolve, milliseconds * 0.75))
  await Promise.race([later, running])
  return server.counts.open(server.kids())
}
