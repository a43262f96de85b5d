/** Serves HTTP: hands each connection to the server of an app; used by kids and by handler modules. */

import type { IncomingMessage, Server } from 'node:http'
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { KidError } from '../../errors.js'
import type { Handler, Kid } from '../handler.js'
import { type App, appOf, refuseListening } from './apps.js'
import { connectionOf, HttpConnections } from './connections.js'
import { type HttpLimits, type HttpOptions, httpLimits } from './limits.js'
import { takeRequests } from './requests.js'

/** What a module for `protocol: 'http'` may export as `upgrade`, for WebSockets and the like. */
export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer, kid: Kid) => unknown

/** What serves HTTP in a kid. */
export interface HttpService {
  readonly handler: Handler
  /** To be awaited before the first connection; may be called more than once. */
  readonly ready: () => Promise<void>
}

/** Where a handler that was made by `http` has its service; known to every copy of this package. */
const serviceOfHandler = Symbol.for('preforkd.http')

/**
 * A handler that serves an app: a `(req, res)` function, an `http.Server` that does not listen, or the app of Express,
 * Fastify, Koa or Hono. Not needed with `protocol: 'http'`, where the module exports the app itself; it is for a module
 * of plain connections that sees to it first what is spoken.
 * Throws KidError for what is none of these, or listens; UsageError for an option that cannot be.
 */
export function http(app: unknown, options?: HttpOptions): Handler {
  const load = createRequire(join(process.cwd(), 'preforkd-looks-from-here.js'))
  const where = 'the app given to http()'
  const found = appOf(app, where, load)
  if (found.isTheirs) refuseListening(found, where)
  const service = serveApp(found, where, httpLimits(options))
  return Object.assign(service.handler, { [serviceOfHandler]: service })
}

/** What a module exports for `protocol: 'http'`. */
export interface HttpModule {
  readonly default: unknown
  readonly upgrade?: unknown
}

/** Makes ready to serve the app that a module exports. Throws KidError, one sentence that names the module. */
export async function prepareHttp(
  module: HttpModule,
  path: string,
  limits: HttpLimits,
): Promise<HttpService> {
  const { default: found, upgrade } = module
  if (upgrade !== undefined && typeof upgrade !== 'function') {
    throw new KidError(
      `handler ${path} exports upgrade, but it is not a function: ${typeof upgrade}`,
    )
  }
  if (typeof found === 'function' && serviceOfHandler in found) {
    if (upgrade === undefined) return found[serviceOfHandler] as HttpService
    throw new KidError(`handler ${path} exports upgrade, which is only for an app, not for http()`)
  }
  const where = `the default export of handler ${path}`
  const app = appOf(found, where, createRequire(path))
  // What was told to listen on an address needs a moment to do so.
  await new Promise(setImmediate)
  refuseListening(app, where)
  if (upgrade === undefined) return serveApp(app, where, limits)
  if (app.server.listenerCount('upgrade') > 0) {
    throw new KidError(`handler ${path} exports upgrade, but its app has a listener for that too`)
  }
  return serveApp(app, where, limits, upgrade as Upgrade)
}

function serveApp(
  { server, ready }: App,
  where: string,
  limits: HttpLimits,
  upgrade?: Upgrade,
): HttpService {
  const connections = new HttpConnections(limits)
  let isReady = false
  let gettingReady: Promise<void> | undefined
  const getReady = async () => {
    try {
      await ready()
    } catch (cause) {
      throw new KidError(`${where} does not get ready: ${cause}`, { cause })
    }
    // Node.js would take 0 for no limit; but then every response ends its connection.
    server.keepAliveTimeout = limits.keepAliveTimeout ?? 0
    if (upgrade !== undefined) server.on('upgrade', upgradeBy(upgrade))
    takeRequests(server)
    isReady = true
  }
  const readyOnce = () => {
    gettingReady ??= getReady()
    return gettingReady
  }
  const serve = (socket: Socket, kid: Kid) => {
    // As sockets are in a server that listens: small pieces go at once, and both sides end by themselves.
    socket.setNoDelay(true)
    socket.allowHalfOpen = true
    connections.add(socket, kid)
    noteReleases(server)
    server.emit('connection', socket)
  }
  const handler: Handler = (socket, kid) =>
    isReady ? serve(socket, kid) : readyOnce().then(() => serve(socket, kid))
  return { handler, ready: readyOnce }
}

/*
 * Sees to it that the limits of HTTP end where HTTP does. Only where the app listens for these events: a listener alone
 * tells Node.js not to answer such a request like any other. The app may begin to at any time.
 */
function noteReleases(server: Server): void {
  for (const event of ['upgrade', 'connect']) {
    if (server.listenerCount(event) > 0 && server.listenerCount(event, release) === 0) {
      server.prependListener(event, release)
    }
  }
}

function release(request: IncomingMessage): void {
  connectionOf(request.socket)?.release()
}

function upgradeBy(upgrade: Upgrade) {
  return async (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const kid = connectionOf(request.socket)?.kid
    if (kid === undefined) return
    try {
      await upgrade(request, socket, head, kid)
    } catch (error) {
      kid.log.error({ err: error }, 'the upgrade failed; its connection is closed')
      socket.destroy()
    }
  }
}
