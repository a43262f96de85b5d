/** Bench: kept connections in a closed loop, more of them than slots, and clients that come new meanwhile. */

import { inMilliseconds } from '../../src/herd/contest.js'
import type { Figures } from '../../src/herd/rounds.js'
import type { Arguments } from './arguments.js'
import type { CompareClient } from './client-process.js'
import { requestFor } from './connection.js'
import { type Aim, hold } from './contest.js'
import { failures } from './loads.js'
import { abKept, wrk, wrkCounting } from './programs.js'
import { cpuOf, type Server } from './servers.js'

const kids = 4
const connections = 32
/** Milliseconds from one newcomer to the next. */
const every = 50

function aims(slots: number): Aim[] {
  return [
    { figure: 'wrk /s', to: 'cluster-rr', least: 0.95 },
    { figure: 'wrk kept %', least: 95 },
    { figure: 'wrk used again %', least: 95 },
    { figure: 'new p50 ms', most: 20 },
    { figure: 'ab -k /s', to: 'cluster-rr', least: 0.95 },
    { figure: 'ab -k kept %', least: 95 },
    { figure: 'new, ab p50 ms', most: 20 },
    { figure: 'at once', most: slots },
    { figure: 'wrk failed', most: 0 },
    { figure: 'ab failed', most: 0 },
    { figure: 'new failed', most: 0 },
  ]
}

export async function throughput(given: Arguments, client: CompareClient): Promise<void> {
  const slots = given.slots ?? 1
  const title = `${kids} kids x ${slots} slots, ${connections} kept connections, a newcomer each ${every} ms`
  const scene = {
    title,
    aims: aims(slots),
    measure: (server: Server) => measure(server, given.seconds, client),
  }
  await hold(given, { kids, slots }, [scene])
}

async function measure(server: Server, seconds: number, client: CompareClient): Promise<Figures> {
  const { port, counts } = server
  const load = { port, path: '/fast', connections, seconds }
  const request = requestFor('/fast', { close: true })
  // They end while the others still run: what they wait for is there all along.
  const milliseconds = seconds * 1000 - 2 * every
  const come = () => client.make({ kind: 'newcomers', port, request, every, milliseconds })
  const begun = Date.now()
  const cpuBefore = cpuOf(server)
  const alone = await wrk(load)
  const cpu = cpuOf(server) - cpuBefore
  const counted = await counts.since(begun)
  const [beside, newcomers] = await Promise.all([wrkCounting(load), come()])
  const ab = await abKept(load)
  const [abBeside, abNewcomers] = await Promise.all([abKept(load), come()])
  // Requests that give way in the app, so that more than one can be in it at once.
  const awaited = await wrk({ ...load, path: '/await' })
  const all = await counts.since(begun)
  return {
    'wrk /s': alone.perSecond,
    'wrk us': cpu / 1000 / (alone.perSecond * seconds),
    'wrk used again %': 100 * (1 - counted.connections / counted.requests),
    'wrk kept %': 100 * beside.kept,
    'new p50 ms': inMilliseconds(newcomers.sentUs.p50),
    'new p99 ms': inMilliseconds(newcomers.sentUs.p99),
    'ab -k /s': ab.perSecond,
    'ab -k kept %': 100 * Math.min(ab.kept, abBeside.kept),
    'new, ab p50 ms': inMilliseconds(abNewcomers.sentUs.p50),
    'new, ab p99 ms': inMilliseconds(abNewcomers.sentUs.p99),
    'await /s': awaited.perSecond,
    'at once': all.most,
    'wrk failed': alone.failed + beside.failed + awaited.failed,
    'ab failed': ab.failed + abBeside.failed,
    'new failed': failures(newcomers) + failures(abNewcomers),
  }
}
