/** Takes the PROXY header off a connection before its handler begins; used by kids where the option says so. */

import { Socket } from 'node:net'
import type { Proxied } from './header.js'
import { parseProxyHeader } from './parse.js'
import { isTrusted, type Trusted } from './trusted.js'

/**
 * How long a proxy may take for its header, in milliseconds: the specification wants at least 3 s, since a packet may
 * have to be sent again.
 */
export const headerTimeout = 5_000

export interface ReceiveOptions {
  readonly trusted: Trusted
  /** In milliseconds; default `headerTimeout`. */
  readonly timeout?: number
}

/**
 * Reads exactly the header from a connection that nobody has read from, and has the socket tell the addresses in it as
 * its own (`remoteAddress`, `remotePort`, `remoteFamily` and the same with `local`). The rest of the bytes is there to be
 * read as if nothing had been before it, by an HTTP parser too; `bytesRead` does not count the header.
 *
 * Settles with `ok`, or with a sentence for the log on why the socket was destroyed: the peer is not trusted, what it
 * sends is no header, the header is not complete in time, the connection has ended. Never rejects. The socket keeps a
 * listener for `error`.
 */
export function receiveProxyHeader(socket: Socket, options: ReceiveOptions): Promise<string> {
  const { trusted, timeout = headerTimeout } = options
  const peer = socket.remoteAddress ?? 'a client'
  // Not to be taken away: the handler's own comes a moment later.
  socket.on('error', () => {})
  return new Promise((resolve) => {
    const settle = (outcome: string) => {
      clearTimeout(timer)
      socket.off('readable', onReadable).off('end', onEnd).off('close', onEnd)
      // Of listeners taken away, a stream takes notice in the next tick; then it is as new.
      process.nextTick(resolve, outcome)
    }
    const refuse = (why: string) => {
      socket.destroy()
      settle(`the connection of ${peer} was closed: ${why}`)
    }
    const onEnd = () => refuse('it ended before its PROXY header was complete')
    let held: Buffer = Buffer.alloc(0)
    const onReadable = () => {
      const chunk = socket.read() as Buffer | null
      if (chunk === null) return
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
      const parsed = parseProxyHeader(held)
      if (parsed === 'more') return
      if ('error' in parsed) {
        refuse(`it begins with no PROXY header: ${parsed.error}`)
        return
      }
      if (held.length > parsed.length) socket.unshift(held.subarray(parsed.length))
      tellAddresses(socket, parsed.proxied)
      hideBytes(socket, parsed.length)
      settle('ok')
    }
    const timer = setTimeout(() => {
      refuse(`its PROXY header was not complete within ${timeout} ms`)
    }, timeout)
    if (!isTrusted(trusted, socket)) {
      refuse('it is not one of trustedProxies')
      return
    }
    socket.on('readable', onReadable).on('end', onEnd).on('close', onEnd)
  })
}

function tellAddresses(socket: Socket, proxied: Proxied): void {
  if (proxied.kind === 'unknown') return
  const isTcp = proxied.kind === 'tcp'
  const told = {
    remoteFamily: isTcp ? proxied.family : undefined,
    remoteAddress: isTcp ? proxied.source.address : undefined,
    remotePort: isTcp ? proxied.source.port : undefined,
    localFamily: isTcp ? proxied.family : undefined,
    localAddress: isTcp ? proxied.destination.address : undefined,
    localPort: isTcp ? proxied.destination.port : undefined,
  }
  // Getters of the class, which these hide.
  for (const [name, value] of Object.entries(told)) {
    Object.defineProperty(socket, name, { value, configurable: true })
  }
}

/** Whoever asks how much the client has said, such as a limit on its silence, does not mean what the proxy has. */
function hideBytes(socket: Socket, length: number): void {
  const get = () => (Reflect.get(Socket.prototype, 'bytesRead', socket) as number) - length
  Object.defineProperty(socket, 'bytesRead', { get, configurable: true })
}
