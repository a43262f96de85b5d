/** The file of a Unix socket: taking a path, clearing a dead server's, removing our own. Used by listeners only. */

import { closeSync, lstatSync, openSync, unlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { binding } from './binding.js'
import { negated } from './errno.js'

/** Which file it is, whoever may have put another in its place since. */
export interface SocketFile {
  readonly path: string
  readonly dev: bigint
  readonly ino: bigint
}

/** What occupies a path: nothing, a socket nobody listens on any more (and which), one in use, or no socket. */
export type Occupant =
  | { readonly kind: 'nothing' | 'running' | 'unclear' | 'no socket' | 'symbolic link' }
  | { readonly kind: 'stale'; readonly file: SocketFile }

const EWOULDBLOCK = negated('EWOULDBLOCK')
const EINTR = negated('EINTR')

/** How long to wait for another server that is just taking a path in the same directory, in milliseconds. */
const lockTimeout = 2000
const lockPause = 10

/** What is there now, a symbolic link itself and not what it points to; undefined when there is nothing. */
function lookAt(path: string) {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false })
}

/** The socket file at `path`, just bound. @throws an error of node:fs when it has gone again */
export function identify(path: string): SocketFile {
  const { dev, ino } = lstatSync(path, { bigint: true })
  return { path, dev, ino }
}

/**
 * Looks at a path, and connects to a socket found there: only a refusal proves that no one listens. A running server
 * sees a connection that closes at once. Never waits for anyone.
 * @throws an error of node:fs when the path cannot be looked at
 */
export async function occupant(path: string): Promise<Occupant> {
  const found = lookAt(path)
  if (found === undefined) return { kind: 'nothing' }
  // Not followed: whoever may write where it stands would choose what we put in place of what.
  if (found.isSymbolicLink()) return { kind: 'symbolic link' }
  if (!found.isSocket()) return { kind: 'no socket' }
  const code = await tryToConnect(path)
  if (code === 'ECONNREFUSED') {
    return { kind: 'stale', file: { path, dev: found.dev, ino: found.ino } }
  }
  if (code === 'ENOENT') return { kind: 'nothing' }
  // EAGAIN: its queue is full, so there is a server.
  return { kind: code === undefined || code === 'EAGAIN' ? 'running' : 'unclear' }
}

/** The code of the error, or undefined when connected. Never waits: a Unix socket connects or fails at once. */
function tryToConnect(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ path })
    socket.once('connect', () => {
      socket.destroy()
      resolve(undefined)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'))
  })
}

/** Unlinks the path if it is still this very file; says whether it did. A path already gone is no failure. */
export function unlinkIfSame(file: SocketFile): boolean {
  const found = lookAt(file.path)
  if (found === undefined || found.dev !== file.dev || found.ino !== file.ino) return false
  try {
    unlinkSync(file.path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

/**
 * Runs `take` while no other preforkd takes a path in the same directory: between seeing a stale file and unlinking
 * it, or between bind and listen, another start would mistake our socket for a dead one. The lock is on the directory
 * itself, so no lock file is left over.
 *
 * It is advice, not a gate: where the directory cannot be opened or locked, or somebody sits on the lock, `take` runs
 * without it after at most 2 s.
 */
export async function withPathLock<T>(path: string, take: () => Promise<T>): Promise<T> {
  const fd = await lockDirectory(dirname(path))
  try {
    return await take()
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

async function lockDirectory(directory: string): Promise<number | undefined> {
  let fd: number
  try {
    fd = openSync(directory, 'r')
  } catch {
    // A directory that is missing or closed to us: binding will say so, or succeed (write permission is enough).
    return undefined
  }
  const deadline = performance.now() + lockTimeout
  let result = binding.lock(fd)
  while ((result === EWOULDBLOCK || result === EINTR) && performance.now() < deadline) {
    await delay(lockPause)
    result = binding.lock(fd)
  }
  if (result === 0) return fd
  closeSync(fd)
  return undefined
}
