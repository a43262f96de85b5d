/** Group A: kids that are stopped, as by a debugger or a machine that has no time for them. */

import assert from 'node:assert/strict'
import { pass, signal } from '../../process/processes.js'
import { hostile } from '../bed.js'
import type { Row } from '../row.js'

export const stoppedKids: readonly Row[] = [
  {
    number: 5,
    group: 'A',
    fault: 'a kid is stopped while it is idle, and ordered',
    inject: 'SIGSTOP to the only kid',
    quick: true,
    async run(bed) {
      const server = await bed.serve({ kids: 1, acceptTimeout: 500 })
      const victim = server.kids[0] as number
      await signal(victim, 'SIGSTOP')
      const client = server.client()
      assert.equal(await client.ended, 'ok')
      assert.notEqual(await client.servedBy(), victim)
      const { counters } = await server.status()
      assert.deepEqual(counters.kills, { 'accept timeout': 1 })
      assert.equal(counters.lost, 0)
    },
  },
  {
    number: 6,
    group: 'A',
    part: 'with connectionTimeout',
    fault: 'a kid is stopped while it is busy',
    inject: 'SIGSTOP while its handler holds a connection',
    async run(bed) {
      const server = await bed.serve({ kids: 2, connectionTimeout: 1_000 })
      const client = server.client('hold 200')
      const { kids } = await server.statusIs(({ states }) => states.busy === 1, 'a busy kid')
      await signal(kids.find(({ held }) => held === 1)?.pid as number, 'SIGSTOP')
      for (let i = 0; i < 5; i++) assert.equal(await server.client().ended, 'ok')
      assert.notEqual(await client.ended, 'ok')
      const { counters } = await server.status()
      assert.deepEqual(counters.kills, { 'connection timeout': 1 })
    },
  },
  {
    number: 6,
    group: 'A',
    part: 'without',
    fault: 'a kid is stopped while it is busy',
    inject: 'SIGSTOP while its handler holds a connection, SIGCONT 1.5 s later',
    async run(bed) {
      const server = await bed.serve({ kids: 2 })
      const client = server.client('hold 200')
      const { kids } = await server.statusIs(({ states }) => states.busy === 1, 'a busy kid')
      const victim = kids.find(({ held }) => held === 1)?.pid as number
      await signal(victim, 'SIGSTOP')
      for (let i = 0; i < 5; i++) assert.equal(await server.client().ended, 'ok')
      // Longer than acceptTimeout: it holds no order.
      await pass(1_500)
      const { counters, states } = await server.status()
      assert.deepEqual([counters.kills, states.busy], [{}, 1])
      await signal(victim, 'SIGCONT')
      assert.equal(await client.ended, 'ok')
    },
  },
  {
    number: 7,
    group: 'A',
    fault: 'a kid is stopped before it is up',
    inject: 'a foreign kid that stops itself',
    async run(bed) {
      const options = { ...hostile('stops-itself-at-start'), kids: 2, readyTimeout: 2_000 }
      const server = await bed.serve(options)
      const begun = performance.now()
      for (let i = 0; i < 5; i++) assert.equal(await server.client().ended, 'ok')
      bed.figures['five clients beside a kid that does not come up'] = performance.now() - begun
      await server.event('kill', ({ kid, reason }) => kid === 1 && reason === 'ready timeout')
      await server.event('idle', ({ kid }) => kid === 3)
    },
  },
  {
    number: 8,
    group: 'A',
    fault: 'all kids are stopped',
    inject: 'SIGSTOP to each, then as many clients',
    async run(bed) {
      const server = await bed.serve({ kids: 4, acceptTimeout: 1_000 })
      for (const pid of server.kids) await signal(pid, 'SIGSTOP')
      const begun = performance.now()
      const clients = Array.from({ length: 4 }, () => server.client())
      for (const client of clients) assert.equal(await client.ended, 'ok')
      const took = performance.now() - begun
      bed.figures['four clients after four kids were stopped'] = took
      // All of them time out together, not one after another.
      assert.ok(took < 3_500, `${took} ms`)
      const { counters } = await server.status()
      assert.deepEqual(counters.kills, { 'accept timeout': 4 })
      assert.equal(counters.lost, 0)
    },
  },
]
