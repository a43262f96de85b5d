/** Accepts as a kid does, in the process of the test: a listener, and each connection served by a handler of sockets. */

import type { Test } from 'tap'
import type { Handler, Kid } from '../../src/handlers/handler.js'
import type { HeldEars } from '../../src/handlers/held.js'
import { type HalfOpen, SocketConnection } from '../../src/handlers/socket-connection.js'
import type { ListenAddress } from '../../src/listen-address.js'
import { accept } from '../../src/system/descriptors.js'
import { closeListener, openListener } from '../../src/system/listeners.js'
import { Watch } from '../../src/system/watch.js'

export interface Accepting {
  /** Where it listens. */
  readonly address: { readonly port?: number; readonly path?: string }
  /** Connections in the order in which they came. */
  readonly connections: SocketConnection[]
  /** What was told at level debug. */
  readonly told: string[]
}

/** What a test wants of it. */
export interface AcceptingOptions {
  readonly kid: (fd: number) => Kid
  readonly handler: Handler
  readonly halfOpen: HalfOpen
  /** Told how each connection goes. */
  readonly ears: () => HeldEars
}

/** Listens until the test ends. */
export async function startAccepting(
  t: Test,
  where: ListenAddress,
  { kid, handler, halfOpen, ears }: AcceptingOptions,
): Promise<Accepting> {
  const listener = await openListener(where, 64)
  const connections: SocketConnection[] = []
  const told: string[] = []
  const watch = new Watch(listener.fd, () => {
    const fd = accept(listener.fd)
    if (fd < 0) return
    const connection = new SocketConnection(fd, kid(fd), handler, halfOpen, (_, what) => {
      told.push(what)
    })
    connections.push(connection)
    connection.start(ears())
  })
  watch.start()
  watch.unref()
  t.teardown(() => {
    watch.close()
    closeListener(listener)
  })
  return { address: listener.address as { port: number }, connections, told }
}
