/** preforkd against node:cluster: node dist/herd/compare.js [ROUNDS [SECONDS]]. */

import { type Contestant, contestants, type Running, startContestant } from './contestants.js'
import type { LoadPlan } from './load-client.js'
import { interleave, machine } from './rounds.js'
import { LoadClient } from './run-client.js'
import { percentile } from './statistics.js'

interface Scenario {
  title: string
  kids: number
  slots: number
  load: Omit<LoadPlan, 'port' | 'duration' | 'seed'>
}

const closedLoop = { shape: 'saturate', clients: 32, rate: 0, blocking: 0 } as const

const scenarios: Scenario[] = [
  {
    title: '8 kids x 1 slot, 300/s, 10 % block 50 ms',
    kids: 8,
    slots: 1,
    load: { shape: 'open', clients: 0, rate: 300, blocking: 0.1 },
  },
  {
    title: '4 kids x 8 slots, 300/s, 20 % block 50 ms',
    kids: 4,
    slots: 8,
    load: { shape: 'open', clients: 0, rate: 300, blocking: 0.2 },
  },
  {
    title: '4 kids x 8 slots, 32 clients in a closed loop',
    kids: 4,
    slots: 8,
    load: closedLoop,
  },
]

/** One contestant's figures of one round. */
type Figures = {
  'conn/s': number
  'p50 ms': number
  'p99 ms': number
  'parent us/conn': number
  'all us/conn': number
  failed: number
  'client us/conn': number
}

/**
 * How long, in milliseconds, a contestant is loaded before anything counts. V8 compiles for so long: in the first two
 * seconds a connection costs three times what it costs after ten, and servers live longer than that.
 */
const warmUp = 10_000

/** A contestant that is up and has been through its warm-up. */
async function warmed(name: Contestant, { kids, slots }: Scenario): Promise<Running> {
  const server = await startContestant(name, kids, slots)
  await client.run({ ...closedLoop, port: server.port, duration: warmUp, seed: 1 })
  return server
}

async function measure(
  server: Running,
  { load }: Scenario,
  seconds: number,
  seed: number,
): Promise<Figures> {
  await client.run({ ...load, port: server.port, duration: 300, seed })
  const before = server.cpu()
  const result = await client.run({ ...load, port: server.port, duration: seconds * 1000, seed })
  const after = server.cpu()
  const connections = result.completed + result.failed
  const micros = (ns: number) => ns / 1000 / connections
  return {
    'conn/s': (result.completed / result.took) * 1000,
    'p50 ms': percentile(result.latencies, 0.5),
    'p99 ms': percentile(result.latencies, 0.99),
    'parent us/conn': micros(after.parent - before.parent),
    'all us/conn': micros(after.parent + after.kids - before.parent - before.kids),
    failed: result.failed,
    'client us/conn': (result.clientCpu * 1000) / connections,
  }
}

async function compare(scenario: Scenario, rounds: number, seconds: number): Promise<void> {
  const title = `${scenario.title}: ${seconds} s a round`
  const servers = new Map<Contestant, Running>()
  try {
    for (const name of contestants) servers.set(name, await warmed(name, scenario))
    await interleave(title, rounds, (name, round) =>
      measure(servers.get(name) as Running, scenario, seconds, round),
    )
  } finally {
    await Promise.all([...servers.values()].map((server) => server.stop()))
  }
}

const [rounds = '7', seconds = '4'] = process.argv.slice(2)
const client = new LoadClient()
console.log(machine())
for (const scenario of scenarios) await compare(scenario, Number(rounds), Number(seconds))
client.close()
