/** Watches the memory of kids while `maxRss` is set; Linux only, elsewhere it sees nothing. */

import { readFileSync } from 'node:fs'

/** How often, in milliseconds, it looks. */
const every = 1_000

/** Pages are 4 KiB wherever it matters here; /proc counts in them. */
const page = 4_096

/** Resident bytes of a process, or undefined where that cannot be read (it has gone, or this is no Linux). */
export function residentBytes(pid: number): number | undefined {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * page
  } catch {
    return undefined
  }
}

/** Calls `look` once a second until the returned function is called. */
export function watchMemory(look: () => void): () => void {
  const timer = setInterval(look, every)
  return () => clearInterval(timer)
}
