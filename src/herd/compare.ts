/** First figures against node:cluster: node dist/herd/compare.js [ROUNDS [SECONDS]]; the lab will grow from this. */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { cpus, release } from 'node:os'
import { fileURLToPath } from 'node:url'
import { type Contestant, contestants, startContestant } from './contestants.js'
import type { LoadPlan, LoadResult } from './load-client.js'
import { percentile, ratios, summarize } from './statistics.js'

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
interface Figures {
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

async function runClient(plan: LoadPlan): Promise<LoadResult> {
  const client = fork(fileURLToPath(new URL('./load-client.js', import.meta.url)))
  client.send(plan)
  const [result] = (await once(client, 'message')) as [LoadResult]
  return result
}

async function compare(scenario: Scenario, rounds: number, seconds: number): Promise<void> {
  const figures = new Map<Contestant, Figures[]>(contestants.map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    // Interleaved and in an order that changes, so that what drifts on the machine drifts for all.
    const order = contestants.map((_, i) => contestants[(i + round) % contestants.length])
    for (const name of order as Contestant[]) {
      figures.get(name)?.push(await measure(name, scenario, seconds, round + 1))
    }
  }
  console.log(`\n${scenario.title}: median (least .. most) of ${rounds} rounds of ${seconds} s`)
  const names = Object.keys(figures.get('preforkd')?.[0] ?? {}) as (keyof Figures)[]
  for (const figure of names) {
    const of = (name: Contestant) => (figures.get(name) ?? []).map((each) => each[figure])
    const told = contestants.map((name) => `${name} ${show(of(name))}`)
    const over = contestants
      .slice(1)
      .map((base) => `/ ${base} ${show(ratios(of('preforkd'), of(base)))}`)
    console.log(`  ${figure.padEnd(15)} ${told.join('   ')}   ${over.join('  ')}`)
  }
}

function show(values: readonly number[]): string {
  const { median, least, most } = summarize(values)
  const digits = (value: number) => (value >= 100 ? value.toFixed(0) : value.toPrecision(3))
  return `${digits(median)} (${digits(least)} .. ${digits(most)})`
}

const [rounds = '5', seconds = '4'] = process.argv.slice(2)
console.log(
  `Node ${process.version}, Linux ${release()}, ${cpus().length} x ${cpus()[0]?.model.trim()}, loopback`,
)
for (const scenario of scenarios) await compare(scenario, Number(rounds), Number(seconds))
