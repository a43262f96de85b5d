/** Group D: accept fails in kids. */

import assert from 'node:assert/strict'
import { pass } from '../../process/processes.js'
import type { Bed } from '../bed.js'
import type { Row } from '../row.js'
import { limitDescriptors } from '../shortage.js'
import { tamper, tampered } from '../strace.js'

/** All that accept(2) says of one connection, or that nothing is the matter. */
const harmless = [
  'ECONNABORTED',
  'EPROTO',
  'ENETDOWN',
  'ENETUNREACH',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENONET',
  'ENOPROTOOPT',
  'EOPNOTSUPP',
  'EPERM',
  'ETIMEDOUT',
  'EINTR',
] as const

/** How long a fault that lasts is looked at, in milliseconds. */
const lasting = 2_000

/** Three times in each kid; each client is served all the same, and no kid pays for it. */
async function withstands(bed: Bed, error: string): Promise<void> {
  const { prefix, trace } = tampered(bed, `accept4:error=${error}:when=1..3`)
  const server = await bed.serve({ kids: 2 }, { prefix })
  const clients = Array.from({ length: 6 }, () => server.client())
  for (const client of clients) assert.equal(await client.ended, 'ok')
  assert.ok(trace.lines().length >= 3, `${trace.lines().length} calls failed`)
  const { counters } = await server.status()
  assert.deepEqual(counters.kills, {})
  assert.equal(counters.deaths, 0)
}

/** In every kid for two seconds while a client waits: the parent does not spin, says so, and all is well when it is over. */
async function waitsOut(bed: Bed, error: string, said: RegExp): Promise<void> {
  const server = await bed.serve({ kids: 2 })
  const tampering = await Promise.all(
    server.kids.map((pid) => tamper(bed, pid, `accept4:error=${error}`)),
  )
  const client = server.client()
  const asked = performance.now()
  try {
    await server.logged(said)
    await pass(lasting)
    const calls = tampering.reduce((sum, trace) => sum + trace.lines().length, 0)
    const took = performance.now() - asked
    const { counters } = await server.status()
    assert.deepEqual(counters.kills, {})
    assert.equal(counters.deaths, 0)
    // Each kid may be asked ten times in a second, and ten times before it was clear that it is no good; and another in
    // place of one that strace has made late.
    const most = 2 * (10 * (took / 1_000) + 10) + counters.late
    assert.ok(calls <= most, `${calls} calls in ${took} ms, ${counters.late} answers late`)
    assert.equal(server.lines(said).length, 1, 'it is said once')
  } finally {
    for (const trace of tampering) await trace.stop()
  }
  const begun = performance.now()
  assert.equal(await client.ended, 'ok')
  bed.figures['served again after'] = performance.now() - begun
}

export const acceptErrors: readonly Row[] = [
  {
    number: 43,
    group: 'D',
    part: 'once',
    fault: 'accept says EAGAIN: another was faster',
    inject: 'strace: EAGAIN for the first three accepts of each kid',
    needs: ['strace'],
    quick: true,
    run: (bed) => withstands(bed, 'EAGAIN'),
  },
  {
    number: 43,
    group: 'D',
    part: 'lasting',
    fault: 'accept says EAGAIN: another was faster',
    inject: 'strace: EAGAIN for every accept of every kid, for 2 s',
    needs: ['strace'],
    run: (bed) => waitsOut(bed, 'EAGAIN', /no kid finds one to accept$/),
  },
  ...harmless.map(
    (error): Row => ({
      number: 44,
      group: 'D',
      part: error,
      fault: 'accept fails for the sake of one connection',
      inject: `strace: ${error} for the first three accepts of each kid`,
      needs: ['strace'],
      run: (bed) => withstands(bed, error),
    }),
  ),
  {
    number: 45,
    group: 'D',
    part: 'EMFILE, real',
    fault: 'a kid has no descriptor left',
    inject: 'prlimit --nofile on a live kid',
    needs: ['prlimit'],
    quick: true,
    async run(bed) {
      const server = await bed.serve({ kids: 2, pick: 'fair' })
      const victim = server.kids[0] as number
      limitDescriptors(victim)
      for (let i = 0; i < 4; i++) assert.equal(await server.client().ended, 'ok')
      await server.event('gone', ({ pid }) => pid === victim)
      await server.event('idle', () => true, 3)
      const { counters } = await server.status()
      assert.equal(counters.lost + counters.unanswered, 0)
    },
  },
  {
    number: 45,
    group: 'D',
    part: 'EMFILE, injected',
    fault: 'a kid has no descriptor left',
    inject: 'strace: EMFILE for the third accept of each kid',
    needs: ['strace'],
    async run(bed) {
      const { prefix } = tampered(bed, 'accept4:error=EMFILE:when=3')
      const server = await bed.serve({ kids: 2 }, { prefix })
      for (let i = 0; i < 10; i++) assert.equal(await server.client().ended, 'ok')
      assert.ok(server.events('gone').length >= 2, 'two kids at least are gone')
      const { counters } = await server.status()
      assert.deepEqual(counters.kills, {})
      assert.equal(counters.lost + counters.unanswered, 0)
    },
  },
  ...(['ENFILE', 'ENOBUFS', 'ENOMEM'] as const).map(
    (error): Row => ({
      number: error === 'ENFILE' ? 45 : 47,
      group: 'D',
      part: error,
      fault: 'the whole system is short of what accept needs',
      inject: `strace: ${error} for every accept of every kid, for 2 s`,
      needs: ['strace'],
      run: (bed) => waitsOut(bed, error, new RegExp(`^accepting at .* fails with ${error}`)),
    }),
  ),
]
