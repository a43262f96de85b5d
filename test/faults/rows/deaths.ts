/** Group A: kids that die, once or for ever. */

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { isAlive, signal, until } from '../../process/processes.js'
import { type Bed, hostile } from '../bed.js'
import { limitGroup } from '../control-group.js'
import type { Row } from '../row.js'
import type { Server } from '../server.js'

/** The pid of the kid that holds a connection; settles once there is one. */
async function busyKid(server: Server): Promise<number> {
  const { kids } = await server.statusIs(({ states }) => states.busy === 1, 'a busy kid')
  return kids.find(({ held }) => held === 1)?.pid as number
}

/** A kid dies with a connection: that one is lost and counted, another is served, and a new kid comes. */
async function diesBusy(bed: Bed, kill: (kid: number) => unknown, what = 'hold 60000') {
  const server = await bed.serve({ kids: 2 })
  const client = server.client(what)
  await kill(what.startsWith('hold') ? await busyKid(server) : Number.NaN)
  const end = await client.ended
  assert.ok(['rst', 'eof'].includes(end), `its client ended with ${end}`)
  assert.equal(await server.client().ended, 'ok')
  await server.event('idle', () => true, 3)
  const { counters } = await server.status()
  assert.deepEqual([counters.lost, counters.unanswered], [1, 0])
  assert.deepEqual(counters.kills, {}, 'nobody was killed by the parent')
  return server
}

/** A server whose handler never loads: it ends by itself and says why. */
async function neverStarts(bed: Bed, handler: string, why: RegExp) {
  const path = bed.path('handler.mjs')
  writeFileSync(path, handler)
  const begun = performance.now()
  const server = bed.launch({ args: ['--handler', path, '--kids', '2'], mayEnd: [3] })
  assert.equal(await server.ended, 3)
  assert.ok(performance.now() - begun < 15_000, 'it gives up soon')
  assert.match(server.stderr.trimEnd().split('\n').at(-1) as string, why)
}

export const deaths: readonly Row[] = [
  {
    number: 1,
    group: 'A',
    fault: 'a kid is killed while it is idle',
    inject: 'SIGKILL from outside',
    quick: true,
    async run(bed) {
      const server = await bed.serve({ kids: 2 })
      const victim = server.kids[0] as number
      await signal(victim, 'SIGKILL')
      await server.event('gone', ({ pid }) => pid === victim)
      await server.event('idle', () => true, 3)
      const { counters } = await server.status()
      assert.equal(counters.lost + counters.unanswered, 0)
    },
  },
  {
    number: 2,
    group: 'A',
    fault: 'a kid is killed while it is busy',
    inject: 'SIGKILL while its handler holds a connection',
    quick: true,
    run: async (bed) => void (await diesBusy(bed, (kid) => signal(kid, 'SIGKILL'))),
  },
  {
    number: 3,
    group: 'A',
    fault: 'a kid dies between its order and accept',
    inject: 'a foreign kid that exits when ordered',
    quick: true,
    async run(bed) {
      const server = await bed.serve({ ...hostile('exits-before-accept'), kids: 1 })
      assert.equal(await server.client().ended, 'ok')
      const { counters } = await server.status()
      assert.deepEqual([counters.lost, counters.unanswered], [0, 1])
    },
  },
  {
    number: 4,
    group: 'A',
    fault: 'a kid dies after accept, before it has answered',
    inject: 'a foreign kid that exits there',
    async run(bed) {
      const server = await bed.serve({ ...hostile('exits-after-accept'), kids: 1 })
      assert.notEqual(await server.client().ended, 'ok')
      assert.equal(await server.client().ended, 'ok')
      const { counters } = await server.status()
      assert.deepEqual([counters.lost, counters.unanswered], [0, 1])
    },
  },
  {
    number: 9,
    group: 'A',
    part: 'at the start',
    fault: 'kids exit at once, again and again',
    inject: 'a handler that exits with 0 when it is imported',
    quick: true,
    run: (bed) => neverStarts(bed, 'process.exit(0)', /^preforkd: .*exit code 0/),
  },
  {
    number: 9,
    group: 'A',
    part: 'later',
    fault: 'kids exit at once, again and again',
    inject: 'a handler that begins to exit with 0 after the start, and a kid killed',
    repeats: 3,
    async run(bed) {
      const path = bed.path('handler.mjs')
      const good = `export default (socket) => socket.once('data', (d) => socket.end(\`\${parseInt(d)} \${process.pid}\\n\`))`
      writeFileSync(path, good)
      const server = await bed.serve({ handler: path, kids: 2 })
      writeFileSync(path, 'process.exit(0)')
      await signal(server.kids[0] as number, 'SIGKILL')
      await server.logged(/no further spawn for 2 s$/, 1, 20_000)
      // Two died together at most; five deaths, then one for each rest.
      assert.ok(server.events('spawn').length <= 2 + 7, `${server.events('spawn').length} spawns`)
      assert.equal(await server.client().ended, 'ok', 'the other one serves')
      writeFileSync(path, good)
      const begun = performance.now()
      await server.event('idle', () => true, 3, 20_000)
      bed.figures['as many kids as before again after'] = performance.now() - begun
    },
  },
  {
    number: 10,
    group: 'A',
    part: 'throws',
    fault: 'the handler cannot be loaded',
    inject: 'a handler that throws when it is imported',
    run: (bed) => neverStarts(bed, `throw new Error('no socks')`, /^preforkd: .*no socks/),
  },
  {
    number: 10,
    group: 'A',
    part: 'syntax',
    fault: 'the handler cannot be loaded',
    inject: 'a handler with a syntax error',
    run: (bed) => neverStarts(bed, 'export default (', /^preforkd: .*SyntaxError/),
  },
  {
    number: 11,
    group: 'A',
    fault: 'a kid says that no restart will help',
    inject: 'exit code 125',
    quick: true,
    async run(bed) {
      const server = await bed.serve({ kids: 2 }, { mayEnd: [1] })
      assert.notEqual(await server.client('exit 125').ended, 'ok')
      assert.equal(await server.ended, 1)
      assert.match(server.stderr, /kid \d+ ended with exit code 125, which asks for no restart/)
      // One may have taken its place in the same turn.
      assert.ok(server.events('spawn').length <= 3, 'nobody was spawned in its place, or one')
    },
  },
  ...(['SIGSEGV', 'SIGABRT', 'SIGBUS'] as const).map(
    (name): Row => ({
      number: 12,
      group: 'A',
      part: name,
      fault: 'a kid crashes',
      inject: `${name} from outside while it is busy`,
      async run(bed) {
        const server = await diesBusy(bed, (kid) => process.kill(kid, name))
        await server.logged(new RegExp(`^kid \\d+ ended by ${name}$`))
      },
    }),
  ),
  {
    number: 12,
    group: 'A',
    part: 'abort',
    fault: 'a kid crashes',
    inject: 'a handler that calls process.abort()',
    quick: true,
    async run(bed) {
      const server = await diesBusy(bed, () => {}, 'abort')
      await server.logged(/^kid \d+ ended by SIGABRT$/)
    },
  },
  {
    number: 13,
    group: 'A',
    part: 'its own limit',
    fault: 'a kid runs out of memory',
    inject: '--max-old-space-size=32 and a handler that leaks',
    async run(bed) {
      const env = { NODE_OPTIONS: '--max-old-space-size=32' }
      const server = await bed.serve({ kids: 2, env })
      assert.notEqual(await server.client('leak').ended, 'ok')
      await server.logged(/^kid \d+ ended by SIGABRT$/, 1, 20_000)
      await server.event('idle', () => true, 3)
    },
  },
  {
    number: 13,
    group: 'A',
    part: "the kernel's",
    fault: 'a kid runs out of memory',
    inject: 'a control group of 200 MB for one kid, and a handler that takes more',
    needs: ['root', 'memory groups'],
    async run(bed) {
      const server = await bed.serve({ kids: 2 })
      for (const pid of server.kids) {
        limitGroup(bed, pid, 'memory', 'memory.limit_in_bytes=200000000')
      }
      assert.notEqual(await server.client('hog').ended, 'ok')
      await server.logged(/^kid \d+ ended by SIGKILL$/)
      assert.deepEqual(server.lines(/^killed kid/), [], 'it is not said that the parent did it')
      await server.event('idle', () => true, 3)
      const { counters } = await server.status()
      assert.deepEqual([counters.lost, counters.unanswered], [1, 0])
    },
  },
  {
    number: 14,
    group: 'A',
    fault: 'the parent is killed while a kid is in an endless loop',
    inject: 'SIGKILL to the parent; the handler of one kid spins',
    quick: true,
    async run(bed) {
      const server = await bed.serve({ kids: 2 }, { mayEnd: ['SIGKILL'] })
      const client = server.client('spin')
      await busyKid(server)
      const kids = server.kids
      const begun = performance.now()
      server.signal('SIGKILL')
      await until(() => !kids.some(isAlive), 'kids to be gone')
      bed.figures['kids gone after the SIGKILL of the parent'] = performance.now() - begun
      assert.notEqual(await client.ended, 'ok')
      bed.excuse(1, 'its parent was killed')
    },
  },
  {
    number: 15,
    group: 'A',
    fault: 'a kid does not go when told to',
    inject:
      'a foreign kid that ignores leave, the end of its pipes and every signal that can be ignored',
    quick: true,
    async run(bed) {
      const options = {
        ...hostile('ignores-leave', { BAD_KIDS: '1,2' }),
        kids: 2,
        stopTimeout: 500,
      }
      const server = await bed.serve(options, { mayEnd: [0] })
      assert.equal(await server.client().ended, 'ok')
      const kids = server.kids
      const begun = performance.now()
      await server.stop()
      const took = performance.now() - begun
      assert.ok(took < 500 + 5_000, `${took} ms`)
      assert.ok(!kids.some(isAlive), 'both kids are gone')
      assert.deepEqual(server.end?.status.counters.kills, { 'stop timeout': 2 })
    },
  },
  {
    number: 21,
    group: 'A',
    fault: 'a kid kills its siblings every 100 ms',
    inject: 'a handler that sends SIGKILL to the other kids of its parent for 2 s',
    async run(bed) {
      const server = await bed.serve({ kids: 4 })
      const evil = server.client('murder 2000')
      const begun = performance.now()
      const client = server.client()
      await evil.ended
      await client.ended
      const spawns = server.events('spawn').length
      const seconds = (performance.now() - begun) / 1_000
      // At most all three others each time.
      assert.ok(spawns <= 4 + 3 * (10 * seconds + 2), `${spawns} spawns in ${seconds} s`)
      assert.ok(spawns >= 7, `${spawns} spawns`)
      await server.logged(/no further spawn for \d+ s$|ended by SIGKILL$/)
    },
  },
]
