/** Group D: system calls fail, or take long, that are not about one connection. */

import assert from 'node:assert/strict'
import { pass, signal, until } from '../../process/processes.js'
import type { Bed } from '../bed.js'
import { limitGroup } from '../control-group.js'
import { load } from '../load.js'
import type { Row } from '../row.js'
import { limitDescriptors } from '../shortage.js'
import { tamper, tampered } from '../strace.js'

/** The parent can spawn nobody for two seconds, in which a kid dies: the other serves on, and there are two again afterwards. */
async function cannotSpawn(bed: Bed, prevent: (pid: number) => Promise<() => unknown>) {
  const server = await bed.serve({ kids: 2 })
  const allow = await prevent(server.pid)
  try {
    await signal(server.kids[0] as number, 'SIGKILL')
    await server.logged(/could not be spawned/)
    await server.logged(/no further spawn for \d+ s$/)
    const spawned = server.lines(/could not be spawned/).length
    for (let i = 0; i < 20; i++) assert.equal(await server.client().ended, 'ok')
    await pass(500)
    const more = server.lines(/could not be spawned/).length - spawned
    assert.ok(more <= 1, `${more} more attempts while it rests`)
    assert.equal(server.kids.length, 1)
  } finally {
    await allow()
  }
  const begun = performance.now()
  await server.event('idle', () => true, 3, 40_000)
  bed.figures['as many kids as before again after'] = performance.now() - begun
}

export const systemErrors: readonly Row[] = [
  {
    number: 46,
    group: 'D',
    fault: 'the parent has no descriptor left to spawn with',
    inject: 'prlimit --nofile on the parent, and a kid killed',
    needs: ['prlimit'],
    repeats: 5,
    run: (bed) => cannotSpawn(bed, async (pid) => limitDescriptors(pid)),
  },
  ...(['EBADF', 'EINVAL', 'ENOTSOCK'] as const).map(
    (error): Row => ({
      number: 48,
      group: 'D',
      part: error,
      fault: 'what a kid holds is no listener any more',
      inject: `strace: ${error} for every accept of one kid`,
      needs: ['strace'],
      async run(bed) {
        const server = await bed.serve({ kids: 2, pick: 'fair' })
        const victim = server.kids[0] as number
        await tamper(bed, victim, `accept4:error=${error}`)
        for (let i = 0; i < 4; i++) assert.equal(await server.client().ended, 'ok')
        await server.event('gone', ({ pid }) => pid === victim)
        const { counters } = await server.status()
        assert.deepEqual(Object.values(counters.kills), [1])
        assert.equal(counters.lost + counters.unanswered, 0)
      },
    }),
  ),
  {
    number: 48,
    group: 'D',
    part: 'EINVAL in all kids',
    fault: 'what a kid holds is no listener any more',
    inject: 'strace: EINVAL for every accept of every kid there will be',
    needs: ['strace'],
    async run(bed) {
      const { prefix } = tampered(bed, 'accept4:error=EINVAL')
      const server = await bed.serve({ kids: 2 }, { prefix, outOfService: true, unfinished: true })
      server.client()
      await server.event('kill', () => true, 2)
      await pass(2_000)
      const kills = server.events('kill')
      assert.ok(
        kills.every(({ reason }) => reason === 'bad listener'),
        'all were killed for their listener',
      )
      // As fast as kids come up, and no faster: each is ordered once.
      assert.ok(kills.length <= 22, `${kills.length} kills in 2 s`)
    },
  },
  {
    number: 49,
    group: 'D',
    part: 'real',
    fault: 'the system has no process to spare',
    inject: 'a control group for the parent with pids.max=1, and a kid killed',
    needs: ['root', 'process groups'],
    repeats: 5,
    run: (bed) =>
      cannotSpawn(bed, async (pid) => {
        const set = limitGroup(bed, pid, 'pids', 'pids.max=1')
        return () => set('pids.max=max')
      }),
  },
  {
    number: 49,
    group: 'D',
    part: 'injected',
    fault: 'the system has no process to spare',
    inject: 'strace: EAGAIN for fork, vfork, clone and clone3 of the parent, and a kid killed',
    needs: ['strace'],
    repeats: 5,
    run: (bed) =>
      cannotSpawn(bed, async (pid) => {
        const trace = await tamper(bed, pid, 'fork,vfork,clone,clone3:error=EAGAIN')
        return () => trace.stop()
      }),
  },
  {
    number: 50,
    group: 'D',
    part: 'signals',
    fault: 'the poller of the parent is interrupted again and again',
    inject: 'SIGUSR1 and SIGCHLD to the parent, a thousand a second for 2 s',
    async run(bed) {
      const server = await bed.command(['--kids', '2'])
      const clients = load(server, 4)
      const begun = performance.now()
      let sent = 0
      while (performance.now() < begun + 2_000) {
        // As many as are due by now, however late we are.
        for (; sent < performance.now() - begun; sent++) {
          server.signal('SIGUSR1')
          server.signal('SIGCHLD')
        }
        await pass(1)
      }
      assert.ok((await clients.stop()).ok >= 100, 'a hundred at least were served')
    },
  },
  {
    number: 50,
    group: 'D',
    part: 'EINTR',
    fault: 'the poller of the parent is interrupted again and again',
    inject: 'strace: EINTR for every second epoll_wait of the parent, 300 times',
    needs: ['strace'],
    async run(bed) {
      const server = await bed.serve({ kids: 2 })
      // A last time: who lets go of strace within a call has it fail with ENOSYS, and Node.js does not stand that.
      const calls = 'epoll_wait,epoll_pwait:error=EINTR:when=1..600+2'
      const trace = await tamper(bed, server.pid, calls)
      const clients = load(server, 4)
      await until(() => trace.lines().length >= 300, '300 calls to be interrupted')
      const { ok: served } = await clients.stop()
      await trace.stop()
      assert.ok(served >= 50, `${served} served`)
    },
  },
  {
    number: 51,
    group: 'D',
    part: 'late',
    fault: 'accept takes long',
    inject: 'strace: accept of every kid is delayed by 300 ms',
    needs: ['strace'],
    async run(bed) {
      const { prefix } = tampered(bed, 'accept4:delay_enter=300000')
      const server = await bed.serve({ kids: 2 }, { prefix })
      const clients = Array.from({ length: 4 }, () => server.client())
      for (const client of clients) assert.equal(await client.ended, 'ok')
      const { counters } = await server.status()
      assert.deepEqual(counters.kills, {})
      assert.ok(counters.late > 0, 'orders were late')
    },
  },
  {
    number: 51,
    group: 'D',
    part: 'too long',
    fault: 'accept takes long',
    inject: 'strace: accept of one kid is delayed by 3 s, three times acceptTimeout',
    needs: ['strace'],
    async run(bed) {
      const server = await bed.serve({ kids: 1 })
      const victim = server.kids[0] as number
      await tamper(bed, victim, 'accept4:delay_enter=3000000')
      const client = server.client()
      assert.equal(await client.ended, 'ok')
      assert.notEqual(await client.servedBy(), victim)
      const { counters } = await server.status()
      assert.deepEqual(counters.kills, { 'accept timeout': 1 })
    },
  },
]
