/** Looks at a listener that other processes share, and undoes what they have done to it; used by the parent once a second. */

import type { Meddling } from '../core/events.js'
import type { ListenerLook } from '../core/meddling.js'
import { binding } from './binding.js'
import { setNonBlocking } from './descriptors.js'
import { errnoName } from './errno.js'
import { type Listener, waiting } from './listeners.js'

/** How many connections a listener's queue may hold; undefined where the system does not tell, as of Unix sockets. */
export function backlogOf({ fd, depthKnown }: Listener): number | undefined {
  const limit = depthKnown ? binding.queueLimit(fd) : -1
  return limit < 0 ? undefined : limit
}

/** What a listener looks like now. Never throws. */
export function lookAt(listener: Listener): ListenerLook {
  const flags = binding.getStatusFlags(listener.fd)
  return {
    listens: waiting(listener) >= 0 && isWhereItWas(listener),
    nonBlocking: flags >= 0 && (flags & binding.O_NONBLOCK) !== 0,
    backlog: backlogOf(listener),
  }
}

/** A port that the system had chosen is free once the listener was shut down: who listens again may get another. */
function isWhereItWas({ fd, address }: Listener): boolean {
  if (address.kind === 'unix') return true
  const found = binding.getSocketName(fd)
  return typeof found === 'object' && found.host === address.host && found.port === address.port
}

/** Undoes one meddling; the errno's name where that is impossible. Never throws. */
export function mend(listener: Listener, done: Meddling, backlog: number): string | undefined {
  switch (done) {
    case 'shut':
      return listenAgain(listener, backlog)
    case 'backlog':
      return nameOf(binding.listen(listener.fd, backlog))
    case 'blocking':
      try {
        setNonBlocking(listener.fd, true)
        return undefined
      } catch (error) {
        return (error as { code?: string }).code ?? 'EBADF'
      }
  }
}

/*
 * The very same socket, so that kids have it back too. Linux keeps an explicit port for a socket that was shut down, and
 * then refuses to bind it again (EINVAL); one that it had chosen is bound anew, unless somebody else has it by now. A Unix
 * socket stays shut for good.
 */
function listenAgain(listener: Listener, backlog: number): string | undefined {
  const { address, fd } = listener
  if (address.kind === 'tcp') {
    // Shut down while it listens it is as new. Shut down once more while it does not, as a kid may have done and as we
    // must not do, it would remember that: whatever it accepts then is at its end before the client has said a word.
    binding.listen(fd, backlog)
    binding.shutdownRead(fd)
    const bound = binding.bindTcp(fd, address.host, address.port)
    if (bound < 0 && errnoName(bound) !== 'EINVAL') return errnoName(bound)
  }
  const code = nameOf(binding.listen(fd, backlog))
  if (code !== undefined) return code
  return lookAt(listener).listens ? undefined : 'EINVAL'
}

function nameOf(result: number): string | undefined {
  return result < 0 ? errnoName(result) : undefined
}
