/** Processes as /proc has them: their children, threads and files. Linux only. */

import { readdirSync, readFileSync } from 'node:fs'

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
