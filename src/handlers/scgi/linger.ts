/** The end of a connection that may still have unread bytes of the client; used once our side has been ended. */

import type { Socket } from 'node:net'

/** How long, in milliseconds, a client is read from and waited for after the response. */
export const LINGER_TIME = 2_000
/** How many bytes of it are read and dropped after the response. */
export const LINGER_BYTES = 16 * 1024 * 1024

/**
 * Closing a socket with unread bytes resets the connection, and the client may lose what it has not read of the response.
 * So what still comes is dropped until the client has ended too, within limits; then the socket closes.
 */
export function linger(socket: Socket, time = LINGER_TIME, bytes = LINGER_BYTES): void {
  if (socket.destroyed) return
  let dropped = 0
  socket.on('data', (piece: Buffer) => {
    dropped += piece.length
    if (dropped > bytes) socket.destroy()
  })
  // While a long response is still on its way, reading ends by then: what keeps coming must not pass for progress.
  let timer = setTimeout(() => socket.pause(), time)
  const closeSoon = () => {
    clearTimeout(timer)
    timer = setTimeout(() => socket.destroy(), time)
    socket.resume()
  }
  socket.once('close', () => clearTimeout(timer))
  if (socket.writableFinished) closeSoon()
  else socket.once('finish', closeSoon)
  socket.resume()
}
