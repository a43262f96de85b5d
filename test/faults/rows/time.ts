/** Group F: a parent that sleeps, with its kids or alone, and a clock that jumps. */

import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { pass, signal } from '../../process/processes.js'
import type { Bed } from '../bed.js'
import { load } from '../load.js'
import type { Row } from '../row.js'

/** All times that begin with a connection, in milliseconds; and how much longer than these the sleep lasts. */
const timeout = 600
const sleep = 3 * timeout

async function sleeps(bed: Bed, whole: boolean): Promise<void> {
  const server = await bed.serve({
    kids: 2,
    acceptTimeout: timeout,
    connectionTimeout: timeout,
    readyTimeout: 10_000,
  })
  const kids = server.kids.sort()
  const traffic = load(server, 8)
  await server.statusIs(({ counters }) => counters.done > 20, 'traffic')
  const asleep = whole ? [...kids, server.pid] : [server.pid]
  for (const pid of asleep) await signal(pid, 'SIGSTOP')
  await pass(sleep)
  // The parent first: it must not judge those who have not run yet.
  for (const pid of asleep.reverse()) process.kill(pid, 'SIGCONT')
  const { counters } = await server.status()
  await server.statusIs((now) => now.counters.done > counters.done + 20, 'traffic again')
  const { ok, ...others } = await traffic.stop()
  assert.ok(ok > 40, `${ok} were served`)
  assert.deepEqual(Object.values(others), [0, 0, 0, 0, 0], 'no client has failed')
  assert.deepEqual(server.events('kill'), [], 'no kid was killed')
  assert.deepEqual(server.kids.sort(), kids, 'the kids are the same')
  // The stall is what the row is about.
  bed.figures['false kills'] = server.events('kill').length
}

/** The library that fakes the clock; its command would not let the time jump. */
function fakeClock(): string {
  for (const directory of readdirSync('/usr/lib', { withFileTypes: true })) {
    if (!directory.isDirectory()) continue
    const path = `/usr/lib/${directory.name}/faketime`
    try {
      if (readdirSync(path).includes('libfaketimeMT.so.1')) return `${path}/libfaketimeMT.so.1`
    } catch {
      // Not there, then.
    }
  }
  throw new Error('faketime is there, and libfaketimeMT.so.1 is not')
}

export const time: readonly Row[] = [
  {
    number: 67,
    group: 'F',
    fault: 'the parent is stopped for three times every timeout, and goes on',
    inject: 'SIGSTOP and SIGCONT under load',
    halts: true,
    run: (bed) => sleeps(bed, false),
  },
  {
    number: 68,
    group: 'F',
    fault: 'parent and kids are stopped for three times every timeout, and go on',
    inject: 'SIGSTOP and SIGCONT to all of them under load',
    halts: true,
    run: (bed) => sleeps(bed, true),
  },
  {
    number: 71,
    group: 'F',
    fault: 'the wall clock jumps an hour back and a day forth',
    inject: 'libfaketime in the parent and its kids, the monotonic clock left alone',
    needs: ['faketime'],
    async run(bed) {
      const file = bed.path('clock')
      writeFileSync(file, '+0\n')
      const server = await bed.command(['--kids', '2', '--connection-timeout', '5s'], {
        env: {
          LD_PRELOAD: fakeClock(),
          FAKETIME_TIMESTAMP_FILE: file,
          FAKETIME_NO_CACHE: '1',
          FAKETIME_DONT_FAKE_MONOTONIC: '1',
        },
      })
      const kids = server.kids.sort()
      const traffic = load(server, 4)
      for (const jump of ['-1h', '+1d', '+0']) {
        writeFileSync(file, `${jump}\n`)
        await pass(400)
      }
      const { ok, ...others } = await traffic.stop()
      assert.ok(ok > 20, `${ok} were served`)
      assert.deepEqual(Object.values(others), [0, 0, 0, 0, 0])
      assert.deepEqual(server.lines(/^killed/), [])
      assert.deepEqual(server.kids.sort(), kids)
      // Otherwise nothing has jumped.
      writeFileSync(file, '+1d\n')
      await server.stop()
      const day = 86_400_000
      const ahead = Number(server.log.at(-1)?.time) - Date.now()
      assert.ok(Math.abs(ahead - day) < 60_000, `the parent's clock was ${ahead} ms ahead`)
    },
  },
]
