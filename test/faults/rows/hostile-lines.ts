/** Group B: kids that say what they must not, or say it without end, or say nothing. */

import assert from 'node:assert/strict'
import { hex, played, write } from '../../hostile/player.js'
import { noise } from '../../hostile/words.js'
import { signal } from '../../process/processes.js'
import { type Bed, fixture, hostile } from '../bed.js'
import type { Row } from '../row.js'
import type { Server } from '../server.js'

/** Starts kids that play scripts, and one that behaves; the classic settings but for the changes. */
function play(bed: Bed, scripts: readonly (readonly string[])[], changes: object = {}) {
  // Whoever was idle longest is next: each of them gets an order soon.
  const options = { ...played(bed, scripts), kids: scripts.length + 1, pick: 'fair', ...changes }
  return bed.serve(options as never)
}

/** Clients come one by one, and must be served, until these kids were killed, each for the reason. */
async function untilKilled(server: Server, kids: readonly number[], reason: RegExp): Promise<void> {
  const deadline = performance.now() + 15_000
  const killed = () => server.events('kill').filter(({ kid }) => kids.includes(kid))
  while (killed().length < kids.length) {
    if (performance.now() > deadline)
      throw new Error(`waited in vain for kills, saw ${JSON.stringify(killed())}`)
    assert.equal(await server.client().ended, 'ok')
  }
  for (const { kid, reason: why, detail } of killed()) {
    assert.match(`${why}: ${detail}`, reason, `kid ${kid}`)
  }
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1)
}

/** Whatever is written: `idle 1` and then each of the texts, by a kid of its own. */
function saying(text: string): string[] {
  return [write('idle 1\n'), write(text), 'linger']
}

const wrongSeqs: readonly string[] = [
  ...['0', '-1', '+1', '01', '1.0', '1e0', '0x1', 'NaN', 'null', ''],
  ...['9007199254740991', '9007199254740992', '9007199254740993', '18446744073709551616'],
]

const outOfTurn: readonly string[] = [
  'accepted 1 1',
  'accepted 1 0',
  'failed 1 0 EAGAIN',
  'done 1 1',
  'detach 1 1',
  'label 1 x',
  'ended 1',
  'detached 1 x',
  'reported 0',
]

export const hostileLines: readonly Row[] = [
  {
    number: 22,
    group: 'B',
    fault: 'random bytes',
    inject: '12 kids that are up and then write noise',
    needs: ['perl'],
    async run(bed) {
      // What no noise begins with by chance, and cannot end well.
      const scripts = numbers(12).map(() => saying(`${noise(bed.random)}\n\xff\n`))
      const server = await play(bed, scripts)
      await untilKilled(server, numbers(12), /^protocol: /)
    },
  },
  {
    number: 23,
    group: 'B',
    fault: 'idle is said twice',
    inject: 'a kid that does',
    async run(bed) {
      const server = await bed.serve({ ...hostile('says-idle-twice'), kids: 2 })
      await untilKilled(server, [1], /^protocol: said idle twice$/)
    },
  },
  {
    number: 24,
    group: 'B',
    fault: 'answers with stale, future and impossible numbers',
    inject: `${wrongSeqs.length + 2} kids, each with another number, while its order is out`,
    needs: ['perl'],
    async run(bed) {
      const scripts = [
        ...[-1, 1].map((off) => [write('idle 1\n'), 'order 30', `answer ${off} 1`, 'linger']),
        ...wrongSeqs.map((seq) => [
          ...[write('idle 1\n'), 'order 30'],
          ...[write(`accepted ${seq} 1\n`), 'linger'],
        ]),
      ]
      // Number 1 may be that of an order by chance; nobody says that.
      const server = await play(bed, scripts, { acceptTimeout: 30_000 })
      await untilKilled(server, numbers(scripts.length), /^protocol: /)
    },
  },
  {
    number: 25,
    group: 'B',
    part: 'up',
    fault: 'every line where it may not be said',
    inject: 'by kids that are up and hold nothing; all other states in test/core/statuses.test.ts',
    needs: ['perl'],
    async run(bed) {
      const server = await play(
        bed,
        outOfTurn.map((line) => saying(`${line}\n`)),
      )
      await untilKilled(server, numbers(outOfTurn.length), /^protocol: /)
    },
  },
  {
    number: 25,
    group: 'B',
    part: 'not up',
    fault: 'every line where it may not be said',
    inject: 'by kids that have not said idle',
    needs: ['perl'],
    async run(bed) {
      const lines = [...outOfTurn, 'leaving x', 'shutdown now']
      const server = await play(
        bed,
        lines.map((line) => ['sleep 300', write(`${line}\n`), 'linger']),
      )
      await untilKilled(server, numbers(lines.length), /^protocol: said \w+ before idle$/)
    },
  },
  {
    number: 26,
    group: 'B',
    fault: 'half a line and then silence',
    inject: 'a kid that begins its answer',
    async run(bed) {
      const options = { ...hostile('half-line-then-silence'), kids: 2, acceptTimeout: 500 }
      const server = await bed.serve(options)
      await untilKilled(server, [1], /^accept timeout: /)
    },
  },
  {
    number: 27,
    group: 'B',
    fault: 'lines that come byte by byte',
    inject: 'a kid that writes each byte by itself, a millisecond apart',
    needs: ['perl'],
    quick: true,
    async run(bed) {
      const life = ['order 30', 'take', 'answer 0 1', 'serve', 'done 1']
      const script = ['slowly', write('idle 1\n'), ...life, ...life, 'linger']
      const server = await bed.serve({ ...played(bed, [script]), kids: 1 })
      const { kids } = await server.status()
      for (let i = 0; i < 2; i++) assert.equal(await server.client().servedBy(), kids[0]?.pid)
      const { counters } = await server.statusIs(({ counters }) => counters.done === 2, 'both done')
      assert.deepEqual(counters.kills, {})
      await signal(kids[0]?.pid as number, 'SIGKILL')
      await server.event('idle', () => true, 2)
    },
  },
  {
    number: 28,
    group: 'B',
    part: 'unlawful',
    fault: 'a flood of lines',
    inject: 'a kid that says idle for ever',
    needs: ['perl'],
    quick: true,
    async run(bed) {
      const flood = Array.from({ length: 20 }, () => write('idle 1\n'.repeat(5_000)))
      const server = await play(bed, [[...flood, 'linger']])
      await untilKilled(server, [1], /^protocol: said idle twice$/)
    },
  },
  {
    number: 28,
    group: 'B',
    part: 'lawful',
    fault: 'a flood of lines',
    inject: 'a kid that labels the connection it holds as fast as it can',
    async run(bed) {
      // At first there is the bad one alone: it gets the victim.
      const pool = { startKids: 1, maxKids: 3, connectionTimeout: 3_000 }
      const server = await bed.serve({ ...hostile('floods'), ...pool })
      const victim = server.client('', { timeout: 20_000 })
      await server.statusIs(
        ({ kids }) => kids.some(({ label }) => label === 'flooding'),
        'the flood to begin',
      )
      const times: number[] = []
      for (let i = 0; i < 50; i++) {
        const begun = performance.now()
        assert.equal(await server.client().ended, 'ok')
        times.push(performance.now() - begun)
      }
      times.sort((a, b) => a - b)
      bed.figures['a client beside a flood'] = times[Math.floor(times.length / 2)] as number
      await server.event('kill', ({ kid, reason }) => kid === 1 && reason === 'connection timeout')
      await victim.ended
    },
  },
  {
    number: 29,
    group: 'B',
    fault: 'a line without an end',
    inject: 'a kid that writes on',
    needs: ['perl'],
    async run(bed) {
      const server = await play(bed, [saying('x'.repeat(100_000))])
      await untilKilled(server, [1], /^protocol: a line is longer than 64 bytes$/)
    },
  },
  {
    number: 30,
    group: 'B',
    part: 'one order',
    fault: 'a kid never reads its pipe',
    inject: 'a kid that does not',
    async run(bed) {
      const options = { ...hostile('never-reads-its-commands'), kids: 2, acceptTimeout: 500 }
      const server = await bed.serve(options)
      await untilKilled(server, [1], /^accept timeout: /)
    },
  },
  {
    number: 30,
    group: 'B',
    part: 'full',
    fault: 'a kid never reads its pipe',
    inject: 'a kid that has filled its command pipe itself',
    needs: ['perl'],
    quick: true,
    async run(bed) {
      const server = await play(bed, [['fill', write('idle 1\n'), 'linger']])
      await untilKilled(server, [1], /^reads nothing: its command pipe is full$/)
      const { counters } = await server.status()
      assert.equal(counters.unanswered, 0, 'an order that was not written is none')
    },
  },
  {
    number: 31,
    group: 'B',
    fault: 'a kid says that it has accepted, and has not',
    inject: 'a kid that does',
    async run(bed) {
      const changes = { kids: 2, connectionTimeout: 700 }
      const server = await bed.serve({
        ...hostile('claims-accepted-without-accepting'),
        ...changes,
      })
      const client = server.client()
      assert.equal(await client.ended, 'ok')
      const { kids } = await server.status()
      const honest = kids.find(({ number }) => number === 2)
      assert.equal(await client.servedBy(), honest?.pid)
      await untilKilled(server, [1], /^connection timeout: /)
    },
  },
  {
    number: 32,
    group: 'B',
    fault: 'a kid says that it has not accepted, and has',
    inject: 'a kid that then drops the connection',
    needs: ['perl'],
    async run(bed) {
      const script = [write('idle 1\n'), 'order 30', 'take', 'answer 0 0', 'exit']
      const server = await play(bed, [script], { pick: 'warm' })
      // One of them meets it; no system tells who accepts.
      const ends = []
      for (let i = 0; i < 4; i++) ends.push(await server.client().ended)
      bed.excuse(ends.filter((end) => end !== 'ok').length, 'nobody can see who accepts')
      assert.ok(ends.filter((end) => end !== 'ok').length <= 1, ends.join())
      await server.event('gone', ({ kid }) => kid === 1)
    },
  },
  {
    number: 33,
    group: 'B',
    part: 'not allowed',
    fault: 'a kid asks for the end of the server',
    inject: 'shutdown now, said over and over, with kidShutdown off',
    needs: ['perl'],
    async run(bed) {
      const script = [
        write('idle 1\n'),
        ...numbers(50).map(() => write('shutdown now\n')),
        'linger',
      ]
      const server = await play(bed, [script], { kidShutdown: 'off', acceptTimeout: 500 })
      await server.logged(/asks the server to stop.*, which kids may not/)
      assert.equal(await server.client().ended, 'ok')
      await untilKilled(server, [1], /^accept timeout: /)
    },
  },
  {
    number: 33,
    group: 'B',
    part: 'allowed',
    fault: 'a kid asks for the end of the server',
    inject: 'shutdown graceful, by a kid that is the same user as the parent',
    needs: ['perl'],
    async run(bed) {
      const script = [write('idle 1\n'), write('shutdown graceful\n'), 'exit']
      const options = { ...played(bed, [['sleep 1000', ...script]]), kids: 2 }
      const server = bed.launch({ options, mayEnd: [0] })
      assert.equal(await server.ended, 0)
    },
  },
  {
    number: 34,
    group: 'B',
    fault: 'a kid says that it leaves, and stays',
    inject: 'a kid that does',
    async run(bed) {
      const server = await bed.serve({
        ...hostile('says-leaving-and-stays'),
        kids: 2,
        stopTimeout: 1_000,
      })
      const { kids } = await server.statusIs(({ states }) => states.leaving === 1, 'it to leave')
      assert.ok(
        kids.some(({ number, state }) => number === 1 && state === 'leaving'),
        'it is on the scoreboard until it has been reaped',
      )
      await untilKilled(server, [1], /^stop timeout: /)
      await server.event('gone', ({ kid }) => kid === 1)
    },
  },
  {
    number: 35,
    group: 'B',
    fault: 'JSON that changes prototypes, or has no bottom',
    inject: 'in labels, which are text, and as log records, which are JSON',
    needs: ['perl'],
    quick: true,
    async run(bed) {
      const pollution =
        '{"level":50,"__proto__":{"polluted":1},"msg":"m","constructor":{"prototype":{"polluted":1}}}'
      const deep = `{"level":50,"msg":${'['.repeat(20_000)}${']'.repeat(20_000)}}`
      const script = [
        ...[write('idle 1\n'), 'order 30', 'take', 'answer 0 1'],
        write('label 1 {"__proto__":{"held":-9}}\n'),
        ...[pollution, deep, deep.slice(0, 9_000)].map((text) => `stderr ${hex(`${text}\n`)}`),
        ...['serve', 'done 1', 'linger'],
      ]
      const server = await bed.serve({ ...played(bed, [script]), kids: 1 })
      assert.equal(await server.client().ended, 'ok')
      const { counters, kids } = await server.statusIs(({ counters }) => counters.done === 1, 'it')
      assert.equal(counters.held, 0)
      await server.logged(/^m$/)
      const { polluted } = server.log.at(-1) as { polluted?: unknown }
      assert.equal(polluted, undefined)
      await signal(kids[0]?.pid as number, 'SIGKILL')
      await server.event('idle', () => true, 2)
      assert.ok(
        server.log.every((line) => !('polluted' in line)),
        'no record has what it sent',
      )
    },
  },
  {
    number: 36,
    group: 'B',
    fault: 'a kid sends descriptors',
    inject:
      'sendmsg with SCM_RIGHTS on all that it has: 1000, by its output; the status pipe carries none',
    needs: ['python3'],
    quick: true,
    async run(bed) {
      const kid = ['python3', fixture('kids/sends-descriptors.py')]
      const server = await bed.serve({ kid, kids: 1 })
      const before = (await server.status()).descriptors
      await server.logged(/^refused by 1$/)
      await server.logged(/^have these$/, 50)
      assert.equal(await server.client().ended, 'ok')
      const { descriptors } = await server.status()
      assert.ok(descriptors <= before, `${descriptors} descriptors, ${before} before`)
    },
  },
]
