/** HTTP against node:cluster: node dist/herd/compare-http.js [ROUNDS [SECONDS [latency|throughput]]]; needs ab and wrk. */

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { ClientProcess } from './client-process.js'
import { hold, inMilliseconds } from './contest.js'
import { type Running, requests } from './contestants.js'
import { type Figures, machine } from './rounds.js'

const run = promisify(execFile)

/** How long, in milliseconds, a program may take beyond the time it is to measure. */
const patience = 20_000

/** Requests a second and what each costs all processes, with keep-alive and without, by two clients that everybody has. */
async function throughput(server: Running, clients: number, seconds: number): Promise<Figures> {
  const url = `http://127.0.0.1:${server.port}/fast`
  const figures: Record<string, number> = {}
  const measure = async (name: string, program: string, flags: readonly string[]) => {
    const before = total(server)
    const { stdout } = await run(program, [...flags, url], { timeout: seconds * 1000 + patience })
    const cost = total(server) - before
    figures[`${name} /s`] = numberIn(stdout, /^Requests(?: per second|\/sec): +([\d.]+)/m)
    const answered = numberIn(stdout, /^(?:Complete requests:)? +(\d+)(?: requests in|$)/m)
    figures[`${name} us`] = cost / 1000 / answered
  }
  // The count only bounds it: `-t` by itself means 50,000.
  const ab = ['-q', '-t', `${seconds}`, '-n', '10000000', '-c', `${clients}`]
  const wrk = ['-d', `${seconds}s`, '-t', '1', '-c', `${clients}`]
  await measure('ab', 'ab', ab)
  await measure('ab -k', 'ab', ['-k', ...ab])
  await measure('wrk close', 'wrk', ['-H', 'Connection: close', ...wrk])
  await measure('wrk', 'wrk', wrk)
  return figures
}

/** Nanoseconds of CPU of all processes so far. */
function total(server: Running): number {
  const { parent, kids } = server.cpu()
  return parent + kids
}

function numberIn(text: string, pattern: RegExp): number {
  const found = pattern.exec(text)?.[1]
  if (found === undefined) throw new Error(`no ${pattern} in ${text}`)
  return Number(found)
}

/** How long light requests take, from when they were meant to begin, while some block a process for 50 ms. */
async function latency({ port }: Running, seconds: number, seed: number): Promise<Figures> {
  const arrivals = { kind: 'poisson', rate: 300 } as const
  const plan = { port, arrivals, requests: requests.http, workPart: 0.1, seed }
  await client.make({ ...plan, milliseconds: 500 })
  const { latencyUs, failed } = await client.make({ ...plan, milliseconds: seconds * 1000 })
  return {
    'p50 ms': inMilliseconds(latencyUs.p50),
    'p99 ms': inMilliseconds(latencyUs.p99),
    failed,
  }
}

async function compareLatency(rounds: number, seconds: number): Promise<void> {
  const title = '/fast with 8 kids x 1 slot, 300 requests/s without keep-alive, 10 % of them /slow'
  await hold({ title, protocol: 'http', kids: 8, slots: 1, rounds }, client, (server, round) =>
    latency(server, seconds, round),
  )
}

async function compareThroughput(rounds: number, seconds: number): Promise<void> {
  for (const [kids, slots, clients] of [
    [4, 8, 32],
    [4, 1, 4],
    [4, 1, 32],
  ] as const) {
    const title = `${kids} kids x ${slots} slots, ${clients} clients`
    await hold({ title, protocol: 'http', kids, slots, rounds }, client, (server) =>
      throughput(server, clients, seconds),
    )
  }
}

const [rounds = '5', seconds = '4', only] = process.argv.slice(2)
const client = new ClientProcess()
console.log(machine())
if (only !== 'throughput') await compareLatency(Number(rounds), Number(seconds))
if (only !== 'latency') await compareThroughput(Number(rounds), Number(seconds))
await client.stop()
