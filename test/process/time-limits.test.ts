/** Time limits on connections, and a parent that is itself held up: nobody is blamed for what was not theirs. */

import { createServer } from 'node:net'
import { Client } from './client.js'
import { fixture, handler, withServer } from './harness.js'
import { hold, pass, signal, within } from './processes.js'

withServer(
  'with one slot a connection that exceeds connectionTimeout ends with its kid, named by its label',
  {
    ...handler('never-ends'),
    kids: 1,
    connectionTimeout: 400,
    logs: [
      /^killed kid 1: connection timeout: held a connection for \d+ ms: never ends$/,
      /^kid 1 died: 1 connection lost, at: never ends$/,
    ],
  },
  async (t, served) => {
    const { endedAfter } = await served.ask()
    t.ok(endedAfter > 350 && endedAfter < 2_000, `ended after ${endedAfter.toFixed()} ms`)
    t.match(await served.event('kill'), { kid: 1, reason: 'connection timeout' })
    await served.event('idle', ({ kid }) => kid === 2)
  },
)

withServer(
  'with several slots the kid closes that connection alone',
  { ...handler('holds'), kids: 1, slots: 2, connectionTimeout: 600 },
  async (t, served) => {
    const slow = served.client()
    await slow.answered
    const { endedAfter } = await slow.outcome
    t.ok(endedAfter > 550 && endedAfter < 2_000, `ended after ${endedAfter.toFixed()} ms`)
    await served.until(() => served.counters.cut === 1)
    const next = served.client()
    t.equal(Number(await next.answered), served.pid(1))
    t.match(served.counters, { kills: {}, lost: 0 })
  },
)

withServer(
  'with several slots the kid is killed if even then the connection is not done',
  {
    ...handler('never-ends'),
    kids: 1,
    slots: 2,
    connectionTimeout: 200,
    logs: [/^killed kid 1: connection timeout: .*: never ends$/, /^kid 1 died: 1 connection lost/],
  },
  async (t, served) => {
    await served.ask()
    t.match(await served.event('lost'), { lost: 1 })
    await served.event('idle', ({ kid }) => kid === 2)
  },
)

withServer(
  'a client that says nothing is closed after firstByteTimeout, one that speaks is not',
  { ...handler('holds'), kids: 2, firstByteTimeout: 500 },
  async (t, served) => {
    const speaks = served.client({ send: 'a' })
    const { result, endedAfter } = await served.ask()
    t.match(result, /^(ok|reset)$/)
    t.ok(endedAfter > 450 && endedAfter < 2_000, `closed after ${endedAfter.toFixed()} ms`)
    speaks.say('b')
    await speaks.heard(/ab$/)
    t.equal((await speaks.end()).result, 'ok')
    t.strictSame(served.counters.kills, {})
  },
)

withServer(
  'a kid that is busy for longer than it may take to answer is left alone',
  { ...handler('holds'), kids: 1, acceptTimeout: 1_000 },
  async (t, served) => {
    const held = served.client()
    await held.answered
    await pass(1_200)
    held.say('still here?')
    await held.heard(/still here\?/)
    t.strictSame(served.counters.kills, {})
  },
)

withServer(
  'a parent that is held up in the check phase kills nobody',
  { ...handler('says-its-pid'), kids: 2, acceptTimeout: 1_000 },
  async (t, served) => {
    // Within the very turn of the loop in which the order goes out.
    served.server.once('order', () => setImmediate(() => hold(1_500)))
    t.equal((await served.ask()).result, 'ok')
    t.equal((await served.ask()).result, 'ok')
    t.strictSame(served.counters.kills, {})
    t.equal(served.counters.deaths, 0)
  },
)

withServer(
  'a parent that is held up in the poll phase kills nobody',
  { ...handler('says-its-pid'), kids: 2, acceptTimeout: 1_000 },
  async (t, served) => {
    // Another server in the same process, whose connection speaks as soon as an order is out.
    const other = createServer((socket) => socket.once('data', () => hold(1_500)).resume())
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as { port: number }
    const talker = new Client({ kind: 'tcp', name: '', host: '127.0.0.1', port })
    try {
      await talker.connected
      for (let i = 0; i < 2; i++) {
        served.server.once('order', () => talker.say('now'))
        t.equal((await served.ask()).result, 'ok')
      }
      t.strictSame(served.counters.kills, {})
      t.equal(served.counters.deaths, 0)
    } finally {
      await talker.drop()
      await new Promise((resolve) => other.close(resolve))
    }
  },
)

withServer(
  'a parent that is held up just before it looks at what is due reads what was said in the meantime',
  { ...handler('holds'), kids: 2, acceptTimeout: 1_000 },
  async (t, served) => {
    const first = served.client()
    const busy = Number(await first.answered)
    const idle = served.living.find((pid) => pid !== busy) as number
    await signal(idle, 'SIGSTOP')
    const second = served.client()
    await served.event('order', undefined, 2)
    // In one turn of the loop: a line has come, the turn is asked for, an answer is written while nobody looks.
    served.server.once('done', () => {
      process.kill(idle, 'SIGCONT')
      hold(1_500)
    })
    await first.end()
    t.match(await second.answered, /^\d+\n$/)
    await served.until(() => served.server.status().states.late === 0)
    t.strictSame(served.counters.kills, {})
  },
)

withServer(
  'a parent that is held up while kids start does not take them for dead',
  { ...handler('says-its-pid'), startKids: 1, maxKids: 2, readyTimeout: 2_500 },
  async (t, served) => {
    const { pid } = served.server.status().kids[0] ?? {}
    served.server.once('spawn', () => setImmediate(() => hold(3_000)))
    process.kill(pid as number, 'SIGTERM')
    await served.event('idle', ({ kid }) => kid === 2)
    t.strictSame(served.counters.kills, {})
  },
)

withServer(
  'a graceful stop waits for what is held, and for no longer than stopTimeout',
  {
    handler: fixture('handlers/never-ends.js'),
    kids: 1,
    stopTimeout: 500,
    logs: [/^killed kid 1: stop timeout/],
  },
  async (t, served) => {
    const held = served.client()
    await held.answered
    const begun = performance.now()
    await within(served.server.stop(), 'a graceful stop')
    const lasted = performance.now() - begun
    t.ok(lasted > 450 && lasted < 2_000, `it lasted ${lasted.toFixed()} ms`)
    t.match(await served.logged(/^kid 1 died: 1 connection lost, at: never ends$/), { level: 30 })
  },
)
