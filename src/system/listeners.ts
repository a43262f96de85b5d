/** Opens, measures and closes listening sockets; used by the parent, which alone owns them. */

import { lookup } from 'node:dns/promises'
import { fchmodSync, lchownSync } from 'node:fs'
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { InternalError, UsageError } from '../errors.js'
import { formatListenAddress, type ListenAddress, type SocketAddress } from '../listen-address.js'
import { gidOf, uidOf } from './accounts.js'
import { binding, ensureLoaded } from './binding.js'
import { close } from './descriptors.js'
import { negated, orThrow } from './errno.js'
import { cannotListen, listenFailure } from './listen-failure.js'
import { identify, occupant, type SocketFile, unlinkIfSame, withPathLock } from './socket-file.js'

export { formatListenAddress as describe } from '../listen-address.js'

type TcpAddress = Extract<SocketAddress, { kind: 'tcp' }>
type UnixAddress = Extract<SocketAddress, { kind: 'unix' }>

/** A listening socket. Kids may hold its descriptor too, after the parent has closed its own. */
export interface Listener {
  /** Close-on-exec and non-blocking. */
  readonly fd: number
  readonly name: string
  /** Where it really listens: host numeric, port 0 replaced by the one the system chose. */
  readonly address: SocketAddress
  /** Whether the queue's length can be read (TCP on Linux), and `waiting` says more than 0 or 1. */
  readonly depthKnown: boolean
  /** The file of a Unix socket, where it is ours to unlink. */
  readonly file: SocketFile | undefined
  /** Handed in by somebody who goes on using it: only ever closed, never unlinked nor shut down. */
  readonly inherited: boolean
}

const EBADF = negated('EBADF')
const EINVAL = negated('EINVAL')

/**
 * Opens a listener of our own, at a tcp or unix address. A host name is looked up and its first address taken; an IPv6
 * address takes no IPv4 connections. A Unix socket's file left by a dead server is replaced, and its owner and mode set
 * before anyone can connect.
 *
 * @param backlog how many connections the kernel may queue; it caps this at somaxconn
 * @throws ListenError: one sentence with the address and what to do; nothing is left open or on disk. UsageError for an
 *   owner that does not exist. SystemError when the addon does not load.
 */
export async function openListener(address: ListenAddress, backlog: number): Promise<Listener> {
  // Not among what follows, where every failure is the address's.
  ensureLoaded()
  switch (address.kind) {
    case 'tcp':
      return openTcp(address, backlog)
    case 'unix':
      return openUnix(address, backlog)
    default:
      throw new InternalError(`${formatListenAddress(address)} is for openListeners to adopt`)
  }
}

/** Closes a listener, having first unlinked the path of a Unix socket if it is still the file made at opening. */
export function closeListener(listener: Listener): void {
  try {
    // While the descriptor is open nobody else's file can have our inode number.
    if (listener.file !== undefined) unlinkIfSame(listener.file)
  } catch {
    // A directory that has become closed to us: the next start finds a stale file and replaces it.
  } finally {
    close(listener.fd)
  }
}

/**
 * Closes a listener for everybody: for kids too, who may hold its descriptor a while longer because they are busy. What
 * is queued is reset (at a Unix socket only when the last kid has closed it), and who comes later refused. Where the
 * system cannot (all but Linux), or whoever handed it in goes on using it, as `closeListener`. Not while another parent
 * shares the listener: it would be deaf too.
 */
export function retireListener(listener: Listener): void {
  // Refused elsewhere with ENOTCONN; the queue then lives until the last kid has closed its copy.
  if (!listener.inherited) binding.shutdownRead(listener.fd)
  closeListener(listener)
}

/**
 * How many connections wait to be accepted; where that is not known, 1 if any and else 0. A negated errno means that
 * the socket is no listener any more (-EINVAL: shut down, -EBADF: closed), which the caller has to judge. Connections
 * that their clients have reset are counted: accept succeeds on them. Cheap, never throws: called for every round.
 */
export function waiting(listener: Listener): number {
  if (listener.depthKnown) return binding.queueDepth(listener.fd)
  const events = binding.pollIn(listener.fd)
  if (events <= 0) return events
  if ((events & binding.POLLNVAL) !== 0) return EBADF
  // A Unix socket that was shut down; it would pass for one at which somebody always waits.
  if ((events & binding.POLLRDHUP) !== 0) return EINVAL
  // An error state counts as well: whoever accepts is told which.
  return 1
}

/**
 * The address of a listener known by its descriptor only, as a kid has it: '127.0.0.1:8000', '[::1]:80', 'unix:/path'.
 * @throws SystemError (EBADF, ENOTSOCK)
 */
export function describeDescriptor(fd: number): string {
  const found = orThrow(binding.getSocketName(fd), 'getsockname', `descriptor ${fd}`)
  if (found.family === 'unix') return `unix:${found.path.replaceAll('\0', '@')}`
  return found.family === 'tcp6' ? `[${found.host}]:${found.port}` : `${found.host}:${found.port}`
}

async function openTcp(address: TcpAddress, backlog: number): Promise<Listener> {
  const host = await resolveHost(address)
  const fd = openSocket(address, isIP(host) === 6 ? 6 : 4)
  const nothingToUndo = () => {}
  return closedOnFailure(address, fd, nothingToUndo, () => {
    // Connections of a former server that still linger must not keep the port from us.
    orThrow(binding.setOption(fd, 'SO_REUSEADDR', 1), 'setsockopt')
    if (isIP(host) === 6) orThrow(binding.setOption(fd, 'IPV6_V6ONLY', 1), 'setsockopt')
    orThrow(binding.bindTcp(fd, host, address.port), 'bind')
    return listening(address, fd, backlog)
  })
}

async function resolveHost(address: TcpAddress): Promise<string> {
  if (isIP(address.host) !== 0) return address.host
  try {
    return (await lookup(address.host)).address
  } catch (error) {
    throw listenFailure(address, 'looking up the host name', error)
  }
}

async function openUnix(address: UnixAddress, backlog: number): Promise<Listener> {
  // Absolute, so that closing finds it from whatever directory; bound as given, since a relative path is shorter.
  const path = resolve(address.path)
  const owner = ownerOf(address)
  return withPathLock(path, async () => {
    await clear(address, path)
    const fd = openSocket(address, 1)
    let file: SocketFile | undefined
    const undo = () => {
      if (file !== undefined) unlinkIfSame(file)
    }
    return closedOnFailure(address, fd, undo, () => {
      orThrow(bindWithMode(fd, address), 'bind')
      file = identify(path)
      if (owner !== undefined) give(address, path, owner)
      return listening(address, fd, backlog, file)
    })
  })
}

/** Binds a socket whose file has its mode from the beginning: set later, it might be set on what is there by then. */
function bindWithMode(fd: number, { path, mode }: UnixAddress): number {
  if (mode === undefined) return binding.bindUnix(fd, path)
  // On Linux the file cannot get more than its socket has, not even from an ACL of the directory, which undoes the umask.
  if (process.platform === 'linux') fchmodSync(fd, mode)
  const before = process.umask(0o777 & ~mode)
  const result = binding.bindUnix(fd, path)
  process.umask(before)
  return result
}

interface Owner {
  readonly uid: number
  readonly gid: number
}

/** What chown takes for leaving it as it is. */
const unchanged = -1

/** Undefined when the address names no owner. Asked before anything is opened. */
function ownerOf(address: UnixAddress): Owner | undefined {
  const { user, group } = address
  if (user === undefined && group === undefined) return undefined
  const uid = user === undefined ? unchanged : uidOf(user)
  const gid = group === undefined ? unchanged : gidOf(group)
  const refuse = (what: string, name: string | undefined) => {
    const place = formatListenAddress(address)
    throw new UsageError(`listen ${place} has the ${what} ${name}, which this system does not know`)
  }
  if (uid === undefined) return refuse('user', user)
  if (gid === undefined) return refuse('group', group)
  return { uid, gid }
}

/** Changes the file itself, also if somebody has just put a link in its place. */
function give(address: UnixAddress, path: string, { uid, gid }: Owner): void {
  try {
    lchownSync(path, uid, gid)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error
    const why = 'only root may give its file away; start as root, or leave out user= and group='
    throw cannotListen(address, why, error)
  }
}

const refusals = {
  running: 'the path is already in use by a running server; stop it or choose another path',
  unclear:
    'a socket is there that will not say whether a server uses it; remove it or choose another path',
  'symbolic link': 'the path is a symbolic link; give the path it leads to, or remove it',
  'no socket': 'the path exists and is not a socket; remove it or choose another path',
} as const

/** Makes way for our socket file, or refuses; called with the directory locked. */
async function clear(address: UnixAddress, path: string): Promise<void> {
  try {
    const found = await occupant(path)
    if (found.kind === 'stale') unlinkIfSame(found.file)
    else if (found.kind !== 'nothing') throw cannotListen(address, refusals[found.kind])
  } catch (error) {
    throw listenFailure(address, 'looking at the path', error)
  }
}

function openSocket(address: SocketAddress, family: 4 | 6 | 1): number {
  try {
    return orThrow(binding.socket(family), 'socket')
  } catch (error) {
    throw listenFailure(address, 'opening a socket', error)
  }
}

/** What all kinds have in common once bound. */
function listening(
  address: SocketAddress,
  fd: number,
  backlog: number,
  file?: SocketFile,
): Listener {
  orThrow(binding.listen(fd, backlog), 'listen')
  const { host, port } = orThrow(binding.getSocketName(fd), 'getsockname')
  return {
    fd,
    name: address.name,
    address: address.kind === 'tcp' ? { ...address, host, port } : address,
    depthKnown: binding.queueDepth(fd) >= 0,
    file,
    inherited: false,
  }
}

/** The result of `open`; or a ListenError, after undoing the rest and closing the descriptor. */
function closedOnFailure(
  address: SocketAddress,
  fd: number,
  undo: () => void,
  open: () => Listener,
): Listener {
  try {
    return open()
  } catch (error) {
    try {
      undo()
    } catch {
      // The first failure is the one to tell.
    }
    close(fd)
    throw listenFailure(address, 'binding the socket', error)
  }
}
