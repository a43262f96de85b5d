/** The client of the keep-alive benches finds what a server is known to do, and so do the counts of the app. */

import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { CompareClient } from './client-process.js'
import { requestFor } from './connection.js'
import type { ArrivalsLoad, LoopLoad, NewcomersLoad } from './loads.js'
import { failures } from './loads.js'
import { startServer, usualKeepAlive } from './servers.js'

const client = new CompareClient()
t.teardown(() => client.stop())

/** Serves while `use` runs; what is still open then ends. */
async function serving(listener: RequestListener, use: (port: number) => Promise<void>) {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await use((server.address() as AddressInfo).port)
  } finally {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
}

const loop = (port: number, more: Partial<LoopLoad> = {}): LoopLoad => ({
  ...{ kind: 'loop', port, clients: 4, request: requestFor('/'), rest: [1, 2] },
  ...{ milliseconds: 300, seed: 1 },
  ...more,
})

t.test('three of four responses are kept where each fourth says close', async (t) => {
  let served = 0
  const fourth: RequestListener = (_, response) => {
    served++
    if (served % 4 === 0) response.setHeader('Connection', 'close')
    response.end('x')
  }
  await serving(fourth, async (port) => {
    const found = await client.make(loop(port))
    t.equal(found.ok, served)
    t.equal(found.kept, served - Math.floor(served / 4))
    // Four to begin with, and one after each that said close, unless the load was over.
    t.ok(found.connections <= 4 + served - found.kept)
    t.ok(found.connections > served - found.kept - 4)
    t.strictSame([failures(found), found.closedIdle, found.again], [0, 0, 0])
  })
})

t.test('a connection that ends while idle is seen, and none has failed', async (t) => {
  const ending: RequestListener = ({ socket }, response) => {
    response.end('x', () => socket.end())
  }
  await serving(ending, async (port) => {
    const found = await client.make(loop(port, { rest: [20, 30] }))
    t.ok(found.ok > 4)
    t.equal(found.kept, found.ok, 'no response said so')
    t.ok(found.closedIdle >= found.ok - 4)
    t.equal(failures(found), 0)
  })
})

t.test(
  'a kept connection that ends under a request: a GET is sent again, a POST has failed',
  async (t) => {
    const requests = new WeakMap<object, number>()
    const cutting: RequestListener = ({ socket }, response) => {
      const before = requests.get(socket) ?? 0
      requests.set(socket, before + 1)
      if (before === 0) response.end('x')
      else socket.resetAndDestroy()
    }
    await serving(cutting, async (port) => {
      const gets = await client.make(loop(port))
      t.ok(gets.again > 0)
      t.equal(failures(gets), 0)
      const posts = await client.make(loop(port, { request: requestFor('/', { body: 'a' }) }))
      t.equal(posts.again, 0)
      t.ok((posts.failed.ECONNRESET ?? 0) > 0)
      t.equal(failures(posts), posts.failed.ECONNRESET)
    })
  },
)

t.test('a status other than 200 is a failure of that name', async (t) => {
  const refusing: RequestListener = (_, response) => {
    response.statusCode = 502
    response.end('x')
  }
  await serving(refusing, async (port) => {
    const found = await client.make(loop(port))
    t.equal(found.ok, 0)
    t.strictSame(Object.keys(found.failed), ['502'])
  })
})

t.test('newcomers come at their rate, each on a connection of its own', async (t) => {
  const late: RequestListener = (_, response) => {
    setTimeout(() => response.end('x'), 30)
  }
  await serving(late, async (port) => {
    const request = requestFor('/', { close: true })
    const load: NewcomersLoad = { kind: 'newcomers', port, request, every: 10, milliseconds: 300 }
    const found = await client.make(load)
    t.equal(found.ok, 30)
    t.equal(found.connections, 30)
    t.ok((found.sentUs.p50 ?? 0) >= 29_000, 'a latency is from the begin of the connection')
  })
})

t.test(
  'requests of all ways to come are made, on as many connections as there are clients',
  async (t) => {
    await serving(
      (_, response) => response.end('x'),
      async (port) => {
        for (const to of ['own', 'random', 'last', 'longest'] as const) {
          const load: ArrivalsLoad = {
            ...{ kind: 'arrivals', port, clients: 8, rate: 400, times: 'even', to, seed: 1 },
            ...{ light: requestFor('/'), heavy: requestFor('/'), heavyPart: 0, settle: 0 },
            milliseconds: 500,
          }
          const found = await client.make(load)
          t.equal(found.ok, 200, to)
          t.equal(found.kept, 200)
          t.ok(found.connections <= 8)
          const half = await client.make({ ...load, settle: 250 })
          t.ok(half.ok >= 100 && half.ok < 140, `${to}: only what came after it had settled counts`)
        }
      },
    )
  },
)

t.test('idle connections are held, and those that a server ends are missed', async (t) => {
  const sockets: { end(): void }[] = []
  const remember: RequestListener = ({ socket }, response) => {
    sockets.push(socket)
    response.end('x')
  }
  await serving(remember, async (port) => {
    const open = { kind: 'open', port, request: requestFor('/'), run: 0 } as const
    t.strictSame(await client.hold({ ...open, connections: 10 }), { open: 10, failed: {} })
    t.strictSame(await client.hold({ ...open, connections: 5 }), { open: 15, failed: {} })
    for (const socket of sockets.slice(0, 4)) socket.end()
    // Behind the ends, which come by other connections: whoever answers here has read them.
    await client.make(loop(port))
    t.strictSame(await client.hold({ kind: 'close' }), { open: 11, failed: {} })
    t.strictSame(await client.hold({ kind: 'close' }), { open: 0, failed: {} })
  })
})

t.test('the app counts connections, requests and the most at once', async (t) => {
  const plan = { dist: '', kids: 1, slots: 1, keepAlive: usualKeepAlive, flags: [] }
  const server = await startServer('cluster-rr', plan)
  try {
    const begun = Date.now()
    const load = loop(server.port, { clients: 6, rest: [0, 0], request: requestFor('/await') })
    const { ok } = await client.make(load)
    const counted = await server.counts.since(begun)
    t.strictSame(counted, { connections: 6, requests: ok, most: 6 })
    t.equal(server.counts.processes, 1)
    t.strictSame(server.counts.open(server.kids()), [0])
  } finally {
    await server.stop()
  }
})
