/** Group E: clients that go away, are slow, or keep what they have. */

import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { PreforkerOptions, SocketAddress } from 'preforkd'
import { descriptorsOf, pass, until } from '../../process/processes.js'
import type { Bed } from '../bed.js'
import { exchange, inTurns, rawClient } from '../raw.js'
import type { Row } from '../row.js'
import type { Server } from '../server.js'
import { cpuOf, memoryOf } from '../usage.js'

const web = fileURLToPath(new URL('../web.js', import.meta.url))

/** A server that speaks HTTP is not asked in our own words when the row is over; each row does that itself. */
const overHttp = { outOfService: true } as const
const request = (path = '/') => `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`

/** How long, in milliseconds, until a client is answered by a kid. */
async function served(address: SocketAddress): Promise<number> {
  const { text, took } = await exchange(address, request(), { half: false })
  assert.match(text, /^HTTP\/1\.1 200 /)
  assert.match(text, /pid \d+$/)
  return took
}

async function http(bed: Bed, options: PreforkerOptions): Promise<Server> {
  return bed.serve({ handler: web, protocol: 'http', ...options }, overHttp)
}

const each = 250
const total = 10_000
/** KiB that 5,000 connections may add, for what is not collected yet: fewer than if each left its socket behind. */
const kidMayGrow = 20_000
const parentMayGrow = 8_000

/** Ten thousand clients, so many at a time in the queue of a kid that is busy, all gone before it accepts. */
async function manyThatGo(bed: Bed, go: (socket: Socket) => void): Promise<void> {
  const server = await bed.serve({ kids: 1, logLevel: 'info' })
  const [kid = 0] = server.kids
  const begin = { parent: 0, kid: 0, descriptors: 0 }
  for (let done = 0; done < total; done += each) {
    const busy = server.client('hold 20')
    await inTurns(each, 50, async () => go(await rawClient(server.address())))
    assert.equal(await busy.ended, 'ok')
    // What the first ones cost once is not what each costs.
    if (done + each !== total / 2) continue
    await server.statusIs(({ counters }) => counters.held === 0, 'rest')
    const descriptors = descriptorsOf(kid).length
    Object.assign(begin, { parent: memoryOf(server.pid), kid: memoryOf(kid), descriptors })
  }
  assert.equal(await server.client().servedBy(), kid, 'the same kid serves')
  const { counters } = await server.statusIs(({ counters }) => counters.held === 0, 'rest')
  // Beside them one for each queue, and one to look.
  assert.equal(counters.accepted, total + total / each + 1)
  assert.equal(counters.deaths, 0)
  await until(() => descriptorsOf(kid).length <= begin.descriptors, 'descriptors to be closed')
  for (const [who, pid, most] of [
    ['parent', server.pid, parentMayGrow],
    ['kid', kid, kidMayGrow],
  ] as const) {
    const [before, after] = [begin[who], memoryOf(pid)]
    assert.ok(after < before + most, `${who}: ${before} KiB after half of them, then ${after}`)
  }
}

export const clients: readonly Row[] = [
  {
    number: 52,
    group: 'E',
    fault: 'clients reset their connections before they are accepted',
    inject: '10,000 with SO_LINGER 0, in the queue of a busy kid',
    repeats: 5,
    run: (bed) => manyThatGo(bed, (socket) => socket.resetAndDestroy()),
  },
  {
    number: 53,
    group: 'E',
    fault: 'clients connect and close at once',
    inject: '10,000 of them, as a port scan',
    repeats: 5,
    run: (bed) => manyThatGo(bed, (socket) => socket.destroy()),
  },
  {
    number: 54,
    group: 'E',
    fault: 'clients send a byte now and then',
    inject: 'twice as many as there are slots, over HTTP, a byte every 200 ms',
    repeats: 5,
    async run(bed) {
      const server = await http(bed, { kids: 2, slots: 4, headersTimeout: 1_000 })
      const slow = await Promise.all(Array.from({ length: 16 }, () => rawClient(server.address())))
      const bytes = request()
      let sent = 0
      const drip = setInterval(() => {
        for (const socket of slow) socket.write(bytes[sent % bytes.length] as string)
        sent++
      }, 200)
      const end = () => {
        clearInterval(drip)
        for (const socket of slow) socket.destroy()
      }
      bed.finally(end)
      await server.statusIs(({ counters }) => counters.held === 8, 'every slot to be taken')
      const before = cpuOf(server.pid)
      const begun = performance.now()
      // Behind the eight that wait in the queue, which get their second, too.
      const took = await served(server.address())
      const share = (cpuOf(server.pid) - before) / (performance.now() - begun)
      assert.ok(took < 2 * 1_000 + 1_500, `a good client was served after ${took.toFixed()} ms`)
      assert.ok(share < 0.2, `the parent took ${(share * 100).toFixed(1)} % of a processor`)
      bed.figures['a good client behind slow ones'] = took
      assert.equal((await server.status()).counters.deaths, 0)
      end()
    },
  },
  {
    number: 55,
    group: 'E',
    fault: 'clients keep their connections alive and do nothing',
    inject: 'one more than there are kids, over HTTP, with keepAliveTimeout of a minute',
    quick: true,
    async run(bed) {
      const server = await http(bed, { kids: 2, keepAliveTimeout: '1m' })
      const idle: Socket[] = []
      const end = () => {
        for (const socket of idle) socket.destroy()
      }
      bed.finally(end)
      for (let i = 0; i < 3; i++) {
        const socket = await rawClient(server.address())
        idle.push(socket)
        const answered = new Promise((resolve) => socket.once('data', resolve))
        socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
        assert.match(String(await answered), /200 OK/)
      }
      const took = await served(server.address())
      assert.ok(took < 2_000, `served after ${took.toFixed()} ms`)
      bed.figures['a client behind others that are kept alive'] = took
      end()
    },
  },
  {
    number: 56,
    group: 'E',
    part: 'over HTTP',
    fault: 'a client does not read its answer',
    inject: '10 MB, none of which it takes',
    async run(bed) {
      const server = await http(bed, { kids: 1, sendTimeout: 500 })
      const deaf = await rawClient(server.address())
      bed.finally(() => deaf.destroy())
      deaf.pause()
      deaf.write(request('/much'))
      await server.statusIs(({ counters }) => counters.held === 1, 'the slot to be taken')
      const took = await served(server.address())
      assert.ok(took < 3_000, `the next client was served after ${took.toFixed()} ms`)
      assert.equal((await server.status()).counters.deaths, 0)
    },
  },
  {
    number: 56,
    group: 'E',
    part: 'over plain TCP, where only connectionTimeout is there',
    fault: 'a client does not read its answer',
    inject: '10 MB, none of which it takes',
    async run(bed) {
      const server = await bed.serve({ kids: 1, slots: 2, connectionTimeout: 700 })
      const deaf = await rawClient(server.address())
      bed.finally(() => deaf.destroy())
      deaf.pause()
      deaf.write(`${2 ** 31} much 10000000\n`)
      await server.statusIs(({ counters }) => counters.held === 1, 'a slot to be taken')
      await server.statusIs(({ counters }) => counters.held === 0, 'it to be free')
      assert.equal((await server.status()).counters.deaths, 0)
    },
  },
  {
    number: 57,
    group: 'E',
    fault: 'an overload, graceful',
    inject: 'ten times as many clients as kids, at a backlog of 16',
    async run(bed) {
      const server = await bed.serve({ kids: 2, slots: 1, backlog: 16 })
      const busy = [server.client('hold 1500'), server.client('hold 1500')]
      await server.statusIs(({ states }) => states.busy === 2, 'every kid to be busy')
      const waiting = Array.from({ length: 20 }, () => server.client('', { timeout: 30_000 }))
      // The kernel takes one more than it was told.
      await server.statusIs(({ listeners }) => listeners[0]?.waiting === 17, 'a full queue')
      const { counters: before } = await server.status()
      await pass(300)
      const { counters: after, listeners } = await server.status()
      assert.equal(after.orders, before.orders, 'nobody is ordered')
      assert.ok(after.rounds - before.rounds < 100, `${after.rounds - before.rounds} rounds`)
      assert.equal(listeners[0]?.waiting, 17, 'and the queue takes no more')
      for (const client of [...busy, ...waiting]) assert.equal(await client.ended, 'ok')
    },
  },
  {
    number: 58,
    group: 'E',
    fault: 'an overload, abrupt',
    inject: 'a hundred times as many clients as kids',
    quick: true,
    async run(bed) {
      const server = await bed.serve({ kids: 2, slots: 1, overload: 'abrupt' })
      const busy = [server.client('hold 700'), server.client('hold 700')]
      await server.statusIs(({ states }) => states.busy === 2, 'every kid to be busy')
      const turned = Array.from({ length: 200 }, () => server.client())
      for (const client of turned) {
        const end = await client.ended
        assert.ok(['eof', 'rst'].includes(end), `a client ended with ${end}`)
      }
      const { counters } = await server.status()
      assert.equal(counters.shed, 200)
      const most = Math.max(...server.events('shed').map(({ count }) => count))
      assert.ok(most <= 64, `${most} were turned away in one turn`)
      for (const client of busy) assert.equal(await client.ended, 'ok')
    },
  },
  {
    number: 59,
    group: 'E',
    fault: 'load at the edge of what can be served',
    inject: 'one client more than slots, then one less, and again, for 5 s',
    repeats: 5,
    async run(bed) {
      const server = await bed.serve({ kids: 4, slots: 1, logLevel: 'info' })
      const end = performance.now() + 5_000
      let slowest = 0
      while (performance.now() < end) {
        const begun = performance.now()
        const some = Array.from({ length: bed.random() < 0.5 ? 5 : 3 }, () =>
          server.client('hold 10'),
        )
        for (const client of some) assert.equal(await client.ended, 'ok')
        slowest = Math.max(slowest, performance.now() - begun)
      }
      // Two turns of 10 ms each, and a machine that has other things to do.
      assert.ok(slowest < 1_000, `somebody waited for ${slowest.toFixed()} ms`)
      bed.figures['slowest at the edge of overload'] = slowest
    },
  },
]
