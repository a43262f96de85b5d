/** The load client: one loop over system calls, so that it costs little beside what it measures. A process. */

import { performance } from 'node:perf_hooks'
import { close, connect, read, writeText } from '../system/descriptors.js'
import { negated } from '../system/errno.js'
import {
  addToEpoll,
  openEpoll,
  poll,
  resetOnClose,
  setTimerSlack,
  waitOnEpoll,
} from '../system/herd-calls.js'
import { setParentDeathSignal } from '../system/process.js'
import { type Arrivals, arrivalsOf } from './arrivals.js'
import { Bursts } from './bursts.js'
import { Latencies } from './histogram.js'
import { connectionLimit, type LabLoad, type LabLoadResult, MOST_OPEN } from './lab-load.js'
import { randomFrom } from './random.js'

const EAGAIN = negated('EAGAIN')
const loopback = '127.0.0.1'
/** The longest wait, in microseconds, between two looks at the clock. */
const beat = 20_000
/** How long to wait, in microseconds, before a request is tried again whose connection is not established yet. */
const patienceToSend = 500

interface Connection {
  readonly fd: number
  readonly intended: number
  readonly begun: number
  readonly works: boolean
  sent: boolean
  answered: boolean
}

/** Makes the load, holding the whole process meanwhile. */
export function makeLoad(load: LabLoad): LabLoadResult {
  const epoll = openEpoll()
  const epolls = Int32Array.of(epoll)
  const random = randomFrom(load.seed)
  const open = new Map<number, Connection>()
  const unsent = new Set<Connection>()
  const latencies = new Latencies()
  const cpu = process.cpuUsage()
  const begun = microseconds()
  const arrivals: Arrivals = arrivalsOf(load.arrivals, begun, load.milliseconds * 1000, random)
  const bursts = new Bursts(load.arrivals.kind === 'burst' ? load.arrivals.size : 0)
  const buffer = Buffer.alloc(512)
  let answered = 0
  let failed = 0
  let looked = begun

  const begin = (now: number) => {
    const intended = arrivals.take(now)
    const works = load.workPart > 0 && random() < load.workPart
    const fd = connect(loopback, load.port)
    if (fd < 0) {
      failed++
      arrivals.ended(now, false)
      return
    }
    resetOnClose(fd)
    const connection = { fd, intended, begun: now, works, sent: false, answered: false }
    open.set(fd, connection)
    send(connection)
  }

  const send = (connection: Connection) => {
    const request = connection.works ? load.requests.works : load.requests.light
    const sent = writeText(connection.fd, request)
    if (sent === request.length) {
      connection.sent = true
      unsent.delete(connection)
      if (addToEpoll(epoll, connection.fd, false) < 0) end(connection, false)
    } else if (sent === EAGAIN) {
      // Not established: on loopback that means that the queue is full, and the kernel tries again.
      unsent.add(connection)
    } else end(connection, false)
  }

  const end = (connection: Connection, ok: boolean) => {
    open.delete(connection.fd)
    unsent.delete(connection)
    // Closed for good, it leaves the epoll by itself.
    close(connection.fd)
    if (ok) answered++
    else failed++
    arrivals.ended(microseconds(), ok)
  }

  const hear = (connection: Connection) => {
    const bytes = read(connection.fd, buffer)
    if (bytes > 0) {
      if (connection.answered) return
      connection.answered = true
      const now = microseconds()
      if (!connection.works || load.workPart === 1) latencies.add(now - connection.intended)
      bursts.answered(connection.intended, now)
    } else if (bytes === 0) end(connection, connection.answered)
    // A reset after the answer is a server's way of closing.
    else if (bytes !== EAGAIN) end(connection, connection.answered)
  }

  const lookAtClock = (now: number) => {
    looked = now
    for (const connection of [...unsent]) send(connection)
    for (const connection of [...open.values()]) {
      if (now - connection.begun > connectionLimit * 1000) end(connection, false)
    }
  }

  for (;;) {
    const now = microseconds()
    if (now - looked >= (unsent.size > 0 ? patienceToSend : beat)) lookAtClock(now)
    if (open.size < MOST_OPEN && arrivals.next() <= now) {
      begin(now)
      continue
    }
    const fd = waitOnEpoll(epoll, 0)
    if (fd >= 0) {
      const connection = open.get(fd)
      if (connection !== undefined) hear(connection)
      continue
    }
    if (open.size === 0 && arrivals.next() === Number.POSITIVE_INFINITY) break
    const due = open.size < MOST_OPEN ? arrivals.next() - now : beat
    poll(epolls, Math.max(0, Math.min(due, unsent.size > 0 ? patienceToSend : beat)))
  }
  close(epoll)
  const took = microseconds() - begun
  const { user, system } = process.cpuUsage(cpu)
  return {
    answered,
    failed,
    seconds: took / 1e6,
    latencyUs: latencies.percentiles,
    histogram: latencies.histogram,
    drain: bursts.drain,
    cpuUs: user + system,
    busy: (user + system) / took,
  }
}

function microseconds(): number {
  return performance.now() * 1000
}

if (process.send !== undefined) {
  // Whoever forked us did it without the launcher, so we ask for it ourselves: however they end, we do.
  setParentDeathSignal('SIGKILL')
  setTimerSlack(1_000)
  process.on('message', (load: LabLoad) => process.send?.(makeLoad(load)))
}
