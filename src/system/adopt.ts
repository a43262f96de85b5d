/** Makes listeners of sockets that somebody else has opened, or says why they are none; used when the parent starts. */

import { fstatSync } from 'node:fs'
import type { ListenError } from '../errors.js'
import { formatListenAddress, type ListenAddress, type SocketAddress } from '../listen-address.js'
import { binding } from './binding.js'
import { close, setCloseOnExec, setNonBlocking } from './descriptors.js'
import { errnoName, orThrow } from './errno.js'
import type { HandedSocket } from './handed.js'
import { cannotListen } from './listen-failure.js'
import type { Listener } from './listeners.js'

/** An address that stands for sockets of somebody else's. */
export type InheritedAddress = Extract<ListenAddress, { kind: 'fd' | 'handed' }>

/** A descriptor that an address asks for. */
export interface Claim {
  readonly fd: number
  /** '' where whoever handed it in has not named it. */
  readonly name: string
  /** The variable that speaks of it, or the address itself. */
  readonly source: string
}

/** libuv clears O_NONBLOCK on the three below when it spawns. */
const leastFd = 3

/**
 * The descriptors that `address` asks for, at least one; none of them is looked at.
 * @throws ListenError when none was handed in, or none of that name
 */
export function claim(address: InheritedAddress, handed: readonly HandedSocket[]): Claim[] {
  if (address.kind === 'fd') {
    const known = handed.find(({ fd }) => fd === address.fd)
    return [known ?? { fd: address.fd, name: '', source: formatListenAddress(address) }]
  }
  const { wanted } = address
  const found =
    wanted === 'all' ? [...handed] : handed.filter((socket) => socket.name === wanted.name)
  if (found.length > 0) return found
  throw cannotListen(
    address,
    handed.length === 0
      ? 'no socket was handed in; have systemd start preforkd itself (not through npm or a shell), or give an address'
      : `no socket of that name was handed in, only ${listNames(handed)}; correct the name or the socket unit`,
  )
}

function listNames(handed: readonly HandedSocket[]): string {
  const shown = handed
    .slice(0, 8)
    .map(({ fd, name }) => (name === '' ? `descriptor ${fd} without a name` : JSON.stringify(name)))
  return shown.join(', ') + (handed.length > shown.length ? ', ...' : '')
}

/**
 * The sockets that `address` asks for as listeners, at least one. They stay open when this throws.
 * @throws ListenError: one sentence that names the descriptor, where it comes from, and what to do
 */
export function adoptListeners(
  address: InheritedAddress,
  handed: readonly HandedSocket[],
): Listener[] {
  const adopted: Listener[] = []
  const claims = claim(address, handed)
  try {
    for (const one of claims) adopted.push(adoptOne(address, one))
    return adopted
  } catch (error) {
    adopted.forEach((listener, i) => {
      abandon(listener, claims[i])
    })
    throw error
  }
}

/** Undoes an adoption: the descriptor stays whoever's it was, and only a copy of ours is closed. */
export function abandon(listener: Listener, claimed: Claim | undefined): void {
  if (listener.fd !== claimed?.fd) close(listener.fd)
}

/**
 * The listener of one descriptor: non-blocking, close-on-exec, and from 3 on, for which a lower one is copied; the lower
 * one stays open. Several may have the same name, as sockets of one systemd unit do.
 * @throws ListenError
 */
export function adoptOne(address: InheritedAddress, claimed: Claim): Listener {
  const real = check(address, claimed)
  const fd = claimed.fd < leastFd ? copy(address, claimed) : claimed.fd
  setNonBlocking(fd, true)
  setCloseOnExec(fd)
  const given = address.name === formatListenAddress(address) ? claimed.name : address.name
  return {
    fd,
    name: given === '' ? formatListenAddress(real) : given,
    address: { ...real, name: given === '' ? formatListenAddress(real) : given },
    depthKnown: binding.queueDepth(fd) >= 0,
    file: undefined,
    inherited: true,
  }
}

function copy(address: InheritedAddress, claimed: Claim): number {
  const fd = binding.duplicate(claimed.fd, leastFd)
  if (fd < 0) throw refusal(address, claimed, `cannot be copied: ${errnoName(fd)}`)
  return fd
}

/** Where the socket listens; a ListenError unless it is a stream socket that does. */
function check(address: InheritedAddress, claimed: Claim): SocketAddress {
  const { fd } = claimed
  const type = binding.getOption(fd, 'SO_TYPE')
  if (type < 0) throw refusal(address, claimed, notASocket(fd, errnoName(type)))
  if (type !== binding.SOCK_STREAM) {
    const kind = type === binding.SOCK_DGRAM ? 'a datagram socket' : `a socket of type ${type}`
    throw refusal(
      address,
      claimed,
      `is ${kind}; hand in a stream socket (ListenStream= in a socket unit)`,
    )
  }
  const real = whereabouts(fd)
  if (real === undefined) {
    const domain = binding.getOption(fd, 'SO_DOMAIN')
    const family = domain < 0 ? 'another address family' : `address family ${domain}`
    throw refusal(address, claimed, `is of ${family}; hand in an IPv4, IPv6 or Unix socket`)
  }
  if (orThrow(binding.getOption(fd, 'SO_ACCEPTCONN'), 'getsockopt', `descriptor ${fd}`) !== 1) {
    throw refusal(address, claimed, notListening(fd))
  }
  return real
}

const kinds = [
  ['isFile', 'a file'],
  ['isFIFO', 'a pipe'],
  ['isDirectory', 'a directory'],
  ['isCharacterDevice', 'a device'],
] as const

function notASocket(fd: number, code: string): string {
  if (code === 'EBADF') {
    return 'is not open; whoever started preforkd must pass the socket on, open across exec'
  }
  const stat = fstatSync(fd)
  const what = kinds.find(([is]) => stat[is]())?.[1]
  return `is ${what === undefined ? 'not' : `${what} and not`} a socket; hand in a socket that listens`
}

function notListening(fd: number): string {
  return typeof binding.getPeerName(fd) === 'object'
    ? 'is a connection and not a listener; hand in the listener (Accept=no in a socket unit, wait for inetd)'
    : 'does not listen; whoever opened it must call listen before handing it in'
}

/** Undefined where the family is neither IPv4 nor IPv6 nor Unix. */
function whereabouts(fd: number): SocketAddress | undefined {
  const found = binding.getSocketName(fd)
  if (typeof found === 'number') return undefined
  const { family, host, port, path } = found
  if (family === 'unix') return { kind: 'unix', name: '', path }
  return { kind: 'tcp', name: '', host, port }
}

function refusal(address: InheritedAddress, { fd, source }: Claim, what: string): ListenError {
  const from = source.startsWith('fd:') ? '' : ` from ${source}`
  return cannotListen(address, `descriptor ${fd}${from} ${what}`)
}
