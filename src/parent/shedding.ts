/** Accepts connections only to close them: what overload costs those whom nobody can serve. */

import { mayAcceptAgain } from '../core/accept-errors.js'
import { accept, close, read, setNonBlocking, shutdownWrite, write } from '../system/descriptors.js'
import { errnoName } from '../system/errno.js'
import type { Listener } from '../system/listeners.js'

/** What the client has said is read away before its connection is closed: unread bytes would turn the close into a reset. */
const unread = Buffer.allocUnsafe(16_384)

/** How many were shed, and the errno's name that stopped it short of `count`, if one did. */
export interface Shed {
  count: number
  code?: string
}

/**
 * Sheds at most `count` connections of a listener, each with `reply` if there is one. Never blocks: the reply is at most
 * 4 KiB, which fits any socket's empty send buffer, and a client that does not take it does without.
 */
export function shed(listener: Listener, count: number, reply: Buffer | undefined): Shed {
  // A kid can have made it block, and we would wait here for a client to come.
  setNonBlocking(listener.fd, true)
  for (let done = 0; done < count; done++) {
    const fd = accept(listener.fd)
    if (fd >= 0) {
      turnAway(fd, reply)
      continue
    }
    const code = errnoName(fd)
    // Somebody else was quicker, or the client has gone; both are fine here.
    if (code === 'EAGAIN' || mayAcceptAgain(code)) return { count: done }
    return { count: done, code }
  }
  return { count }
}

function turnAway(fd: number, reply: Buffer | undefined): void {
  // A client that is gone already fails each of these; there is nothing left to do for it.
  if (reply !== undefined) {
    read(fd, unread)
    write(fd, reply)
    shutdownWrite(fd)
  }
  close(fd)
}
