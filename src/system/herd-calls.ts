/** Calls that block, and memory that processes share: what the lab's kids, parent and client are made of. Linux only. */

import { binding, ensureLoaded } from './binding.js'
import { close } from './descriptors.js'
import { errnoName, orThrow } from './errno.js'

const loopback = '127.0.0.1'

/** A listener of the lab's, on loopback. */
export interface LabListener {
  readonly fd: number
  readonly port: number
}

/**
 * Opens a TCP listener on loopback, close-on-exec and non-blocking; port 0 lets the system choose.
 * @throws SystemError: ENOPROTOOPT where there is no SO_REUSEPORT, EADDRINUSE, EMFILE, or when the addon does not load
 */
export function openLabListener(
  port: number,
  backlog: number,
  { reusePort }: { readonly reusePort: boolean },
): LabListener {
  return bound(port, reusePort, (fd) => orThrow(binding.listen(fd, backlog), 'listen'))
}

/** Keeps a port for others to listen on with SO_REUSEPORT: a socket that is bound and does not listen. @throws SystemError */
export function reservePort(): LabListener {
  return bound(0, true, () => {})
}

function bound(port: number, reusePort: boolean, then: (fd: number) => void): LabListener {
  ensureLoaded()
  const fd = orThrow(binding.socket(4), 'socket')
  try {
    if (reusePort) orThrow(binding.setOption(fd, 'SO_REUSEPORT', 1), 'setting SO_REUSEPORT')
    orThrow(binding.bindTcp(fd, loopback, port), 'binding a socket of the lab')
    then(fd)
    return { fd, port: orThrow(binding.getSocketName(fd), 'getsockname').port }
  } catch (error) {
    close(fd)
    throw error
  }
}

/**
 * Waits for a connection if the listener is blocking, and accepts it: its descriptor, close-on-exec and blocking, or a
 * negated errno. Never throws.
 */
export function acceptBlocking(listenerFd: number): number {
  return binding.acceptBlocking(listenerFd)
}

/**
 * Waits for one of at most 8 descriptors to be readable, at most so many microseconds, for ever if negative: bit i is set
 * where `fds[i]` is readable. 0 when the time is over, or a negated errno. Never throws.
 */
export function poll(fds: Int32Array, microseconds: number): number {
  return binding.poll(fds, microseconds)
}

/** Opens an epoll, close-on-exec. @throws SystemError (EMFILE, or ENOTSUP off Linux) */
export function openEpoll(): number {
  return orThrow(binding.epollCreate(), 'epoll_create1')
}

/**
 * Adds a descriptor to an epoll, level-triggered, for reading. `exclusive`: only one or some of those that wait are woken.
 * 0 or a negated errno. Never throws.
 */
export function addToEpoll(epollFd: number, fd: number, exclusive: boolean): number {
  return binding.epollAdd(epollFd, fd, exclusive)
}

/** Waits at most so long, for ever if negative: one descriptor that is ready, -EAGAIN, or a negated errno. Never throws. */
export function waitOnEpoll(epollFd: number, milliseconds: number): number {
  return binding.epollWait(epollFd, milliseconds)
}

/** Locks an open file for this open file description alone, waiting: 0 or a negated errno. Never throws. */
export function lockWaiting(fd: number): number {
  return binding.lockWaiting(fd)
}

/** Unlocks what `lockWaiting` has locked: 0 or a negated errno. Never throws. */
export function unlock(fd: number): number {
  return binding.unlock(fd)
}

/** Puts the whole process to sleep: 0 or a negated errno. Never throws. */
export function sleep(microseconds: number): number {
  return binding.sleep(microseconds)
}

/** Lets the waits of this thread end so many nanoseconds late at most (50,000 otherwise). @throws SystemError */
export function setTimerSlack(nanoseconds: number): void {
  orThrow(binding.timerSlack(nanoseconds), 'prctl')
}

/** Lets `close` reset a connection, so that no port is left in TIME_WAIT. 0 or a negated errno. Never throws. */
export function resetOnClose(fd: number): number {
  return binding.setLinger(fd, 0)
}

/** Connections waiting in a listener's queue, or a negated errno. Never throws. */
export function queueDepth(listenerFd: number): number {
  return binding.queueDepth(listenerFd)
}

/** Opens a file in memory, empty and without a name, close-on-exec. @throws SystemError (ENOTSUP off Linux) */
export function openMemory(): number {
  ensureLoaded()
  return orThrow(binding.memoryFile(), 'memfd_create')
}

/** The first `size` bytes of a file, shared by all processes that map them. @throws SystemError */
export function mapShared(fd: number, size: number): ArrayBuffer {
  return orThrow(binding.mapShared(fd, size), 'mmap')
}

/** Why EPOLLEXCLUSIVE cannot be had here; undefined where it can. @throws SystemError */
export function whyNoExclusive(listenerFd: number): string | undefined {
  const epollFd = openEpoll()
  try {
    const result = addToEpoll(epollFd, listenerFd, true)
    if (result >= 0) return undefined
    return `the system refuses EPOLLEXCLUSIVE with ${errnoName(result)} (Linux has it from 4.5 on)`
  } finally {
    close(epollFd)
  }
}
