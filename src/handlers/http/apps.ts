/** Tells what an app is made with, and what of it is to be served; used once for each app, when the kid starts. */

import { createServer, type RequestListener, Server } from 'node:http'
import { KidError } from '../../errors.js'

/** An app as connections can be handed to it. */
export interface App {
  readonly server: Server
  /** Whether the app came with it. */
  readonly isTheirs: boolean
  /** Awaited before the first connection. */
  readonly ready: () => unknown
  /** Its own end, where it has one beside that of its server: plugins end what they opened. */
  readonly close?: () => unknown
}

const expected = 'a (req, res) function, an http.Server, or an app of Express, Fastify, Koa or Hono'

/** The optional package by which apps that answer a Request with a Response are served. */
const fetchPackage = '@hono/node-server'

/**
 * The app behind `found`, whatever it was made with. `where` begins the sentence of the KidError that is thrown for what
 * is no app, and `load` finds a package where the app would.
 */
export function appOf(found: unknown, where: string, load: (name: string) => unknown): App {
  if (found instanceof Server) return { server: found, isTheirs: true, ready: nothing }
  // Express, Connect and the like are functions too.
  if (typeof found === 'function') return served(found as RequestListener)
  if (typeof found === 'object' && found !== null) {
    if ('server' in found && found.server instanceof Server && has(found, 'ready')) {
      const app = { server: found.server, isTheirs: true, ready: () => found.ready() }
      return has(found, 'close') ? { ...app, close: () => found.close() } : app
    }
    if (has(found, 'callback')) return served(found.callback() as RequestListener)
    if (has(found, 'fetch')) return served(listenerOf(found, where, load))
  }
  throw new KidError(`${where} is no app: it is ${nameOf(found)}, and wanted is ${expected}`)
}

/** Throws KidError for an app that has called `listen` itself. */
export function refuseListening(app: App, where: string): void {
  // The server of an Express app that listens is nowhere to be found, but it keeps the process alive, and so is counted.
  const listens = app.isTheirs
    ? app.server.listening
    : process.getActiveResourcesInfo().includes('TCPServerWrap')
  if (!listens) return
  throw new KidError(
    `${where} has called listen(): leave that to preforkd and only export the app (a server for something else must be told to unref())`,
  )
}

function served(listener: RequestListener): App {
  return { server: createServer(listener), isTheirs: false, ready: nothing }
}

function listenerOf(
  app: { fetch(...args: unknown[]): unknown },
  where: string,
  load: (name: string) => unknown,
): RequestListener {
  let adapter: unknown
  try {
    adapter = load(fetchPackage)
  } catch (cause) {
    throw new KidError(
      `${where} has a fetch(), as Hono has, and needs the package ${fetchPackage}: npm install ${fetchPackage}`,
      { cause },
    )
  }
  const { getRequestListener } = adapter as {
    getRequestListener(fetch: (...args: unknown[]) => unknown): RequestListener
  }
  return getRequestListener((...args) => app.fetch(...args))
}

function has<Name extends string>(
  found: object,
  name: Name,
): found is Record<Name, (...args: unknown[]) => unknown> {
  return typeof (found as Record<string, unknown>)[name] === 'function'
}

/** What was found, for the person who exported it. */
function nameOf(found: unknown): string {
  if (found === null || found === undefined) return String(found)
  if (typeof found !== 'object') return `a ${typeof found}`
  if (has(found, 'then')) return 'a promise, which must be awaited first'
  if (Array.isArray(found)) return 'an array'
  const maker = found.constructor?.name
  if (maker !== undefined && maker !== 'Object') return `an object made by ${maker}`
  const keys = Object.keys(found)
  return keys.length === 0 ? 'an object without keys' : `an object with ${keys.join(', ')}`
}

function nothing(): void {}
