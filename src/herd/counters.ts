/** What the kernel has counted: switches, CPU and run-queue delay of processes, overflows of listeners. Linux only. */

import { readOrEmpty, threadsOf } from './processes.js'

/** What processes have cost so far, or between two readings. */
export interface Cost {
  /** Switches they asked for by waiting: one for each wakeup by the kernel, also where the process slept on in there. */
  readonly voluntary: number
  readonly involuntary: number
  /** Nanoseconds on a CPU, and ready for one but waiting; null where the kernel keeps no schedstat. */
  readonly cpuNs: number | null
  readonly delayNs: number | null
}

export const noCost: Cost = { voluntary: 0, involuntary: 0, cpuNs: 0, delayNs: 0 }

/** The cost of processes together so far: of their main threads, or of all. What is gone has cost nothing. */
export function costOfAll(pids: readonly number[], threads: 'main' | 'all'): Cost {
  const paths = pids.flatMap((pid) => (threads === 'main' ? [`/proc/${pid}`] : tasksOf(pid)))
  return paths.map(costOfTask).reduce((sum, cost) => combine(sum, cost, 1), noCost)
}

/** What was spent between two readings. */
export function costBetween(before: Cost, after: Cost): Cost {
  return combine(after, before, -1)
}

/** The voluntary switches of the main thread of a process. */
export function voluntarySwitches(pid: number): number {
  return countIn(readOrEmpty(`/proc/${pid}/status`), /^voluntary_ctxt_switches:\s+(\d+)/m)
}

/** Listens that had no room so far, in the network namespace of a process. */
export function listenTroubles(pid: number | 'self' = 'self'): {
  overflows: number
  drops: number
} {
  const [names = [], values = []] = readOrEmpty(`/proc/${pid}/net/netstat`)
    .split('\n')
    .filter((line) => line.startsWith('TcpExt:'))
    .map((line) => line.split(' '))
  const of = (name: string) => Number(values[names.indexOf(name)] ?? 0)
  return { overflows: of('ListenOverflows'), drops: of('ListenDrops') }
}

/** Seconds that all cores together have been busy so far, for whomever; in steps of 10 ms. */
export function busySeconds(): number {
  const [, user, nice, system, , , irq, softirq, steal] = readOrEmpty('/proc/stat')
    .split('\n', 1)
    .join()
    .split(/ +/)
    .map(Number)
  const ticks = [user, nice, system, irq, softirq, steal]
  return ticks.reduce<number>((sum, value) => sum + (value ?? 0), 0) / 100
}

function costOfTask(path: string): Cost {
  const status = readOrEmpty(`${path}/status`)
  const [cpu, delay] = readOrEmpty(`${path}/schedstat`).split(' ')
  const known = delay !== undefined || status === ''
  return {
    voluntary: countIn(status, /^voluntary_ctxt_switches:\s+(\d+)/m),
    involuntary: countIn(status, /^nonvoluntary_ctxt_switches:\s+(\d+)/m),
    cpuNs: known ? Number(cpu) : null,
    delayNs: known ? Number(delay ?? 0) : null,
  }
}

function combine(a: Cost, b: Cost, sign: 1 | -1): Cost {
  const both = (x: number | null, y: number | null) =>
    x === null || y === null ? null : x + sign * y
  return {
    voluntary: a.voluntary + sign * b.voluntary,
    involuntary: a.involuntary + sign * b.involuntary,
    cpuNs: both(a.cpuNs, b.cpuNs),
    delayNs: both(a.delayNs, b.delayNs),
  }
}

function countIn(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1] ?? 0)
}

function tasksOf(pid: number): string[] {
  return threadsOf(pid).map((thread) => `/proc/${pid}/task/${thread}`)
}
