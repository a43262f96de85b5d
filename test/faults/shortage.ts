/** Takes away what a process that runs has left of descriptors, by its real limit; and gives it back. */

import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** The process gets no further descriptor until what this gives is called. */
export function limitDescriptors(pid: number): () => void {
  const open = new Set(readdirSync(`/proc/${pid}/fd`).map(Number))
  let free = 0
  while (open.has(free)) free++
  const [, before = ''] =
    /^Max open files\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'latin1')) ?? []
  const set = (soft: number | string) =>
    execFileSync('prlimit', ['--pid', String(pid), `--nofile=${soft}:`])
  set(free)
  return () => void set(before)
}
