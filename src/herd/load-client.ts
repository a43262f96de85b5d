/** The load client, a process of its own over bare system calls: what it costs is not what the contestants cost. */

import { performance } from 'node:perf_hooks'
import { exchange } from './exchange.js'
import { randomFrom } from './random.js'

/** What load to make; always bounded in count and time, always to loopback. */
export interface LoadPlan {
  port: number
  /** What the contestants speak; `tcp` when left out. */
  protocol?: HerdProtocol
  /** `saturate`: so many clients, each connecting again at once. `open`: Poisson arrivals at a rate. */
  shape: 'saturate' | 'open'
  clients: number
  /** Connections a second, for `open`. */
  rate: number
  /** Part of the connections that block their kid. */
  blocking: number
  /** Milliseconds; connections begun before count. */
  duration: number
  /** For `saturate`: at most so many connections; no limit when left out. */
  connections?: number
  /** Seed of the random numbers: the same for every contestant of a round. */
  seed: number
}

/** What came of it. */
export interface LoadResult {
  completed: number
  failed: number
  /** Milliseconds from first to last. */
  took: number
  /** Milliseconds from the intended beginning of a connection that does not block, to its end. */
  latencies: number[]
  /** Milliseconds of CPU the client itself took. */
  clientCpu: number
}

/** How often, in milliseconds, open arrivals are looked at. */
const beat = 1

export type HerdProtocol = 'tcp' | 'http'

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: herd\r\nConnection: close\r\n\r\n`

/** One is a connection, whatever it speaks. */
const requests = {
  tcp: { light: 'l', blocking: 'b' },
  http: { light: get('/fast'), blocking: get('/slow') },
} as const

/** Makes the load of a plan. */
export function runLoad(plan: LoadPlan): Promise<LoadResult> {
  const random = randomFrom(plan.seed)
  const request = requests[plan.protocol ?? 'tcp']
  const result: LoadResult = { completed: 0, failed: 0, took: 0, latencies: [], clientCpu: 0 }
  const cpu = process.cpuUsage()
  const begun = performance.now()
  let active = 0
  let stopped = false
  let left = plan.connections ?? Number.POSITIVE_INFINITY
  return new Promise((resolve) => {
    const finish = () => {
      if (!stopped || active > 0) return
      result.took = performance.now() - begun
      const { user, system } = process.cpuUsage(cpu)
      result.clientCpu = (user + system) / 1000
      resolve(result)
    }
    const begin = (intended: number, then: () => void) => {
      active++
      const blocks = random() < plan.blocking
      exchange(plan.port, request[blocks ? 'blocking' : 'light'], (ok) => {
        active--
        if (ok) result.completed++
        else result.failed++
        if (ok && !blocks) result.latencies.push(performance.now() - intended)
        then()
      })
    }
    const again = () => {
      const now = performance.now()
      if (now - begun >= plan.duration || left-- <= 0) {
        stopped = true
        finish()
      } else begin(now, again)
    }
    if (plan.shape === 'saturate') {
      for (let i = 0; i < plan.clients; i++) again()
      return
    }
    let next = begun
    const timer = setInterval(() => {
      const now = performance.now()
      while (next <= now && next - begun < plan.duration) {
        begin(next, finish)
        next += (-Math.log(1 - random()) / plan.rate) * 1000
      }
      if (next - begun < plan.duration) return
      clearInterval(timer)
      stopped = true
      finish()
    }, beat)
  })
}

if (process.send !== undefined) {
  process.on('message', (plan: LoadPlan) => {
    void runLoad(plan).then((result) => process.send?.(result))
  })
}
