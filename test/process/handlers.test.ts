/** What a handler can do and fail to do, and what its clients and the server see of it. */

import { createRequire } from 'node:module'
import { fixture, handler, withNewServer, withServer } from './harness.js'
import { within } from './processes.js'

for (const [name, message] of Object.entries({ throws: 'I throw', rejects: 'I reject' })) {
  withServer(
    `a handler that ${name} costs its own connection, and its kid goes on`,
    { ...handler(name), kids: 1, logs: [/^the handler failed; its connection is closed$/] },
    async (t, served) => {
      const { result } = await served.ask({ send: 'hello' })
      t.ok(['closed', 'reset'].includes(result), result)
      t.match(await served.logged(/handler failed/), { kid: 1, level: 50, err: { message } })
      await served.ask()
      await served.until(() => served.counters.done === 2)
      t.match(served.counters, { accepted: 2, done: 2, lost: 0, deaths: 0 })
    },
  )
}

withServer(
  'an uncaught exception ends the kid, is in the log, and another kid takes its place',
  {
    ...handler('throws-later'),
    kids: 1,
    logs: [
      /Error: I throw later/,
      /^kid 1 ended with exit code 1$/,
      /^kid 1 died: 1 connection lost$/,
    ],
    mayLog: [/^kid 2/, / at /, /throws-later\.js/, /throw new Error/, /\^$/, /^Node\.js v/],
  },
  async (t, served) => {
    const { text } = await served.ask()
    t.ok(['', String(served.pid(1))].includes(text.trim()))
    t.match(await served.event('lost'), { kid: 1, lost: 1, unanswered: 0 })
    await served.event('idle', ({ kid }) => kid === 2)
    t.match(served.counters, { accepted: 1, lost: 1, kills: {} })
  },
)

withServer(
  'a kid that blocks delays only its own client while another is idle',
  { ...handler('blocks-50-ms'), kids: 4 },
  async (t, served) => {
    const outcomes = await Promise.all(Array.from({ length: 4 }, () => served.ask()))
    t.equal(new Set(outcomes.map(({ text }) => text)).size, 4, 'each has a kid of its own')
  },
)

withServer(
  'what a handler returns must settle before its slot is free',
  {
    ...handler('never-settles'),
    kids: 2,
    unfinished: true,
  },
  async (t, served) => {
    const first = await served.ask()
    const second = await served.ask()
    t.strictSame([first.result, second.result], ['ok', 'ok'])
    t.not(first.text, second.text)
    t.match(served.counters, { accepted: 2, done: 0, held: 2 })
    await served.server.stop({ graceful: false })
    t.equal(served.counters.lost, 2)
    const losses = served.log.filter(({ msg }) => /^kid \d died: 1 connection lost$/.test(msg))
    t.strictSame(
      losses.map(({ level }) => level),
      [30, 30],
      'what a quick stop costs was asked for: no error, not even of the last kid',
    )
  },
)

withNewServer(
  'a handler can stop the whole server gracefully: who is queued is served, who is held is finished',
  { ...handler('shuts-down'), kids: 1 },
  async (t, served) => {
    await served.server.start()
    const first = served.client()
    await served.event('order')
    const queued = served.client({ send: 'please' })
    await queued.connected
    first.say('please')
    t.match(await first.outcome, { result: 'ok', text: 'asked\n' })
    t.match(await queued.outcome, { result: 'ok', text: 'asked\n' })
    await within(served.server.closed, 'the server to stop')
    t.ok(served.log.some(({ msg }) => msg === 'kid 1 asks the server to stop gracefully'))
    t.equal((await served.ask()).result, 'refused')
    t.match(served.counters, { accepted: 2, done: 2, lost: 0 })
  },
)

withServer(
  'a handler can stop the whole server at once',
  { ...handler('shuts-down'), kids: 2 },
  async (t, served) => {
    const held = served.client()
    await served.event('order')
    await served.ask({ send: 'now' })
    t.ok(['closed', 'reset'].includes((await held.outcome).result))
    await within(served.server.closed, 'the server to stop', 3_000)
    t.strictSame(served.counters.kills, {})
    // The asker's own connection may have been complete or not.
    t.ok([1, 2].includes(served.counters.lost), 'whoever was held is lost')
  },
)

withServer(
  'a kid that asks to be replaced finishes its connection first',
  { ...handler('recycles'), kids: 1 },
  async (t, served) => {
    const pids = []
    for (let i = 1; i <= 3; i++) {
      const { result, text } = await served.ask()
      t.equal(result, 'ok')
      t.match(text, / true\n$/, 'its signal says that it drains')
      pids.push(text)
      t.match(await served.event('gone', ({ kid }) => kid === i), { code: 0, signal: null })
    }
    t.equal(new Set(pids).size, 3)
    t.match(served.counters, { accepted: 3, done: 3, lost: 0, kills: {} })
    t.ok(served.log.some(({ msg }) => msg === 'kid 1 leaves: recycle'))
  },
)

withServer(
  'a label is on the scoreboard, fit for a line, and gone with its connection',
  { ...handler('labels'), kids: 1 },
  async (t, served) => {
    const client = served.client()
    const label = () => served.server.status().kids[0]?.label ?? ''
    client.say('tea for two')
    await served.until(() => label() === 'tea for two')
    client.say(`caf\u00e9\n${'long '.repeat(30)}`)
    await served.until(() => label().startsWith('caf'))
    t.match(label(), /^[\x20-\x7e]{40,64}$/)
    await client.end()
    await served.until(() => served.counters.done === 1)
    t.equal(label(), '')
  },
)

withServer(
  'what a kid logs, prints and complains of is in the log under its number',
  {
    ...handler('logs'),
    listen: ['web=127.0.0.1:0', '127.0.0.1:0'],
    kids: 1,
    logs: [/^said on standard error$/],
  },
  async (t, served) => {
    const { text } = await served.ask()
    const [web] = served.server.addresses
    t.match(JSON.parse(text), { number: 0, name: 'web', kid: 1, generation: 1 })
    t.equal(JSON.parse(text).address, web?.kind === 'tcp' && `${web.host}:${web.port}`)
    t.match(await served.logged(/^said by the kid$/), { kid: 1, level: 30, shoe: 43 })
    t.match(await served.logged(/^said on standard output$/), { kid: 1, stream: 'stdout' })
    t.match(await served.logged(/^said on standard error$/), { kid: 1, stream: 'stderr' })
    t.match(JSON.parse((await served.ask({}, 1)).text), { number: 1 })
  },
)

withServer(
  'setup is awaited before the first connection',
  { ...handler('setup-is-awaited'), kids: 1 },
  async (t, served) => {
    t.match(await served.ask(), { text: 'something\n' })
  },
)

for (const how of ['a graceful', 'a quick'] as const) {
  withServer(
    `teardown is awaited at ${how} stop`,
    { ...handler('teardown-is-awaited'), kids: 2 },
    async (t, served) => {
      await served.ask()
      await served.until(() => served.counters.done === 1)
      await within(served.server.stop({ graceful: how === 'a graceful' }), 'the server to stop')
      t.equal(served.log.filter(({ msg }) => msg === 'teardown begins').length, 2)
      t.equal(served.log.filter(({ msg }) => msg === 'teardown ends').length, 2)
    },
  )
}

withServer(
  'a handler may be a CommonJS module, which the parent never loads',
  { handler: fixture('handlers/commonjs.cjs'), kids: 1 },
  async (t, served) => {
    t.match(await served.ask(), { text: 'something\n' })
    // This process is the parent.
    const { cache } = createRequire(import.meta.url)
    t.notOk(fixture('handlers/commonjs.cjs') in cache)
    await import(fixture('handlers/commonjs.cjs'))
    t.ok(fixture('handlers/commonjs.cjs') in cache, 'which would show there')
  },
)

withServer(
  'a handler may be a CommonJS module with a default by name',
  { handler: fixture('handlers/commonjs-named.cjs'), kids: 1 },
  async (t, served) => {
    t.match(await served.ask(), { result: 'ok' })
  },
)
