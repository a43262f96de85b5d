/** preforkd against node:cluster: node dist/herd/compare.js [ROUNDS [SECONDS [SCENARIO]]], which a part of its title names. */

import { ClientProcess } from './client-process.js'
import {
  type Contestant,
  contestants,
  type Running,
  requests,
  startContestant,
  warmUp,
} from './contestants.js'
import type { LabLoad } from './lab-load.js'
import { interleave, machine } from './rounds.js'

interface Scenario {
  title: string
  kids: number
  slots: number
  load: Pick<LabLoad, 'arrivals' | 'workPart'>
}

const closedLoop = { arrivals: { kind: 'loop', clients: 32, gapUs: 0 }, workPart: 0 } as const
const open = { kind: 'poisson', rate: 300 } as const

const scenarios: Scenario[] = [
  {
    title: '8 kids x 1 slot, 300/s, 10 % block 50 ms',
    kids: 8,
    slots: 1,
    load: { arrivals: open, workPart: 0.1 },
  },
  {
    title: '4 kids x 8 slots, 300/s, 20 % block 50 ms',
    kids: 4,
    slots: 8,
    load: { arrivals: open, workPart: 0.2 },
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

/** A contestant that is up and has been through its warm-up. */
async function warmed(name: Contestant, { kids, slots }: Scenario): Promise<Running> {
  const server = await startContestant(name, kids, slots)
  await make(server, closedLoop, warmUp, 1)
  return server
}

function make({ port }: Running, load: Scenario['load'], milliseconds: number, seed: number) {
  return client.make({ ...load, requests: requests.tcp, port, milliseconds, seed })
}

async function measure(
  server: Running,
  { load }: Scenario,
  seconds: number,
  seed: number,
): Promise<Figures> {
  await make(server, load, 300, seed)
  const before = server.cpu()
  const result = await make(server, load, seconds * 1000, seed)
  const after = server.cpu()
  const connections = result.answered + result.failed
  const micros = (ns: number) => ns / 1000 / connections
  return {
    'conn/s': result.answered / result.seconds,
    'p50 ms': (result.latencyUs.p50 ?? Number.NaN) / 1000,
    'p99 ms': (result.latencyUs.p99 ?? Number.NaN) / 1000,
    'parent us/conn': micros(after.parent - before.parent),
    'all us/conn': micros(after.parent + after.kids - before.parent - before.kids),
    failed: result.failed,
    'client us/conn': result.cpuUs / connections,
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

const [rounds = '7', seconds = '4', wanted = ''] = process.argv.slice(2)
const client = new ClientProcess()
console.log(machine())
for (const scenario of scenarios) {
  if (scenario.title.includes(wanted)) await compare(scenario, Number(rounds), Number(seconds))
}
await client.stop()
