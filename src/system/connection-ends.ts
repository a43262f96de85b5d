/** Both ends of an accepted connection, asked of the kernel; used where no socket of Node.js is made of it. */

import { binding, type SocketName } from './binding.js'
import { errnoName, orThrow } from './errno.js'

export type { SocketName }

/** Who the client of a Unix socket was when it connected. */
export interface PeerCredentials {
  /** 0 where the system does not tell it. */
  readonly pid: number
  readonly uid: number
  readonly gid: number
}

export interface ConnectionEnds {
  readonly local: SocketName
  readonly remote: SocketName
  /** Of Unix sockets only, and only where the system tells. */
  readonly credentials: PeerCredentials | undefined
}

/**
 * The ends of a connection, or `gone` when the client has reset it already: then nobody knows who it was.
 * @throws SystemError (EBADF, ENOTSOCK)
 */
export function connectionEnds(fd: number): ConnectionEnds | 'gone' {
  const local = orThrow(binding.getSocketName(fd), 'getsockname', `descriptor ${fd}`)
  const remote = binding.getPeerName(fd)
  // EINVAL: so says macOS.
  if (typeof remote === 'number' && ['ENOTCONN', 'EINVAL'].includes(errnoName(remote)))
    return 'gone'
  return {
    local,
    remote: orThrow(remote, 'getpeername', `descriptor ${fd}`),
    credentials: local.family === 'unix' ? peerCredentials(fd) : undefined,
  }
}

function peerCredentials(fd: number): PeerCredentials | undefined {
  const found = binding.getPeerCredentials(fd)
  if (typeof found === 'number' && errnoName(found) === 'ENOTSUP') return undefined
  const [pid, uid, gid] = orThrow(found, 'asking for the credentials of a client')
  return { pid, uid, gid }
}
