/** The load client, a process of its own over bare system calls: what it costs is not what the contestants cost. */

import { performance } from 'node:perf_hooks'
import { close, connect, read, writeText } from '../system/descriptors.js'
import { errnoName } from '../system/errno.js'
import { Watch } from '../system/watch.js'
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

/** A connection that takes longer than this, in milliseconds, has failed. */
const patience = 10_000
/** How often, in milliseconds, open arrivals are looked at. */
const beat = 1

const host = '127.0.0.1'

export type HerdProtocol = 'tcp' | 'http'

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: herd\r\nConnection: close\r\n\r\n`

/** One is a connection, whatever it speaks. */
const requests = {
  tcp: { light: 'l', blocking: 'b' },
  http: { light: get('/fast'), blocking: get('/slow') },
} as const
const buffer = Buffer.allocUnsafe(512)

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

/** One connection: a request out, bytes in until the end. */
function exchange(port: number, request: string, end: (ok: boolean) => void): void {
  const fd = connect(host, port)
  if (fd < 0) {
    setImmediate(() => end(false))
    return
  }
  let answered = false
  let over = false
  const finish = (ok: boolean) => {
    if (over) return
    over = true
    clearTimeout(limit)
    watch.close()
    close(fd)
    end(ok)
  }
  const watch = new Watch(fd, () => {
    const bytes = read(fd, buffer)
    if (bytes > 0) answered = true
    else if (bytes === 0) finish(answered)
    else if (errnoName(bytes) !== 'EAGAIN') finish(false)
  })
  const limit = setTimeout(() => finish(false), patience)
  const send = () => {
    if (over) return
    const sent = writeText(fd, request)
    if (sent === request.length) watch.start()
    // Not established yet: on loopback that means that the queue is full, and the kernel tries again.
    else if (errnoName(sent) === 'EAGAIN') setTimeout(send, beat)
    else finish(false)
  }
  send()
}

if (process.send !== undefined) {
  process.on('message', (plan: LoadPlan) => {
    void runLoad(plan).then((result) => process.send?.(result))
  })
}
