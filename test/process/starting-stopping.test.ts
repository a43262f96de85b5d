/** How a server begins and ends when a program embeds it, and what it keeps apart from that program. */

import { createServer } from 'node:net'
import { Worker } from 'node:worker_threads'
import { createPreforker, KidError, ListenError, UsageError } from 'preforkd'
import { test } from 'tap'
import { fixture, handler, socketPath, withNewServer, withServer } from './harness.js'
import { descriptorsOf, isAlive, until, within } from './processes.js'

withNewServer(
  'a server starts only once',
  { ...handler('says-its-pid'), kids: 1 },
  async (t, { server }) => {
    const first = server.start()
    await t.rejects(server.start(), new UsageError('a preforker starts only once: make another'))
    await first
    await t.rejects(server.start(), UsageError)
    await server.stop()
    await t.rejects(server.start(), UsageError)
  },
)

withNewServer(
  'a server that was stopped before it started has stopped, and does not start',
  { ...handler('says-its-pid') },
  async (t, { server }) => {
    t.equal(server.address, undefined)
    t.equal(server.status().phase, 'new')
    await within(server.stop(), 'the stop')
    await server.closed
    await t.rejects(server.start(), UsageError)
  },
)

for (const graceful of [true, false]) {
  withNewServer(
    `a ${graceful ? 'graceful' : 'quick'} stop while it starts ends the start, and leaves nothing`,
    { ...handler('says-its-pid'), kids: 4 },
    async (t, { server, pids }) => {
      const started = server.start()
      void server.stop({ graceful })
      await within(started, 'the start to settle')
      await within(server.closed, 'the server to stop')
      t.equal(server.status().phase, 'stopped')
      t.notOk([...pids.values()].some(isAlive))
    },
  )

  withNewServer(
    `a ${graceful ? 'graceful' : 'quick'} stop while kids are being set up does not wait for them for long`,
    { ...handler('setup-hangs'), kids: 2 },
    async (t, served) => {
      const started = served.server.start()
      await served.event('spawn', undefined, 2)
      const stopped = served.server.stop({ graceful })
      await within(stopped, 'the server to stop', 5_000)
      await within(started, 'the start to settle')
      t.match(served.counters, { deaths: served.counters.spawns })
    },
  )
}

withServer(
  'asking to stop again hurries a graceful stop, and both are told of the end',
  { ...handler('never-ends'), kids: 1 },
  async (t, served) => {
    const held = served.client()
    await held.answered
    const patient = served.server.stop()
    await served.until(() => served.server.status().phase === 'leaving')
    const quick = served.server.stop({ graceful: false })
    await within(Promise.all([patient, quick, served.server.closed]), 'all three', 3_000)
    t.equal(served.seen('stop').length, 1)
    t.equal(served.counters.lost, 1)
  },
)

withServer(
  'a graceful stop serves what was queued, refuses what comes later, and loses nothing',
  { ...handler('holds'), kids: 2, mayLog: [/overload/] },
  async (t, served) => {
    const clients = Array.from({ length: 10 }, () => served.client())
    await Promise.all(clients.map(({ connected }) => connected))
    await Promise.all(clients.slice(0, 2).map(({ answered }) => answered))
    const stopped = served.server.stop()
    for (const client of clients) {
      await client.answered
      t.equal((await client.end()).result, 'ok')
    }
    await within(stopped, 'the server to stop')
    t.equal((await served.ask()).result, 'refused')
    t.match(served.counters, { accepted: 10, done: 10, lost: 0, abandoned: 0 })
  },
)

withServer(
  'on a Unix socket, too, a graceful stop serves what was queued',
  (t) => ({ ...handler('holds'), kids: 1, listen: `unix:${socketPath(t)}`, mayLog: [/overload/] }),
  async (t, served) => {
    const clients = Array.from({ length: 4 }, () => served.client())
    await Promise.all(clients.map(({ connected }) => connected))
    await clients[0]?.answered
    const stopped = served.server.stop()
    for (const client of clients) {
      await client.answered
      t.equal((await client.end()).result, 'ok')
    }
    await within(stopped, 'the server to stop')
    t.equal((await served.ask()).result, 'refused')
  },
)

withServer(
  'a graceful stop ends although clients keep coming, and loses none that was accepted',
  { ...handler('says-its-pid'), kids: 2, mayLog: [/overload/] },
  async (t, served) => {
    const results = new Map<string, number>()
    const load = Array.from({ length: 8 }, async () => {
      for (;;) {
        const { result } = await served.ask()
        results.set(result, (results.get(result) ?? 0) + 1)
        if (result === 'refused') return
      }
    })
    await served.until(() => served.counters.done >= 50)
    await within(served.server.stop(), 'a graceful stop', 5_000)
    await within(Promise.all(load), 'every client to be refused')
    const { accepted, done, lost, kills } = served.counters
    t.match({ lost, kills }, { lost: 0, kills: {} })
    t.equal(accepted, done)
    t.equal(results.get('ok'), done, JSON.stringify([...results]))
  },
)

test('await using stops the server', async (t) => {
  const pids: number[] = []
  let address: unknown
  {
    await using server = createPreforker({
      ...handler('says-its-pid'),
      kids: 2,
      listen: '127.0.0.1:0',
      logLevel: 'silent',
      env: { NODE_OPTIONS: '' },
    })
    server.on('spawn', ({ pid }) => void pids.push(pid))
    await server.start()
    address = server.address
  }
  t.match(address, { kind: 'tcp', host: '127.0.0.1' })
  t.equal(pids.length, 2)
  t.notOk(pids.some(isAlive))
})

withServer(
  'an event listener that throws is logged and changes nothing',
  {
    ...handler('says-its-pid'),
    kids: 1,
    logs: [/^a listener of 'order' failed$/, /^a listener of 'done' failed$/],
  },
  async (t, served) => {
    for (const name of ['order', 'done'] as const) {
      served.server.once(name, () => {
        throw new Error('not my day')
      })
    }
    t.equal((await served.ask()).result, 'ok')
    await served.until(() => served.counters.done === 1)
    t.match(await served.logged(/'order' failed/), { err: { message: 'not my day' } })
    t.equal((await served.ask()).result, 'ok')
  },
)

test('a worker thread is refused in one sentence', async (t) => {
  const source = `
    const { parentPort } = require('node:worker_threads')
    import('preforkd').then(async ({ createPreforker }) => {
      const server = createPreforker({ kid: 'cat', logLevel: 'silent' })
      await server.start().catch(({ name, message }) => parentPort.postMessage({ name, message }))
    })`
  const thread = new Worker(source, { eval: true, execArgv: [] })
  const message = await within(
    new Promise((resolve, reject) => thread.once('message', resolve).once('error', reject)),
    'the refusal',
  )
  t.match(message, { name: 'UsageError', message: /^preforkd runs in the main thread only: / })
  await thread.terminate()
})

withNewServer(
  'a start that fails rejects with the kind of error that says whose fault it is',
  { ...handler('throws-on-import'), kids: 3 },
  async (t, { server, pids }) => {
    await t.rejects(server.start(), KidError)
    await t.rejects(server.closed, KidError)
    t.equal(pids.size, 3)
    t.notOk([...pids.values()].some(isAlive))
  },
)

test('an address in use rejects with a ListenError, and kids are never spawned', async (t) => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as { port: number }
  const server = createPreforker({
    ...handler('says-its-pid'),
    listen: `${port}`,
    logLevel: 'silent',
  })
  server.on('spawn', () => t.fail('a kid was spawned'))
  await t.rejects(server.start(), ListenError)
  await t.rejects(server.closed, ListenError)
  await new Promise((resolve) => other.close(resolve))
})

withServer(
  'kids that die after others were up are replaced with back-off, and the server goes on',
  {
    kid: ['/bin/sh', fixture('kids/only-the-first-comes-up.sh')],
    kids: 1,
    logs: [
      /^kid 1 ended by SIGKILL$/,
      /^kid 2 ended with exit code 9$/,
      /^kids die before they are up: no further spawn for 1 s$/,
      /^kids die before they are up: no further spawn for 2 s$/,
    ],
    mayLog: [/^kid \d+ ended with exit code 9$/, /overload/],
    unfinished: true,
  },
  async (t, served) => {
    process.kill(served.pid(1), 'SIGKILL')
    await served.logged(/no further spawn for 2 s$/)
    const spawns = served.seen('spawn').map(({ at }) => at)
    const gaps = spawns.slice(1).map((at, i) => at - (spawns[i] as number))
    t.ok(
      spawns.length <= 7,
      `${spawns.length} spawns: the first, five of the budget, few after a rest`,
    )
    t.ok(
      Math.max(...gaps) > 700,
      `the longest time without a spawn: ${Math.max(...gaps).toFixed()} ms`,
    )
    t.equal(served.server.status().phase, 'running')
    const waiting = served.client()
    await waiting.connected
    await within(served.server.stop(), 'a graceful stop')
    t.match((await waiting.outcome).result, /^(closed|reset)$/)
  },
)

withServer(
  'a program that a handler starts inherits neither listeners nor pipes',
  { ...handler('starts-a-grandchild'), kids: 1 },
  async (t, served) => {
    const heir = Number((await served.ask()).text)
    try {
      const { port } = served.server.address as { port: number }
      await within(served.server.stop(), 'the server to stop', 3_000)
      t.match(
        descriptorsOf(heir).map((open) => open.replace(/^\d+ -> /, '')),
        ['/dev/null', '/dev/null', '/dev/null'],
      )
      const next = createServer()
      await new Promise<void>((resolve, reject) => {
        next.once('error', reject).listen(port, '127.0.0.1', resolve)
      })
      await new Promise((resolve) => next.close(resolve))
    } finally {
      process.kill(heir, 'SIGKILL')
      await until(() => !isAlive(heir), 'the program to be gone')
    }
  },
)
