/** Group C: kids that do something to the listener that all share. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { played, write } from '../../hostile/player.js'
import { type Bed, hostile } from '../bed.js'
import type { Row } from '../row.js'
import type { Server } from '../server.js'

/** The first kid does it at its first connection, and behaves otherwise. */
async function meddling(bed: Bed, how: string, changes: object = {}): Promise<Server> {
  const options = { ...hostile('meddles', { MEDDLE: how }), kids: 1, ...changes }
  return bed.serve(options as never, { tell: [] })
}

/** Milliseconds until it was noticed. */
async function noticed(bed: Bed, server: Server, what: string): Promise<void> {
  const begun = performance.now()
  await server.statusIs(({ counters }) => counters.meddled === 1, 'it to be noticed')
  bed.figures[what] = performance.now() - begun
  await server.logged(/^some kid has meddled with the listener .*; put right$/)
}

/** Clients come until one is served; those before may have failed. */
async function servedAgain(bed: Bed, server: Server): Promise<void> {
  const deadline = performance.now() + 5_000
  let failed = 0
  for (;;) {
    const end = await server.client().ended
    if (end === 'ok') break
    assert.notEqual(end, 'eof', 'nobody is let in and sent away without a word')
    failed++
    if (performance.now() > deadline) throw new Error(`nobody is served, of ${failed}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  bed.excuse(failed, 'nobody listened')
}

/** Processor time of a process so far, in milliseconds. */
function busyFor(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // Ticks of 10 ms, in user and in system mode.
  return (Number(fields[11]) + Number(fields[12])) * 10
}

async function anExplicitPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

const shut = {
  number: 38,
  group: 'C',
  fault: 'a kid shuts the listener down',
  inject: 'shutdown(listener) by a kid that serves',
} as const

export const sharedListeners: readonly Row[] = [
  {
    number: 37,
    group: 'C',
    part: 'graceful',
    fault: 'a kid makes the listener block',
    inject: 'fcntl(F_SETFL) by a kid that serves',
    async run(bed) {
      const server = await meddling(bed, 'blocking')
      assert.equal(await server.client().ended, 'ok')
      await noticed(bed, server, 'a listener that blocks is noticed after')
      assert.equal(await server.client().ended, 'ok')
    },
  },
  {
    number: 37,
    group: 'C',
    part: 'abrupt',
    fault: 'a kid makes the listener block',
    inject: 'the same, while the parent sheds',
    async run(bed) {
      const server = await meddling(bed, 'blocking', { overload: 'abrupt' })
      assert.equal(await server.client().ended, 'ok')
      const clients = Array.from({ length: 40 }, () => server.client())
      await Promise.all(clients.map((client) => client.ended))
      await server.statusIs(({ counters }) => counters.meddled <= 1, 'the parent to answer')
    },
  },
  {
    ...shut,
    part: 'a port the system chose',
    async run(bed) {
      const server = await meddling(bed, 'shut')
      assert.equal(await server.client().ended, 'ok')
      const address = server.address()
      await servedAgain(bed, server)
      await noticed(bed, server, 'a listener that is shut is noticed after')
      assert.deepEqual(server.address(), address)
      const { counters } = await server.status()
      assert.deepEqual(counters.kills, {}, 'nobody is blamed for what cannot be known')
    },
  },
  {
    ...shut,
    part: 'an explicit port, under load',
    async run(bed) {
      const listen = `127.0.0.1:${await anExplicitPort()}`
      const server = await meddling(bed, 'shut', { listen, kids: 3 })
      let over = false
      const ends: string[] = []
      const load = [1, 2, 3, 4].map(async () => {
        while (!over) {
          ends.push(await server.client().ended)
          await new Promise((resolve) => setTimeout(resolve, 5))
        }
      })
      await noticed(bed, server, 'under load a listener that is shut is noticed after')
      const before = ends.length
      await new Promise((resolve) => setTimeout(resolve, 300))
      over = true
      await Promise.all(load)
      assert.ok(ends.slice(before + 8).includes('ok'), 'it serves again')
      assert.ok(!ends.includes('eof'), 'nobody is let in and sent away without a word')
      const failed = ends.filter((end) => end !== 'ok').length
      bed.excuse(failed, 'nobody listened, and who was queued was reset')
    },
  },
  {
    ...shut,
    part: 'a Unix socket',
    async run(bed) {
      const server = await bed
        .launch({
          options: {
            ...hostile('meddles', { MEDDLE: 'shut' }),
            kids: 1,
            listen: `unix:${bed.path('s')}`,
          },
          mayEnd: [1],
        })
        .ready()
      assert.equal(await server.client().ended, 'ok')
      assert.equal(await server.ended, 1, 'it cannot be put right: the server stops')
      await server.logged(/^listening again at unix:.* failed with EINVAL/)
    },
  },
  {
    number: 39,
    group: 'C',
    fault: 'a kid gives the listener no backlog',
    inject: 'listen(listener, 0) by a kid that serves',
    async run(bed) {
      const server = await meddling(bed, 'backlog', { connectionTimeout: 20_000 })
      assert.equal(await server.client().ended, 'ok')
      await noticed(bed, server, 'another backlog is noticed after')
      // More than a queue of none takes.
      const clients = Array.from({ length: 20 }, () => server.client())
      for (const client of clients) assert.equal(await client.ended, 'ok')
    },
  },
  {
    number: 40,
    group: 'C',
    fault: 'a kid accepts without an order',
    inject: 'a kid that takes whoever comes, every half millisecond, and serves them',
    needs: ['perl'],
    async run(bed) {
      const server = await bed.serve({ ...played(bed, [[write('idle 1\n'), 'steal']]), kids: 3 })
      const { kids } = await server.status()
      const thief = kids.find(({ number }) => number === 1)?.pid
      let stolen = 0
      for (let i = 0; i < 200; i++) if ((await server.client().servedBy()) === thief) stolen++
      assert.ok(stolen > 0, 'the thief got some')
      const { counters } = await server.status()
      assert.ok(counters.orders <= 800, `no spin: ${counters.orders} orders for 200 connections`)
      // And none once nobody comes.
      const busy = busyFor(server.pid)
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      const spent = busyFor(server.pid) - busy
      assert.ok(spent <= 150, `an idle parent was busy for ${spent} ms of 1000`)
    },
  },
  {
    number: 41,
    group: 'C',
    fault: 'a kid closes its copy of the listener',
    inject: 'close(3), and EBADF is its answer',
    needs: ['perl'],
    async run(bed) {
      const script = [write('idle 1\n'), 'close listener', 'order 30', 'fail 0 EBADF', 'linger']
      const server = await bed.serve({ ...played(bed, [script]), kids: 2, pick: 'fair' })
      for (let i = 0; i < 3; i++) assert.equal(await server.client().ended, 'ok')
      await server.event('kill', ({ kid, reason }) => kid === 1 && reason === 'bad listener')
      await server.event('gone', ({ kid }) => kid === 1)
    },
  },
  {
    number: 42,
    group: 'C',
    fault: 'a kid holds what it has accepted for ever',
    inject: 'a handler that is not heard of again, with one slot and with several',
    async run(bed) {
      for (const slots of [1, 3]) {
        const server = await bed.serve({ kids: 2, slots, connectionTimeout: 500 })
        const held = server.client('never')
        await server.statusIs(({ counters }) => counters.accepted === 1, 'it to be held')
        assert.equal(await server.client().ended, 'ok', 'others are served')
        const end = await held.ended
        assert.ok(['rst', 'eof'].includes(end), end)
        const { counters } = await server.statusIs(({ counters }) => counters.held === 0, 'its end')
        // With one slot the parent kills the kid; with several the kid closes the socket, and says that it is done.
        if (slots === 1) assert.equal(counters.kills['connection timeout'], 1)
        else bed.excuse(1, 'connectionTimeout: closed by the kid, and counted as done')
      }
    },
  },
]
