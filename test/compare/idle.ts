/** Bench: many idle connections, what memory they hold and what becomes of other clients meanwhile. */

import { setTimeout as pause } from 'node:timers/promises'
import { inMilliseconds } from '../../src/herd/contest.js'
import type { Contestant } from '../../src/herd/contestants.js'
import { readOrEmpty } from '../../src/herd/processes.js'
import { type Figures, interleave } from '../../src/herd/rounds.js'
import type { Arguments } from './arguments.js'
import { CompareClient } from './client-process.js'
import { requestFor } from './connection.js'
import { type Aim, judge, planOf, warmUp } from './contest.js'
import { failures } from './loads.js'
import { wrk } from './programs.js'
import { type Server, startServer } from './servers.js'

const kids = 4
/** How long, in milliseconds, an idle connection is kept: longer than a measurement takes. */
const keepAlive = 600_000
/** The other clients: connections of wrk, and milliseconds from one newcomer to the next. */
const others = 8
const every = 20
/** Readings of memory, of which the least counts: garbage comes and goes. And milliseconds between two. */
const readings = 5
const between = 300

/** Memory comes in steps, when a heap grows: it is told to no better than a tenth. */
const aims: readonly Aim[] = [
  { figure: 'KiB each', to: 'cluster-rr', most: 1.1 },
  { figure: 'KiB each more', to: 'cluster-rr', most: 1.1 },
  { figure: 'open at end %', least: 100 },
  { figure: 'wrk /s, part', least: 0.95 },
  { figure: 'failed', most: 0 },
]

export async function idle(given: Arguments, client: CompareClient): Promise<void> {
  const slots = given.slots ?? 1
  const title = `${given.connections} idle connections on ${kids} kids x ${slots} slots`
  let run = 0
  const rounds = await interleave(title, given.rounds, (name) =>
    measure(name, given, slots, run++, client),
  )
  judge(rounds, aims)
}

/** Each is started anew: what memory was once taken is not given back. */
async function measure(
  name: Contestant,
  given: Arguments,
  slots: number,
  run: number,
  client: CompareClient,
): Promise<Figures> {
  const server = await startServer(name, { ...planOf(given, { kids, slots }), keepAlive })
  const holder = new CompareClient()
  try {
    const { connections } = given
    await warmUp(server, given.warmUp)
    const before = await othersOf(server, given.seconds, client)
    const memoryBefore = await memoryOf(server)
    const request = requestFor('/fast')
    const half = Math.ceil(connections / 2)
    const opening = { kind: 'open', port: server.port, request, run } as const
    const { open: openedHalf, failed: failedHalf } = await holder.hold({
      ...opening,
      connections: half,
    })
    const memoryHalf = await memoryOf(server)
    const { open: opened, failed } = await holder.hold({
      ...opening,
      connections: connections - half,
    })
    const memory = await memoryOf(server)
    const spread = server.counts.open(server.kids())
    const wrong = JSON.stringify([failedHalf, failed])
    console.log(
      `  ${name}: ${opened} opened, failed ${wrong}, connections of each process ${spread}`,
    )
    const during = await othersOf(server, given.seconds, client)
    const { open } = await holder.hold({ kind: 'close' })
    const after = await othersOf(server, given.seconds, client)
    // Without all of them there is nothing to divide by.
    const each = (kib: number, count: number) => (opened === connections ? kib / count : Number.NaN)
    return {
      'KiB each': each(memory.kids - memoryBefore.kids, opened),
      // Garbage from before makes room for the first ones.
      'KiB each more': each(memory.kids - memoryHalf.kids, opened - openedHalf),
      'RSS KiB each': each(memory.rss - memoryBefore.rss, opened),
      'parent KiB each': each(memory.parent - memoryBefore.parent, opened),
      'kids MiB before': memoryBefore.kids / 1024,
      'kids MiB with': memory.kids / 1024,
      'open at end %': (100 * open) / connections,
      'wrk /s before': before.perSecond,
      'wrk /s with': during.perSecond,
      'wrk /s after': after.perSecond,
      // Against both, since a server gets quicker for a while yet.
      'wrk /s, part': (2 * during.perSecond) / (before.perSecond + after.perSecond),
      'p50 ms before': before.p50,
      'p50 ms with': during.p50,
      'p50 ms after': after.p50,
      'p99 ms before': before.p99,
      'p99 ms with': during.p99,
      'p99 ms after': after.p99,
      failed: before.failed + during.failed + after.failed,
    }
  } finally {
    await holder.stop()
    await server.stop()
  }
}

/** What other clients get: kept connections in a closed loop, and then, without them, newcomers. */
async function othersOf({ port }: Server, seconds: number, client: CompareClient) {
  const loop = await wrk({ port, path: '/fast', connections: others, seconds })
  const request = requestFor('/fast', { close: true })
  const milliseconds = seconds * 1000
  const come = await client.make({ kind: 'newcomers', port, request, every, milliseconds })
  return {
    perSecond: loop.perSecond,
    p50: inMilliseconds(come.sentUs.p50),
    p99: inMilliseconds(come.sentUs.p99),
    failed: loop.failed + failures(come),
  }
}

/** KiB: the kids' share of what they have in memory, all that they have in memory, and the parent's share. */
async function memoryOf(server: Server): Promise<{ kids: number; rss: number; parent: number }> {
  const read = () => {
    const pids = server.kids()
    return {
      kids: sumOf(pids, /^Pss:\s+(\d+)/m),
      rss: sumOf(pids, /^Rss:\s+(\d+)/m),
      parent: sumOf([server.pid], /^Pss:\s+(\d+)/m),
    }
  }
  const found = [read()]
  while (found.length < readings) {
    await pause(between)
    found.push(read())
  }
  return found.reduce((least, each) => (each.kids < least.kids ? each : least))
}

function sumOf(pids: readonly number[], pattern: RegExp): number {
  const of = (pid: number) => Number(pattern.exec(readOrEmpty(`/proc/${pid}/smaps_rollup`))?.[1])
  return pids.reduce((sum, pid) => sum + of(pid), 0)
}
