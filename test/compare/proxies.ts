/** Bench: POST requests through a proxy that keeps its connections, while the server is reloaded and its kids go. */

import { setTimeout as pause } from 'node:timers/promises'
import type { Contestant } from '../../src/herd/contestants.js'
import type { Arguments } from './arguments.js'
import type { CompareClient } from './client-process.js'
import { requestFor } from './connection.js'
import { planOf, warmUp } from './contest.js'
import { failures, type LoadResult } from './loads.js'
import { type Front, type Keeping, type ProxyName, startProxy } from './proxy-processes.js'
import { type Server, startServer } from './servers.js'

const kids = 2
const usualSlots = 8
const clients = 16
/** Milliseconds from one reload, or kid that goes, to the next: about what a reload takes on a busy machine. */
const apart = 1_000
/** The longest rest of a client between two requests, in milliseconds. */
const rest = 4
/** Rests as long as the server keeps an idle connection, which it looks after once a second: they meet its end. */
const aroundEnd = [4_900, 6_100] as const
/** Kids that go by themselves, by number of connections or, where those are kept, by age. */
const recycling = ['--max-connections', '100', '--max-age', '2s']

interface Row {
  readonly proxy: ProxyName
  readonly name: string
  readonly keeping: Keeping
  /** Whether nothing may fail. */
  readonly aim: boolean
}

const rows: readonly Row[] = [
  {
    proxy: 'nginx',
    name: 'keepalive 8, idle 2 s',
    keeping: { connections: 8, idle: '2s' },
    aim: true,
  },
  {
    proxy: 'nginx',
    name: 'keepalive 32, idle 2 s',
    keeping: { connections: 32, idle: '2s' },
    aim: true,
  },
  {
    proxy: 'nginx',
    name: 'keepalive 8, idle 60 s',
    keeping: { connections: 8, idle: undefined },
    aim: false,
  },
  {
    proxy: 'haproxy',
    name: 'reuse always, purge 1 s',
    keeping: { connections: 0, idle: '1s' },
    aim: true,
  },
  {
    proxy: 'haproxy',
    name: 'reuse always, purge 5 s',
    keeping: { connections: 0, idle: undefined },
    aim: false,
  },
]

interface Phase {
  readonly name: string
  readonly flags: readonly string[]
  readonly rest: readonly [number, number]
  readonly clients: number
  readonly disturb: (server: Server) => void
}

const usual = { flags: [], rest: [0, rest], clients, disturb: () => {} } as const

/** Kids that were told to go: a kid is told once. */
const told = new Set<number>()

/** Nothing happens in it. */
const calm: Phase = { name: 'calm', ...usual }
const kidsGo: Phase = { name: 'kids go', ...usual, disturb: (server) => endKid(server) }

const phases: readonly Phase[] = [
  calm,
  { name: 'reloads', ...usual, disturb: ({ pid }) => process.kill(pid, 'SIGHUP') },
  kidsGo,
  { name: 'recycled', ...usual, flags: recycling },
  { name: 'rests of 5 s', ...usual, rest: aroundEnd, clients: 64 },
]

export async function proxies(given: Arguments, client: CompareClient): Promise<void> {
  const slots = given.slots ?? usualSlots
  console.log(`\nPOST, ${clients} clients, ${kids} kids x ${slots} slots, ${given.seconds} s each`)
  let all = 0
  let wrong = 0
  for (let round = 0; round < given.rounds; round++) {
    for (const row of rows) {
      for (const phase of phases) {
        const found = await measure('preforkd', row, phase, given, slots, round, client)
        all += found.ok + failures(found)
        if (row.aim) wrong += failures(found)
      }
    }
    // That failures are counted is seen here: a process of node:cluster that is told to go drops what it has.
    for (const phase of [calm, kidsGo]) {
      await measure('cluster-rr', rows[0] as Row, phase, given, slots, round, client)
    }
  }
  console.log(
    `  ${wrong === 0 ? 'met   ' : 'MISSED'} none fails where the proxy is the first to end an idle connection: ${wrong} failed; ${all} requests in all`,
  )
}

async function measure(
  name: Contestant,
  { proxy, name: keeps, keeping }: Row,
  phase: Phase,
  given: Arguments,
  slots: number,
  round: number,
  client: CompareClient,
): Promise<LoadResult> {
  const plan = planOf(given, { kids, slots })
  const server = await startServer(name, { ...plan, flags: [...plan.flags, ...phase.flags] })
  let front: Front | undefined
  try {
    await warmUp(server, Math.min(given.warmUp, 1))
    front = await startProxy(proxy, server.port, keeping)
    const times = phase === calm ? 0 : given.times
    const milliseconds = Math.max(given.seconds * 1000, (times + 1) * apart)
    const request = requestFor('/post', { body: 'a=1' })
    const { rest, clients } = phase
    const load = { kind: 'loop', port: front.port, clients, request, rest, milliseconds } as const
    const begun = Date.now()
    const making = client.make({ ...load, seed: round + 1 })
    await Promise.all([making, disturb(server, phase, times)])
    const found = await making
    const { connections } = await server.counts.since(begun)
    const figures = [
      `${found.ok} answered, ${failures(found)} failed ${JSON.stringify(found.failed)}`,
      `${front.troubles()} lines in the log`,
      `${connections} connections to ${server.counts.processes} processes`,
    ]
    console.log(`  ${name}, ${proxy} ${keeps}, ${phase.name}: ${figures.join(', ')}`)
    return found
  } finally {
    await front?.stop()
    await server.stop()
  }
}

async function disturb(server: Server, { disturb }: Phase, times: number): Promise<void> {
  for (let time = 0; time < times; time++) {
    await pause(apart)
    disturb(server)
  }
}

/** Tells the kid that has been there longest to go. */
function endKid(server: Server): void {
  const pid = server.kids().find((pid) => !told.has(pid))
  if (pid === undefined) return
  told.add(pid)
  process.kill(pid, 'SIGTERM')
}
