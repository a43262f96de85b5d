/** Reads, writes, flags and closes plain descriptors; used by parent and kid for their pipes and connections. */

import { isIPv6 } from 'node:net'
import { binding } from './binding.js'
import { errnoName, orThrow } from './errno.js'

/** Both ends of a pipe, close-on-exec and blocking; whoever opened it closes both. */
export interface Pipe {
  readonly readFd: number
  readonly writeFd: number
}

/** Opens a pipe. @throws SystemError (EMFILE, ENFILE) */
export function openPipe(): Pipe {
  const [readFd, writeFd] = orThrow(binding.pipe(), 'pipe')
  return { readFd, writeFd }
}

/**
 * Reads once into `buffer`: the number of bytes, 0 at the end of file, or a negated errno: -EAGAIN when a
 * non-blocking descriptor has nothing. Never throws: called for every status line.
 */
export function read(fd: number, buffer: Uint8Array): number {
  return binding.read(fd, buffer)
}

/** Writes once: the number of bytes, which may be fewer than `length`, or a negated errno. Never throws. */
export function write(fd: number, buffer: Uint8Array, length: number = buffer.length): number {
  return binding.write(fd, buffer, length)
}

/**
 * Writes an ASCII text of at most 512 bytes without a Buffer: the number of bytes, or a negated errno (-EMSGSIZE for
 * a longer one). Into a pipe it goes wholly or, with -EAGAIN, not at all. Never throws.
 */
export function writeText(fd: number, text: string): number {
  return binding.writeText(fd, text)
}

/**
 * Accepts one connection: its descriptor, close-on-exec and non-blocking, or a negated errno. -EAGAIN (nobody waits),
 * -ECONNABORTED and -EINTR are normal; nothing is retried. Never throws.
 */
export function accept(listenerFd: number): number {
  return binding.accept(listenerFd)
}

/**
 * Opens a connection to a numeric address: its descriptor, non-blocking and perhaps not established yet, or a negated
 * errno. For load clients only: everybody else has node:net.
 */
export function connect(host: string, port: number): number {
  const fd = binding.socket(isIPv6(host) ? 6 : 4)
  if (fd < 0) return fd
  const result = binding.connectTcp(fd, host, port)
  if (result === 0 || errnoName(result) === 'EINPROGRESS') return fd
  close(fd)
  return result
}

/** Whether there is something to read or accept, an error included; asks without waiting. Never throws. */
export function isReadable(fd: number): boolean {
  return binding.pollIn(fd) > 0
}

/** How a connection stands. */
export type ConnectionEnd = 'open' | 'ended' | 'gone'

/**
 * How a connection stands that nobody may be reading, and whose own side is open: `gone` when nothing can be sent any
 * more, since its client has reset it, or closed a Unix socket, or does not answer the kernel; `ended` when the client
 * has sent its last (known on Linux and FreeBSD); else `open`. Asks without waiting. Never throws.
 */
export function pollEnd(fd: number): ConnectionEnd {
  const events = binding.pollIn(fd)
  if (events <= 0) return 'open'
  if ((events & (binding.POLLERR | binding.POLLHUP)) !== 0) return 'gone'
  return (events & binding.POLLRDHUP) !== 0 ? 'ended' : 'open'
}

/** Milliseconds since a TCP connection last brought data; negative where the system does not tell. Never throws. */
export function lastDataAge(fd: number): number {
  return binding.lastDataAge(fd)
}

/** A client that has sent its last, and has done so for so many milliseconds, has not stayed to hear an answer. */
const staysFor = 100

/**
 * Whether an accepted connection's client has gone while it waited: it has reset the connection; or, where an end of its
 * side counts (`endCounts`), it has ended that and its last bytes are older than 100 ms, or it is a Unix socket that has
 * closed. Who sends a request, ends its side and waits, as `nc -N` does, has not gone. Asks without waiting; where the
 * system does not tell, nobody has gone. Never throws.
 */
export function clientIsGone(fd: number, endCounts: boolean): boolean {
  const events = binding.pollIn(fd)
  if (events <= 0) return false
  if ((events & binding.POLLERR) !== 0) return true
  if (!endCounts) return false
  if ((events & binding.POLLHUP) !== 0) return true
  return (events & binding.POLLRDHUP) !== 0 && binding.lastDataAge(fd) > staysFor
}

/** Ends the sending half of a connection: 0 or a negated errno (-ENOTCONN once the client is gone). */
export function shutdownWrite(fd: number): number {
  return binding.shutdownWrite(fd)
}

/**
 * Closes a descriptor. Close a watch on it first.
 * @throws SystemError (EBADF: a defect of the caller, who may be closing what is now somebody else's). EINTR and EIO
 * are no failure: the descriptor is gone all the same, and trying again could close another's.
 */
export function close(fd: number): void {
  const result = binding.close(fd)
  if (result < 0 && errnoName(result) === 'EBADF') orThrow(result, 'close', `descriptor ${fd}`)
}

/**
 * Sets or clears O_NONBLOCK. The flag belongs to the open file description: every process that shares it is affected.
 * @throws SystemError
 */
export function setNonBlocking(fd: number, on: boolean): void {
  const flags = orThrow(binding.getStatusFlags(fd), 'reading descriptor flags', `descriptor ${fd}`)
  const wanted = on ? flags | binding.O_NONBLOCK : flags & ~binding.O_NONBLOCK
  if (wanted === flags) return
  orThrow(binding.setStatusFlags(fd, wanted), 'setting descriptor flags', `descriptor ${fd}`)
}

/** Whether O_NONBLOCK is set. @throws SystemError */
export function isNonBlocking(fd: number): boolean {
  const flags = orThrow(binding.getStatusFlags(fd), 'reading descriptor flags', `descriptor ${fd}`)
  return (flags & binding.O_NONBLOCK) !== 0
}

/** Keeps a descriptor from programs started later. @throws SystemError */
export function setCloseOnExec(fd: number): void {
  orThrow(binding.setCloseOnExec(fd), 'setting close-on-exec', `descriptor ${fd}`)
}
