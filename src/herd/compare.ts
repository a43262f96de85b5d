/** First figures against node:cluster: node dist/herd/compare.js [ROUNDS [SECONDS]]; the lab will grow from this. */

import { type Contestant, startContestant } from './contestants.js'
import type { LoadPlan } from './load-client.js'
import { interleave, machine } from './rounds.js'
import { runClient } from './run-client.js'
import { percentile } from './statistics.js'

interface Scenario {
  title: string
  kids: number
  slots: number
  load: Omit<LoadPlan, 'port' | 'duration' | 'seed'>
}

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
    load: { shape: 'saturate', clients: 32, rate: 0, blocking: 0 },
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

async function measure(
  contestant: Contestant,
  { kids, slots, load }: Scenario,
  seconds: number,
  seed: number,
): Promise<Figures> {
  const server = await startContestant(contestant, kids, slots)
  try {
    await runClient({ ...load, port: server.port, duration: 500, seed })
    const before = server.cpu()
    const result = await runClient({ ...load, port: server.port, duration: seconds * 1000, seed })
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
  } finally {
    await server.stop()
  }
}

async function compare(scenario: Scenario, rounds: number, seconds: number): Promise<void> {
  const title = `${scenario.title}: ${seconds} s a round`
  await interleave(title, rounds, (name, round) => measure(name, scenario, seconds, round))
}

const [rounds = '5', seconds = '4'] = process.argv.slice(2)
console.log(machine())
for (const scenario of scenarios) await compare(scenario, Number(rounds), Number(seconds))
