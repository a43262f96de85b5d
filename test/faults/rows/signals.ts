/** Group F: stops under load, storms of signals, parents that are killed, and standard error that nobody reads. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { signals as known } from '../../../src/core/signals.js'
import { isAlive, pass, signal, until } from '../../process/processes.js'
import type { Asked } from '../asked.js'
import type { Bed } from '../bed.js'
import { load } from '../load.js'
import type { Row } from '../row.js'
import type { Server } from '../server.js'

const all = [...known, 'SIGCHLD'] as const
assert.equal(all.length, 10, 'ten signals, as the rows say')

/** Signals a parent that may have gone in the meantime. */
function send(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Asks whoever is the parent to end until nobody is left: a new one may have come up only now. */
async function endAll(bed: Bed, server: Server): Promise<void> {
  for (let i = 0; i < 40 && bed.left().length > 0; i++) {
    send(server.pid, 'SIGTERM')
    await until(() => bed.left().length === 0, 'all to end', 1_000).catch(() => {})
  }
  assert.deepEqual(bed.left(), [], 'nobody is left')
}

/** Milliseconds of processor time so far. */
export function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const [user = 0, system = 0] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
  return (Number(user) + Number(system)) * 10
}

/** Whom the handler has begun to serve. */
function served(bed: Bed): Set<number> {
  const lines = readFileSync(bed.ledger, 'latin1').trim().split('\n')
  return new Set(lines.map((line) => Number(line.split(' ')[0])))
}

export const signals: readonly Row[] = [
  {
    number: 62,
    group: 'F',
    fault: 'TERM while kids are busy and others wait',
    inject: '8 clients at a time, 20 ms each; TERM after ten have been served',
    async run(bed) {
      const server = await bed.command(['--kids', '3'])
      const clients: Asked[] = []
      let signalled = Number.POSITIVE_INFINITY
      const loop = async () => {
        for (;;) {
          const client = server.client('hold 20')
          clients.push(client)
          await client.connected
          const wasQueued = performance.now() < signalled && !client.socket.destroyed
          const end = await client.ended
          if (end === 'ok') continue
          assert.ok(!wasQueued, `a client that was queued before the stop ended with ${end}`)
          assert.ok(!served(bed).has(client.id), `a client that was accepted ended with ${end}`)
          bed.excuse(1, 'it came after the stop had begun')
          return
        }
      }
      const loops = Array.from({ length: 8 }, loop)
      await until(() => served(bed).size >= 10, 'ten to be served')
      server.signal('SIGTERM')
      signalled = performance.now()
      await Promise.all(loops)
      assert.equal(await server.ended, 0)
      const ends = await Promise.all(clients.map(({ ended }) => ended))
      const refused = ends.indexOf('refused')
      assert.ok(refused < 0 || !ends.slice(refused).includes('ok'), 'nobody is served after that')
    },
  },
  {
    number: 63,
    group: 'F',
    fault: 'three signals in a row, any three',
    inject: 'four triples out of ten signals drawn by the seed; all 1000 in test/core/signals',
    async run(bed) {
      for (let i = 0; i < 4; i++) {
        const server = await bed.command(['--kids', '1'], { mayEnd: [0], outOfService: true })
        for (let n = 0; n < 3; n++) {
          send(server.pid, all[bed.between(0, all.length - 1)] as NodeJS.Signals)
          await pass(bed.between(0, 60))
        }
        await endAll(bed, server)
        assert.equal(await server.ended, 0)
      }
    },
  },
  {
    number: 64,
    group: 'F',
    fault: 'HUP a thousand times in a second',
    inject: 'kill, every millisecond',
    async run(bed) {
      const server = await bed.command(['--kids', '2'])
      let most = 0
      for (let i = 0; i < 1_000; i++) {
        server.signal('SIGHUP')
        await pass(1)
        if (i % 50 === 0) most = Math.max(most, server.kids.length)
      }
      await server.logged(/^reloaded: /)
      most = Math.max(most, server.kids.length)
      // A launcher may be seen for a moment beside the kid that it becomes.
      assert.ok(most <= 5, `at most twice as many kids, and one on its way: ${most}`)
      const generations = () => server.lines(/^reloads: /).length
      await until(
        () => server.lines(/^reloaded: /).length === generations() && server.kids.length === 2,
        'the last reload to end, with two kids',
        30_000,
      )
      bed.figures['generations of 1000 HUPs'] = generations()
      assert.ok(generations() < 100, `they are coalesced: ${generations()}`)
    },
  },
  {
    number: 65,
    group: 'F',
    fault: 'TERM at any moment of the start',
    inject: 'kill, 0 to 500 ms after the start, five times',
    quick: true,
    repeats: 20,
    async run(bed) {
      const starts = Array.from({ length: 5 }, async (_, i) => {
        await pass(i * 20)
        // Before Node.js is up, nobody is there yet who could handle a signal.
        const server = bed.launch({ args: ['--kids', '2'], mayEnd: [0, 'SIGTERM'] })
        await pass(bed.between(0, 100) * 5)
        send(server.process.pid as number, 'SIGTERM')
        await server.ended
      })
      await Promise.all(starts)
      await until(() => bed.left().length === 0, 'nobody to be left')
    },
  },
  {
    number: 66,
    group: 'F',
    fault: 'the parent is killed under load',
    inject: 'SIGKILL while kids are idle, busy, and in an endless loop; then a new start',
    async run(bed) {
      const listen = ['--listen', `unix:${bed.path('s')}`, '--kids', '4']
      const server = await bed.command(listen, { mayEnd: ['SIGKILL'] })
      const clients = [server.client('spin'), server.client('never'), server.client('never')]
      await until(() => served(bed).size === 3, 'three to be held')
      const kids = server.kids
      assert.equal(kids.length, 4)
      const begun = performance.now()
      await signal(server.pid, 'SIGKILL')
      await until(() => !kids.some(isAlive), 'the kids to be gone', 2_000)
      bed.figures['kids gone after'] = performance.now() - begun
      for (const client of clients) {
        const end = await client.ended
        assert.ok(['rst', 'eof'].includes(end), `a client ended with ${end}`)
      }
      bed.excuse(clients.length, 'nobody is left to count them')
      const next = await bed.command(listen)
      assert.equal(await next.client().ended, 'ok')
    },
  },
  {
    number: 69,
    group: 'F',
    fault: 'nobody reads standard error any more',
    inject: 'the reading end is closed; then clients, and a kid that is killed',
    async run(bed) {
      const server = await bed.command(['--kids', '2', '--log-level', 'debug'])
      const parent = server.pid
      server.process.stderr?.destroy()
      for (let i = 0; i < 50; i++) assert.equal(await server.client().ended, 'ok')
      const [victim = 0] = server.kids
      await signal(victim, 'SIGKILL')
      await until(() => server.kids.length === 2 && !server.kids.includes(victim), 'another kid')
      for (let i = 0; i < 50; i++) assert.equal(await server.client().ended, 'ok')
      const before = cpuOf(parent)
      await pass(500)
      assert.ok(cpuOf(parent) - before < 250, 'it does not write again and again')
    },
  },
  {
    number: 70,
    group: 'F',
    fault: 'the terminal hangs up',
    inject: 'HUP to the parent and all its kids at once, and nobody reads standard error',
    async run(bed) {
      const server = await bed.command(['--kids', '2'])
      const parent = server.pid
      const kids = server.kids
      const traffic = load(server, 2)
      server.process.stderr?.destroy()
      for (const pid of [parent, ...kids]) send(pid, 'SIGHUP')
      // Kids ignore it, for the parent it is a reload as any.
      await until(() => !kids.some(isAlive) && server.kids.length === 2, 'new kids', 20_000)
      const { ok, ...others } = await traffic.stop()
      assert.ok(ok > 0, 'some were served')
      assert.deepEqual(Object.values(others), [0, 0, 0, 0, 0])
      assert.ok(isAlive(parent), 'the parent lives')
    },
  },
]
