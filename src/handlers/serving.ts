/** Makes ready what a kid serves connections with, a handler module under its protocol or a program; once, at its start. */

import type { Socket } from 'node:net'
import { InternalError } from '../errors.js'
import type { KidSettings } from '../protocol/kid-settings.js'
import { ConnectionSocket } from './connection-socket.js'
import type { Handler, Kid } from './handler.js'
import type { Held, Serve } from './held.js'
import { functionOf, type LoadedModule, loadModule } from './load.js'
import { type ReceiveOptions, receiveProxyHeader } from './proxy-protocol/receive.js'
import { parseTrusted } from './proxy-protocol/trusted.js'
import type { Produce } from './scgi/serve.js'
import { serveTcp } from './tcp.js'

/** What serves, and what is to be awaited before the first connection and after the last. */
export interface Service {
  readonly serve: Serve
  readonly setup?: ((kid: Kid) => unknown) | undefined
  readonly teardown?: ((kid: Kid) => unknown) | undefined
}

/** Loads the handler, if there is one, and no protocol but the one it speaks. Throws KidError in one sentence. */
export async function prepareService(settings: KidSettings): Promise<Service> {
  const { handler: path, program, trustedProxies } = settings
  if (program !== undefined) {
    const { prepareProgram } = await import('./program.js')
    return prepareProgram(program)
  }
  if (path === undefined) throw new InternalError('a kid with nothing to serve')
  const module = await loadModule(path)
  const handler = await speak(settings, module, path)
  const { setup, teardown } = module
  const begin =
    trustedProxies === undefined
      ? handler
      : behindProxy(handler, { trusted: parseTrusted(trustedProxies) })
  return { serve: (fd, kid) => new SocketConnection(fd, kid, begin), setup, teardown }
}

/** The handler that an export is under its protocol. */
async function speak(settings: KidSettings, module: LoadedModule, path: string): Promise<Handler> {
  const { headersTimeout, requestTimeout, sendTimeout, keepAliveTimeout } = settings
  switch (settings.protocol) {
    case 'tcp':
      return functionOf(module, path) as Handler
    case 'http': {
      const { prepareHttp } = await import('./http/serve.js')
      const limits = { headersTimeout, requestTimeout, sendTimeout, keepAliveTimeout }
      const { handler, ready } = await prepareHttp(module, path, limits)
      await ready()
      return handler
    }
    case 'scgi': {
      const { serveScgi } = await import('./scgi/serve.js')
      const { scgiLimits } = await import('./scgi/limits.js')
      const off = Number.POSITIVE_INFINITY
      const limits = scgiLimits({
        headersTimeout: headersTimeout ?? off,
        requestTimeout: requestTimeout ?? off,
        sendTimeout: sendTimeout ?? off,
      })
      return serveScgi(functionOf(module, path) as Produce, limits)
    }
  }
}

/** A handler whose connections begin with a PROXY header; who sends none, or a bad one, it never sees. */
function behindProxy(handler: Handler, options: ReceiveOptions): Handler {
  return async (socket, kid) => {
    const outcome = await receiveProxyHeader(socket, options)
    if (outcome === 'ok') await handler(socket, kid)
    // What anybody out there can bring about must not fill the log.
    else kid.log.debug(outcome)
  }
}

class SocketConnection implements Held {
  readonly socket: Socket
  readonly #handler: Handler
  readonly #kid: Kid

  constructor(fd: number, kid: Kid, handler: Handler) {
    this.socket = new ConnectionSocket(fd)
    this.#handler = handler
    this.#kid = kid
  }

  start(complete: () => void): void {
    serveTcp(this.#handler, this.socket, this.#kid, complete)
  }

  destroy(): void {
    this.socket.destroy()
  }
}
