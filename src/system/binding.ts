/** Loads the native addon and types it; the only file that does. Used by src/system alone. */

import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { SystemError } from '../errors.js'

/** A value, or a negated errno such as -11 for EAGAIN. */
export type Result = number

/** The address of a socket; host and port are '' and 0 for a Unix socket, path is '' for the others. */
export interface SocketName {
  family: 'tcp4' | 'tcp6' | 'unix'
  host: string
  port: number
  path: string
}

/** What watchOpen returns; only to be handed back. */
export interface WatchHandle {
  readonly callback: (status: number, events: number) => void
}

/** The addon: one system call a function, results or negated errnos, nothing retried, arguments trusted. */
export interface Binding {
  readonly O_NONBLOCK: number
  readonly POLLIN: number
  readonly POLLERR: number
  readonly POLLHUP: number
  readonly POLLNVAL: number
  /** 0 where the system has no such event. */
  readonly POLLRDHUP: number
  readonly SOCK_STREAM: number
  readonly SOCK_DGRAM: number
  /** A stream socket: 4 is IPv4, 6 is IPv6, 1 is Unix; close-on-exec and non-blocking. */
  socket(family: 4 | 6 | 1): Result
  setOption(
    fd: number,
    name: 'SO_REUSEADDR' | 'SO_REUSEPORT' | 'IPV6_V6ONLY',
    value: number,
  ): Result
  /** SO_DOMAIN is not known everywhere: -ENOPROTOOPT. */
  getOption(fd: number, name: 'SO_TYPE' | 'SO_ACCEPTCONN' | 'SO_DOMAIN'): Result
  /** `host` is numeric and without a scope. */
  bindTcp(fd: number, host: string, port: number): Result
  /** Usually -EINPROGRESS: the descriptor is non-blocking. */
  connectTcp(fd: number, host: string, port: number): Result
  setLinger(fd: number, seconds: number): Result
  bindUnix(fd: number, path: string): Result
  /** A Unix datagram socket, close-on-exec and non-blocking. */
  datagramSocket(): Result
  /** One datagram; a path that begins with a zero byte is one of Linux's abstract names. */
  sendTo(fd: number, path: string, buffer: Uint8Array): Result
  listen(fd: number, backlog: number): Result
  getSocketName(fd: number): SocketName | Result
  getPeerName(fd: number): SocketName | Result
  /** [pid, uid, gid] of the client of a Unix socket; the pid is 0 where the system does not tell it. */
  getPeerCredentials(fd: number): [number, number, number] | Result
  /** The new descriptor, close-on-exec and non-blocking. */
  accept(fd: number): Result
  /** Connections waiting in a TCP listener's queue; Linux only. */
  queueDepth(fd: number): Result
  /** How many connections a TCP listener's queue may hold; Linux only. */
  queueLimit(fd: number): Result
  /** Milliseconds since a TCP connection last brought data; Linux only. */
  lastDataAge(fd: number): Result
  shutdownWrite(fd: number): Result
  shutdownRead(fd: number): Result
  /** The events of a poll for POLLIN and POLLRDHUP that does not wait. */
  pollIn(fd: number): Result
  /** [readFd, writeFd], close-on-exec and blocking. */
  pipe(): [number, number] | Result
  read(fd: number, buffer: Uint8Array): Result
  write(fd: number, buffer: Uint8Array, length: number): Result
  /** ASCII, at most 512 bytes. */
  writeText(fd: number, text: string): Result
  close(fd: number): Result
  /** An exclusive flock that does not wait. */
  lock(fd: number): Result
  getStatusFlags(fd: number): Result
  setStatusFlags(fd: number, flags: number): Result
  setCloseOnExec(fd: number): Result
  /** A copy, close-on-exec, with the lowest free number from `least` on. */
  duplicate(fd: number, least: number): Result
  /** Linux only. */
  parentDeathSignal(signal: number): Result
  /** Linux only. */
  forbidDump(): Result
  exitAtOnce(code: number): never
  /** The thread's scheduling policy, 0 for the usual one; -ENOTSUP off Linux. */
  scheduler(): Result
  /** SCHED_BATCH for this thread, and for what it starts from now on. -ENOTSUP off Linux. */
  scheduleAsBatch(): Result
  /** A timer's descriptor, readable once its time is over; -ENOTSUP off Linux. */
  timerOpen(): Result
  /** From now, in place of what was set before; 0 stops it. */
  timerSet(fd: number, microseconds: number): Result
  // The lab's (herd-calls.ts): Linux only, -ENOTSUP elsewhere; those that wait hold the whole process.
  /** The new descriptor, close-on-exec and blocking; waits where the listener is blocking. */
  acceptBlocking(fd: number): Result
  /** Waits for one of at most 8 descriptors to be readable: bit i is set for fds[i]. Negative: for ever. */
  poll(fds: Int32Array, microseconds: number): Result
  epollCreate(): Result
  epollAdd(epollFd: number, fd: number, exclusive: boolean): Result
  /** A descriptor that is ready; -EAGAIN when the time is over. Negative: for ever. */
  epollWait(epollFd: number, milliseconds: number): Result
  /** An exclusive flock that waits. */
  lockWaiting(fd: number): Result
  unlock(fd: number): Result
  sleep(microseconds: number): Result
  timerSlack(nanoseconds: number): Result
  /** A file in memory, without a name. */
  memoryFile(): Result
  mapShared(fd: number, size: number): ArrayBuffer | Result
  watchOpen(fd: number, callback: (status: number, events: number) => void): WatchHandle | Result
  watchStart(watch: WatchHandle): Result
  watchStop(watch: WatchHandle): Result
  watchRef(watch: WatchHandle): Result
  watchUnref(watch: WatchHandle): Result
  watchClose(watch: WatchHandle): Result
}

const require = createRequire(import.meta.url)

/**
 * The addon built in `folder`.
 * @throws SystemError: one sentence that says what to do, with the loader's own error as its cause.
 */
export function loadBinding(folder: string): Binding {
  try {
    const load = require('node-gyp-build') as (folder: string) => Binding
    return load(folder)
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'no build found'
    const remedy = 'run `npm rebuild preforkd`, which needs a C compiler, python3 and make'
    const error = new SystemError("loading preforkd's native addon", code, remedy)
    error.cause = cause
    throw error
  }
}

/**
 * Loads at once, but throws only when the addon is first used: importing preforkd never fails, and the sentence
 * reaches whoever prints sentences instead of a module loader's stack trace.
 */
function loadOrThrowOnUse(folder: string): Binding {
  try {
    return loadBinding(folder)
  } catch (error) {
    return new Proxy({} as Binding, {
      get() {
        throw error
      },
    })
  }
}

// The same two steps up lead there from src/system and from dist/system.
export const binding: Binding = loadOrThrowOnUse(
  fileURLToPath(new URL('../../src/native', import.meta.url)),
)

/** Throws what loading the addon has thrown, if it has: to be called where that would be mistaken for something else. */
export function ensureLoaded(): void {
  void binding.O_NONBLOCK
}
