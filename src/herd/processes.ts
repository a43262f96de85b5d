/** What processes have cost so far, read from /proc; Linux only. */

import { readdirSync, readFileSync } from 'node:fs'

/** The cost of one process, all its threads together. */
export interface Cost {
  /** Nanoseconds on a CPU. */
  cpu: number
  /** Context switches: those it asked for by waiting, and those forced on it. */
  voluntary: number
  involuntary: number
}

/** Reads what a process has cost; a process that is gone has cost nothing. */
export function costOf(pid: number): Cost {
  const cost: Cost = { cpu: 0, voluntary: 0, involuntary: 0 }
  for (const thread of threadsOf(pid)) {
    const path = `/proc/${pid}/task/${thread}`
    cost.cpu += Number(readOrEmpty(`${path}/schedstat`).split(' ')[0] ?? 0)
    const status = readOrEmpty(`${path}/status`)
    cost.voluntary += Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1] ?? 0)
    cost.involuntary += Number(/^nonvoluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1] ?? 0)
  }
  return cost
}

/** What was spent between two readings. */
export function spent(before: Cost, after: Cost): Cost {
  return {
    cpu: after.cpu - before.cpu,
    voluntary: after.voluntary - before.voluntary,
    involuntary: after.involuntary - before.involuntary,
  }
}

/** The processes a process has spawned. */
export function kidsOf(pid: number): number[] {
  return threadsOf(pid).flatMap((thread) =>
    readOrEmpty(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number),
  )
}

/** The threads of a process, by number; none where there is no such process. */
export function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
}

/** The text of a file under /proc; empty where it has gone, or may not be read. */
export function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
