/** What a kid does with a connection when the handler speaks plain TCP: hands it the socket. */

import type { Socket } from 'node:net'
import type { Handler, Kid } from './handler.js'

/**
 * Runs the handler for one connection and calls `complete` once, when the connection is: the socket has closed and what
 * the handler returned has settled. Never throws; a handler's failure is logged and ends its connection alone.
 *
 * Without a promise of its own, since this runs for every connection there is, and most handlers return none.
 */
export function serveTcp(handler: Handler, socket: Socket, kid: Kid, complete: () => void): void {
  let open = 2
  const ended = () => {
    if (--open === 0) complete()
  }
  socket.on('close', ended)
  socket.on('error', passOver)
  try {
    const returned: unknown = handler(socket, kid)
    if (isThenable(returned)) {
      Promise.resolve(returned).then(ended, (error: unknown) => {
        fail(error, socket, kid)
        ended()
      })
      return
    }
  } catch (error) {
    fail(error, socket, kid)
  }
  ended()
}

/** A client that resets its connection is no news; without a listener it would be an uncaught exception. */
function passOver(): void {}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}

function fail(error: unknown, socket: Socket, kid: Kid): void {
  kid.log.error({ err: error }, 'the handler failed; its connection is closed')
  socket.destroy()
}
