/** Makes ready what a kid serves connections with, a handler module under its protocol or a program; once, at its start. */

import { InternalError } from '../errors.js'
import type { KidSettings } from '../protocol/kid-settings.js'
import type { Handler, Kid } from './handler.js'
import type { Serve } from './held.js'
import { functionOf, type LoadedModule, loadModule } from './load.js'
import { type ReceiveOptions, receiveProxyHeader } from './proxy-protocol/receive.js'
import { parseTrusted } from './proxy-protocol/trusted.js'
import type { Produce } from './scgi/serve.js'
import { type HalfOpen, SocketConnection, type Tell } from './socket-connection.js'

/** What serves, and what is to be awaited before the first connection and after the last. */
export interface Service {
  readonly serve: Serve
  readonly setup?: ((kid: Kid) => unknown) | undefined
  /** The app's own end, after its last connection and before `teardown`. */
  readonly end?: (() => Promise<void>) | undefined
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
  const { handler, end } = await speak(settings, module, path)
  const { setup, teardown } = module
  const begin =
    trustedProxies === undefined
      ? handler
      : behindProxy(handler, { trusted: parseTrusted(trustedProxies) })
  const halfOpen = halfOpenOf(settings, module)
  const tell = tellerOf(settings.logLevel)
  const { tcpKeepAlive } = settings
  const serve: Serve = (fd, kid) => {
    const connection = new SocketConnection(fd, kid, begin, halfOpen, tell)
    if (tcpKeepAlive !== undefined) connection.socket.setKeepAlive(true, tcpKeepAlive)
    return connection
  }
  return { serve, setup, end, teardown }
}

/** Who ends its side of a request still wants the response; of a plain connection the module knows best. */
function halfOpenOf({ protocol, allowHalfOpen }: KidSettings, module: LoadedModule): HalfOpen {
  if (protocol !== 'tcp') return 'on'
  if (module.allowHalfOpen === undefined) return allowHalfOpen
  return module.allowHalfOpen ? 'on' : 'off'
}

/** What anybody out there can bring about must not fill the log, nor load it. */
function tellerOf(logLevel: string): Tell {
  if (logLevel !== 'debug' && logLevel !== 'trace') return () => {}
  return (kid, what) => kid.log.debug(what)
}

/** What turns a limit off. */
const off = Number.POSITIVE_INFINITY

/** The handler that an export is under its protocol, and the end of what is behind it. */
async function speak(
  settings: KidSettings,
  module: LoadedModule,
  path: string,
): Promise<{ handler: Handler; end?: () => Promise<void> }> {
  const { headersTimeout, requestTimeout, sendTimeout } = settings
  switch (settings.protocol) {
    case 'tcp':
      return { handler: functionOf(module, path) as Handler }
    case 'http': {
      const { prepareHttp } = await import('./http/serve.js')
      const { httpLimits } = await import('./http/limits.js')
      const { keepAliveGiven, keepAliveTimeout, drainGrace } = settings
      const service = await prepareHttp(
        module,
        path,
        httpLimits({
          headersTimeout: headersTimeout ?? off,
          requestTimeout: requestTimeout ?? off,
          sendTimeout: sendTimeout ?? off,
          keepAliveTimeout: keepAliveGiven ? (keepAliveTimeout ?? off) : undefined,
          drainGrace: drainGrace ?? off,
        }),
      )
      await service.ready()
      return service
    }
    case 'scgi': {
      const { serveScgi } = await import('./scgi/serve.js')
      const { scgiLimits } = await import('./scgi/limits.js')
      const limits = scgiLimits({
        headersTimeout: headersTimeout ?? off,
        requestTimeout: requestTimeout ?? off,
        sendTimeout: sendTimeout ?? off,
      })
      return { handler: serveScgi(functionOf(module, path) as Produce, limits) }
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
