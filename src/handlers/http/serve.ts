/** Serves HTTP: hands each connection to the server of an app; used by kids and by handler modules. */

import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { KidError } from '../../errors.js'
import type { ConnectionSocket } from '../connection-socket.js'
import type { Handler, Kid } from '../handler.js'
import { type App, appOf, refuseListening } from './apps.js'
import { type StandInClose, standInForClose } from './closing.js'
import { HttpConnections } from './connections.js'
import { type HttpLimits, type HttpOptions, httpLimits } from './limits.js'
import { takeRequests } from './requests.js'
import { takeUpgrades, type Upgrade } from './upgrades.js'

/** What serves HTTP in a kid. */
export interface HttpService {
  readonly handler: Handler
  /** To be awaited before the first connection; may be called more than once. */
  readonly ready: () => Promise<void>
  /** The app's own end, after its last connection. */
  readonly end: () => Promise<void>
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
  const { default: exported, upgrade } = module
  // A CommonJS module has no other way to wait for its app.
  const found = await exported
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

function serveApp(app: App, where: string, limits: HttpLimits, upgrade?: Upgrade): HttpService {
  const { server, isTheirs, ready } = app
  let connections: HttpConnections | undefined
  let closing: StandInClose | undefined
  let gettingReady: Promise<void> | undefined
  const getReady = async () => {
    try {
      await ready()
    } catch (cause) {
      throw new KidError(`${where} does not get ready: ${cause}`, { cause })
    }
    const own = limits.keepAliveGiven || !isTheirs
    // Node.js would take 0 for no limit; but then every response ends its connection.
    if (own) server.keepAliveTimeout = limits.keepAliveTimeout ?? 0
    const theirs = server.keepAliveTimeout === 0 ? undefined : server.keepAliveTimeout
    connections = new HttpConnections(own ? limits : { ...limits, keepAliveTimeout: theirs })
    closing = standInForClose(server, connections)
    takeUpgrades(server, upgrade)
    takeRequests(server)
  }
  const readyOnce = () => {
    gettingReady ??= getReady()
    return gettingReady
  }
  const serve = (connections: HttpConnections, socket: Socket, kid: Kid) => {
    // As sockets are in a server that listens: small pieces go at once, and both sides end by themselves.
    socket.setNoDelay(true)
    socket.allowHalfOpen = true
    ;(socket as Partial<ConnectionSocket>).halfOpen = 'on'
    const connection = connections.add(socket, kid)
    closing?.heed(kid)
    server.emit('connection', socket)
    connection.begun()
  }
  const handler: Handler = (socket, kid) => {
    if (connections !== undefined) return serve(connections, socket, kid)
    return readyOnce().then(() => serve(connections as HttpConnections, socket, kid))
  }
  const end = async () => {
    await app.close?.()
    if (isTheirs) await closing?.close()
  }
  return { handler, ready: readyOnce, end }
}
