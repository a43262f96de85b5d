/** `close()` of a server that does not listen itself: what an app expects of it, in a kid. */

import type { Server } from 'node:http'
import type { Kid } from '../handler.js'
import type { HttpConnections } from './connections.js'

/** What stands in for the `close` of a server. */
export interface StandInClose {
  /** The kid whose connections these are. */
  heed(kid: Kid): void
  /** Closes it: settles when `close` was emitted. */
  close(): Promise<void>
}

/**
 * Node.js refuses to close a server that does not listen. In a kid `close()` means what it says elsewhere: no new
 * connections, so the kid leaves; and `close`, with the callbacks, comes when the last connection has gone. Libraries that
 * end servers (http-terminator, stoppable, Fastify) wait for that.
 */
export function standInForClose(server: Server, connections: HttpConnections): StandInClose {
  let kid: Kid | undefined
  let asked = false
  let closed = false
  const emitOnce = () => {
    if (!asked || closed || connections.count > 0) return
    closed = true
    process.nextTick(() => server.emit('close'))
  }
  connections.onNone(emitOnce)
  server.close = (callback?: (error?: Error) => void) => {
    if (callback !== undefined) {
      // Called again after its end it would wait for ever.
      if (closed) process.nextTick(callback)
      else server.once('close', () => callback())
    }
    if (!asked) {
      asked = true
      if (kid?.signal.aborted === false) kid.recycle()
    }
    emitOnce()
    return server
  }
  return {
    heed: (found) => {
      kid ??= found
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
