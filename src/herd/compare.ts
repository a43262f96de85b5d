/** preforkd against node:cluster: node dist/herd/compare.js [ROUNDS [SECONDS [SCENARIO]]], which a part of its title names. */

import { ClientProcess } from './client-process.js'
import { closedLoop, hold, inMilliseconds } from './contest.js'
import { type Running, requests } from './contestants.js'
import type { LabLoad } from './lab-load.js'
import { type Figures, machine } from './rounds.js'

interface Scenario {
  title: string
  kids: number
  slots: number
  load: Pick<LabLoad, 'arrivals' | 'workPart'>
}

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

async function measure(
  { port, cpu }: Running,
  load: Scenario['load'],
  seconds: number,
  seed: number,
): Promise<Figures> {
  const plan = { ...load, requests: requests.tcp, port, seed }
  await client.make({ ...plan, milliseconds: 300 })
  const before = cpu()
  const result = await client.make({ ...plan, milliseconds: seconds * 1000 })
  const after = cpu()
  const connections = result.answered + result.failed
  const micros = (ns: number) => ns / 1000 / connections
  return {
    'conn/s': result.answered / result.seconds,
    'p50 ms': inMilliseconds(result.latencyUs.p50),
    'p99 ms': inMilliseconds(result.latencyUs.p99),
    'parent us/conn': micros(after.parent - before.parent),
    'all us/conn': micros(after.parent + after.kids - before.parent - before.kids),
    failed: result.failed,
    'client us/conn': result.cpuUs / connections,
  }
}

const [rounds = '7', seconds = '4', wanted = ''] = process.argv.slice(2)
const client = new ClientProcess()
console.log(machine())
for (const { title, kids, slots, load } of scenarios) {
  if (!title.includes(wanted)) continue
  const contest = {
    title: `${title}: ${seconds} s a round`,
    protocol: 'tcp',
    kids,
    slots,
    rounds: Number(rounds),
  } as const
  await hold(contest, client, (server, round) => measure(server, load, Number(seconds), round))
}
await client.stop()
