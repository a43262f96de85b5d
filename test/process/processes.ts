/** What tests see of processes: whether they are alive, their zombies, descriptors and states; and bounded waiting. */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import pTimeout from 'p-timeout'

/** How long any wait may take, in milliseconds: far more than needed on a busy machine. */
export const patience = 10_000

/** The promise, bounded; `what` is what is waited for. */
export function within<T>(promise: Promise<T>, what: string, milliseconds = patience): Promise<T> {
  const message = `waited ${milliseconds} ms in vain for ${what}`
  return pTimeout(promise, { milliseconds, message })
}

/**
 * State, parent and scheduling policy of a process, as the kernel has them (proc(5)); undefined when there is none. Of the
 * policies SCHED_OTHER is 0, SCHED_BATCH 3.
 */
export function lookAt(pid: number): { state: string; parent: number; policy: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name in brackets may itself hold brackets and blanks.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const [state = '', parent = ''] = fields
    return { state, parent: Number(parent), policy: Number(fields[38]) }
  } catch {
    return undefined
  }
}

/** Whether a process runs; a zombie does not. */
export function isAlive(pid: number): boolean {
  const found = lookAt(pid)
  return found !== undefined && !['Z', 'X'].includes(found.state)
}

/** Dead processes of ours that nobody has reaped. */
export function zombies(): number[] {
  return allPids().filter((pid) => {
    const found = lookAt(pid)
    return found?.state === 'Z' && found.parent === process.pid
  })
}

/** Living processes whose parent this is. */
export function offspring(parent: number): number[] {
  return allPids().filter((pid) => lookAt(pid)?.parent === parent && isAlive(pid))
}

/** Living processes that have this in their environment, whoever their parent is by now. */
export function withEnvironment(mark: string): number[] {
  return allPids().filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark) && isAlive(pid)
    } catch {
      return false
    }
  })
}

function allPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

/** The open descriptors of a process and what they are. */
export function descriptorsOf(pid: number | 'self' = 'self'): string[] {
  const found: string[] = []
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    try {
      found.push(`${fd} -> ${readlinkSync(`/proc/${pid}/fd/${fd}`)}`)
    } catch {
      // That was the directory's own.
    }
  }
  return found
}

/** What a kid has open that has one listener and nothing to do: its pipes, and what its parent gave it as 0 to 2. */
export const descriptorsOfKid = [
  /^0 -> \/dev\/null$/,
  /^1 -> /,
  /^2 -> /,
  /^3 -> socket:/,
  /^4 -> pipe:/,
  /^5 -> pipe:/,
] as const

/** Settles once `done`; asked in every turn of the event loop. For what no event tells, such as another process's state. */
export async function until(done: () => boolean, what: string, limit = patience): Promise<void> {
  const deadline = performance.now() + limit
  while (!done()) {
    if (performance.now() > deadline) throw new Error(`waited ${limit} ms in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

/** Sends a signal to a process that the test has caused; settles when it is stopped, after SIGSTOP, or gone, after SIGKILL. */
export async function signal(pid: number, name: NodeJS.Signals): Promise<void> {
  process.kill(pid, name)
  if (name === 'SIGSTOP')
    await until(() => lookAt(pid)?.state === 'T', `process ${pid} to be stopped`)
  if (name === 'SIGKILL') await until(() => !isAlive(pid), `process ${pid} to be gone`)
}

/** Holds up this process's event loop, as a parent with other work to do might be. */
export function hold(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

/** Lets time pass, to see that nothing happens in it, or that something can wait; never to wait for something. */
export function pass(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
