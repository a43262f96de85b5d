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

/** State and parent of a process, as the kernel has them; undefined when there is none. */
export function lookAt(pid: number): { state: string; parent: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name in brackets may itself hold brackets and blanks.
    const [state = '', parent = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { state, parent: Number(parent) }
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
