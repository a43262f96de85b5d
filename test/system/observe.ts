/** What the tests of src/system look at: descriptors, their flags, the loop's handles; and bounded waiting. */

import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { connect, type NetConnectOpts, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import pTimeout from 'p-timeout'
import type { Test } from 'tap'

/** How long any wait may take, in milliseconds: far more than needed on a busy machine. */
const patience = 10_000

/** The open descriptors of this process and what they are, without the one that reads the directory. */
export function openDescriptors(): string[] {
  const found: string[] = []
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      found.push(`${fd} -> ${readlinkSync(`/proc/self/fd/${fd}`)}`)
    } catch {
      // That was the directory's own.
    }
  }
  return found
}

/** The flags of a descriptor as the kernel shows them. */
export function flagsOf(fd: number): { nonBlocking: boolean; closeOnExec: boolean } {
  const line = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))
  const flags = Number.parseInt(line?.[1] ?? '', 8)
  return { nonBlocking: (flags & 0o4000) !== 0, closeOnExec: (flags & 0o2000000) !== 0 }
}

/** How many uv_poll_t handles the loop has that are not yet closed. */
export function pollHandles(): number {
  const report = process.report?.getReport() as unknown as { libuv: { type: string }[] }
  return report.libuv.filter((handle) => handle.type === 'poll').length
}

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

/** Collects garbage, and gives finalizers and close callbacks a turn of the loop, until `done`. */
export async function collectUntil(done: () => boolean): Promise<void> {
  await until(() => {
    collect()
    return done()
  })
}

/** Resolves once `done`, asked in every turn of the loop; rejects when it takes too long. */
export async function until(done: () => boolean): Promise<void> {
  const deadline = performance.now() + patience
  while (!done()) {
    if (performance.now() > deadline) throw new Error(`still not so: ${done}`)
    await turn()
  }
}

/** One turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** The promise, bounded. */
export function soon<T>(promise: Promise<T>): Promise<T> {
  return pTimeout(promise, { milliseconds: patience })
}

/** A connected client. */
export function client(options: NetConnectOpts): Promise<Socket> {
  return soon(
    new Promise((resolve, reject) => {
      const socket = connect(options)
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        // A reset at the end is nothing to a test.
        socket.on('error', () => {})
        resolve(socket)
      })
    }),
  )
}

/** Destroys clients and waits until their descriptors are closed. */
export async function hangUp(...sockets: Socket[]): Promise<void> {
  await soon(
    Promise.all(
      sockets.map((socket) => {
        const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
        socket.destroy()
        return closed
      }),
    ),
  )
}

/** An empty directory with a path short enough for sockets, which tap's own testdir is not; removed after the test. */
export function shortDirectory(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'preforkd-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}
