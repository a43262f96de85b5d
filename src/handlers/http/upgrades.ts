/** Requests that ask to speak something else: given to an app that may want them, answered as plain requests otherwise. */

import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Kid } from '../handler.js'
import { connectionOf } from './connections.js'

/**
 * What a module for `protocol: 'http'` may export as `upgrade`, for WebSockets and the like. One that returns false, or a
 * promise of that, without having written anything does not take the offer: it is answered as a plain request.
 */
export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer, kid: Kid) => unknown

/** Other versions of HTTP, which clients offer in passing (`curl --http2`); who could take them would be asked by ALPN. */
const versionOfHttp = /^(h2c?|HTTP\/[\d.]+|TLS\/[\d.]+)$/i

/*
 * Node.js takes whatever asks for an upgrade to be one as soon as the server has any listener for that. By then the parser
 * has let go of the socket. A server may ignore an offer (RFC 9110, 7.8); so one that is not taken is put back into the
 * socket without it, and read again.
 */

/** Sees to it that an app gets the upgrades it may want, each in a slot; `upgrade` is what its module exports. */
export function takeUpgrades(server: Server, upgrade: Upgrade | undefined): void {
  if (upgrade !== undefined) {
    server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      void offer(server, upgrade, request, socket, head)
    })
  }
  const emit = server.emit.bind(server) as (event: string, ...args: unknown[]) => boolean
  // Listeners may come and go at any time, so it is the event that is waylaid.
  server.emit = (event: string, ...args: unknown[]) => {
    if (event === 'timeout') {
      // Node.js would end an idle connection although its next request may be there, unread, after a long turn.
      const connection = connectionOf(args[0] as Socket)
      if (connection?.idleSince === undefined) return emit(event, ...args)
      connection.endIfIdle()
      return true
    }
    if (event !== 'upgrade' && event !== 'connect') return emit(event, ...args)
    const [request, socket, head] = args as [IncomingMessage, Socket, Buffer]
    const connection = connectionOf(socket)
    if (connection === undefined) return emit(event, ...args)
    // Behind a response that was announced as the last nothing is begun.
    if (connection.isOver) return true
    if (event === 'upgrade' && isOfHttp(request)) ignore(server, request, socket, head)
    else connection.release(() => emit(event, ...args))
    return true
  }
}

async function offer(
  server: Server,
  upgrade: Upgrade,
  request: IncomingMessage,
  socket: Socket,
  head: Buffer,
): Promise<void> {
  const kid = connectionOf(socket)?.kid
  if (kid === undefined) return
  const written = socket.bytesWritten
  try {
    const taken = await upgrade(request, socket, head, kid)
    if (taken === false && socket.bytesWritten === written) ignore(server, request, socket, head)
  } catch (error) {
    kid.log.error({ err: error }, 'the upgrade failed; its connection is closed')
    socket.destroy()
  }
}

function isOfHttp({ headers }: IncomingMessage): boolean {
  const offered = (headers.upgrade ?? '').split(',').map((name) => name.trim())
  return offered.every((name) => versionOfHttp.test(name))
}

/** Has the server read the request again, as if it had offered nothing. */
function ignore(server: Server, request: IncomingMessage, socket: Socket, head: Buffer): void {
  const connection = connectionOf(socket)
  if (connection === undefined || socket.destroyed) return
  connection.rewind(() => {
    socket.unshift(Buffer.concat([Buffer.from(plainHead(request), 'latin1'), head]))
    server.emit('connection', socket)
  })
}

/** The head of a request without its offer. Node.js has read it as Latin-1. */
function plainHead({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    let value = rawHeaders[i + 1] as string
    if (/^(upgrade|http2-settings)$/i.test(name)) continue
    if (/^connection$/i.test(name)) {
      const options = value.split(',').map((option) => option.trim())
      value = options.filter((option) => !/^(upgrade|http2-settings)$/i.test(option)).join(', ')
      if (value === '') continue
    }
    text += `${name}: ${value}\r\n`
  }
  return `${text}\r\n`
}
