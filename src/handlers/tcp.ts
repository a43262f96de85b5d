/** What a kid does with a connection when the handler speaks plain TCP: hands it the socket. */

import type { Socket } from 'node:net'
import type { Handler, Kid } from './handler.js'

/**
 * Runs the handler for one connection and settles when the connection is complete: the socket has closed and what the
 * handler returned has settled. Never rejects; a handler's failure is logged and ends its connection alone.
 */
export async function serveTcp(handler: Handler, socket: Socket, kid: Kid): Promise<void> {
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  // A client that resets its connection is no news; without a listener it would be an uncaught exception.
  socket.on('error', () => {})
  try {
    await handler(socket, kid)
  } catch (error) {
    kid.log.error({ err: error }, 'the handler failed; its connection is closed')
    socket.destroy()
  }
  await closed
}
