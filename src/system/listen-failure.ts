/** Says in one sentence why an address cannot be listened on and what to do; used by listeners only. */

import { ListenError } from '../errors.js'
import { formatListenAddress, type ListenAddress, type SocketAddress } from '../listen-address.js'

type Sentences<Kind> = (address: Extract<ListenAddress, { kind: Kind }>) => Record<string, string>

/** Linux has room for 108 bytes in an address, others for 104; one is the terminating zero. */
const pathLimit = process.platform === 'linux' ? 107 : 103

const forTcp: Sentences<'tcp'> = ({ host, port }) => ({
  EADDRINUSE: 'another socket already listens there; stop its server or choose another port',
  EACCES: `ports as low as ${port} are reserved; start as root, grant CAP_NET_BIND_SERVICE or choose a port from 1024 on`,
  EPERM: 'the system forbids it; look at its firewall or sandbox rules',
  EADDRNOTAVAIL: `this machine has no address ${host}; give one of its own, or 0.0.0.0 or [::] for all`,
  EAFNOSUPPORT: `this machine does not do ${host.includes(':') ? 'IPv6' : 'IPv4'}; give an address of the other kind`,
  EINVAL: 'an address with a scope (%eth0) cannot be used; give one without, or [::] for all',
  ENOTFOUND: `the host name ${host} is not known; check its spelling or give a numeric address`,
  EAI_AGAIN: `the name server did not answer for ${host}; try again or give a numeric address`,
})

const forUnix: Sentences<'unix'> = ({ path }) => ({
  EADDRINUSE: 'something else has just taken the path; stop it or choose another path',
  EACCES: 'no permission for its directory; change its mode or owner, or choose another path',
  EPERM: 'no permission to take this path; change its owner, or choose another path',
  EROFS: 'the file system is read-only; choose another path',
  ENOENT: 'its directory does not exist; create it first',
  ENOTDIR: 'a part of the path is not a directory; choose another path',
  ENOSPC: 'the file system is full; make room or choose another path',
  ENAMETOOLONG: `its ${Buffer.byteLength(path)} bytes are more than the ${pathLimit} a socket's path may have; choose a shorter one`,
})

const forBoth: Record<string, string> = {
  EMFILE: 'this process has too many descriptors open; raise its limit (ulimit -n)',
  ENFILE: 'the system has too many files open; raise its limit or stop something',
  ENOBUFS: 'the system is short of memory; stop something or try again',
  ENOMEM: 'the system is short of memory; stop something or try again',
}

/** A ListenError that names the address and says `why`, and what to do about it. */
export function cannotListen(address: ListenAddress, why: string, cause?: unknown): ListenError {
  const error = new ListenError(`cannot listen on ${formatListenAddress(address)}: ${why}`)
  if (cause !== undefined) error.cause = cause
  return error
}

/**
 * The ListenError for what was caught, which becomes its cause.
 * @param call what was tried, named in the sentence when the code is a rare one
 */
export function listenFailure(address: SocketAddress, call: string, caught: unknown): ListenError {
  if (caught instanceof ListenError) return caught
  const code = (caught as NodeJS.ErrnoException).code ?? 'an unknown error'
  const known = address.kind === 'tcp' ? forTcp(address) : forUnix(address)
  const why =
    known[code] ?? forBoth[code] ?? `${call} failed with ${code}; look it up for this system`
  return cannotListen(address, why, caught)
}
