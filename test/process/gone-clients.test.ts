/** What a client that has gone is to a kid: handlers are told, nobody begins to serve it, and it is counted by itself. */

import { get } from '../handlers/http/serving.js'
import { request } from '../handlers/scgi/requests.js'
import type { Client } from './client.js'
import { fixture, handler, type Served, withServer } from './harness.js'
import { pass, within } from './processes.js'

/** The options of a server for an app under test/fixtures/apps. */
function app(name: string) {
  return { handler: fixture(`apps/${name}.js`), protocol: 'http' } as const
}

function reset(client: Client): Promise<unknown> {
  client.socket.resetAndDestroy()
  return client.outcome
}

function isIdle({ server }: Served): boolean {
  return server.status().kids.every(({ state, held }) => state === 'idle' && held === 0)
}

withServer(
  'a handler that waits for words is not kept by health checks, which connect and go',
  {
    ...handler('waits-for-words'),
    kids: 2,
    // Whom a reset wakes from `once`.
    mayLog: [/^the handler failed/],
  },
  async (t, served) => {
    for (const goes of ['ends', 'resets', 'ends', 'resets']) {
      const client = served.client()
      await client.connected
      if (goes === 'ends') client.socket.end()
      else await reset(client)
    }
    await served.until(() => served.counters.done === 4, 'the four to be done', 9_000)
    t.ok(isIdle(served))
    t.match(await served.ask({ send: 'hello' }), { result: 'ok', text: /^\d+\n$/ })
    t.match(served.counters, { accepted: 5, lost: 0, kills: {} })
  },
)

for (const reads of ['no', 'yes']) {
  withServer(
    `kid.gone tells a handler that ${reads === 'yes' ? 'reads' : 'does not read'} of a reset, and of no half-close`,
    { ...handler('stops-for-nobody'), kids: 1, env: { READS: reads } },
    async (t, served) => {
      const stopped = () => served.log.filter(({ msg }) => msg === 'stopped: client gone true')
      const client = served.client({ send: 'hello' })
      await client.heard(/at work/)
      // The handler's promise is pending, so this is no more than a client that says that it has said all.
      client.socket.end()
      await pass(2_200)
      t.strictSame(stopped(), [])
      await reset(client)
      await within(served.logged(/^stopped: client gone true$/), 'the handler to stop', 3_000)
      await served.until(() => served.counters.done === 1)
      t.ok(isIdle(served))
    },
  )
}

withServer(
  'kid.gone tells a handler that has returned and works on',
  { ...handler('works-in-the-background'), kids: 1 },
  async (t, served) => {
    const client = served.client()
    await client.heard(/at work/)
    await reset(client)
    await within(served.logged(/^stopped: client gone$/), 'the handler to stop', 3_000)
    await served.until(() => served.counters.done === 1)
    t.ok(isIdle(served))
  },
)

for (const goes of ['resets', 'ends']) {
  withServer(
    `kid.gone tells an app whose client ${goes} while it is at work`,
    { ...app('stops-for-nobody'), kids: 1 },
    async (t, served) => {
      const client = served.client({ send: get() })
      await client.heard(/at work/)
      if (goes === 'resets') await reset(client)
      else await client.drop()
      await within(served.logged(/^stopped: client gone$/), 'the app to stop', 3_000)
      await served.until(() => served.counters.done === 1)
      t.ok(isIdle(served))
    },
  )
}

/** Long enough for a client that has ended its side to pass for gone, in milliseconds. */
const longGone = 150

withServer(
  'HTTP: who has reset or ended while it waited is skipped, who waits on is served',
  { ...app('says-what-it-serves'), kids: 1, mayLog: [/^overload /] },
  async (t, served) => {
    const slow = served.client({ send: get('/slow') })
    await served.logged(/^serves \/slow$/)
    const resets = served.client({ send: get('/reset') })
    await resets.connected
    await reset(resets)
    const ends = served.client({ send: get('/ended'), halfClose: true })
    await ends.connected
    await pass(longGone)
    const waits = served.ask({ send: get('/waits', 'Connection: close\r\n') })
    await slow.heard(/slow$/)
    t.match((await waits).text, /quick$/)
    t.equal((await ends.outcome).text, '', 'it is closed')
    await served.until(() => served.counters.skipped === 2)
    t.equal(
      served.seen('skip').reduce((sum, { count }) => sum + count, 0),
      2,
      'and told',
    )
    const paths = served.log.flatMap(({ msg }) => /^serves (.*)$/.exec(msg)?.[1] ?? [])
    t.strictSame(paths, ['/slow', '/waits'], 'the app has seen nobody else')
    await slow.drop()
    await served.until(() => served.counters.done === 2)
    t.match(served.counters, { accepted: 4, done: 2, skipped: 2, cut: 0, held: 0, lost: 0 })
  },
)

withServer(
  'HTTP: who ends its side right after its request and waits, as nc -N does, is served',
  { ...app('says-what-it-serves'), kids: 1 },
  async (t, served) => {
    for (let i = 0; i < 10; i++) {
      t.match((await served.ask({ send: get(), halfClose: true })).text, /quick$/)
    }
    t.match(served.counters, { accepted: 10, skipped: 0 })
  },
)

withServer(
  'HTTP: with skipGone off all of them are served',
  { ...app('says-what-it-serves'), kids: 1, skipGone: 'off', mayLog: [/^overload /] },
  async (t, served) => {
    const slow = served.client({ send: get('/slow') })
    await served.logged(/^serves \/slow$/)
    const ends = served.client({ send: get('/ended'), halfClose: true })
    await ends.connected
    await pass(longGone)
    await slow.heard(/slow$/)
    t.match((await ends.outcome).text, /quick$/)
    t.match(served.counters, { accepted: 2, skipped: 0 })
  },
)

withServer(
  'SCGI: who has reset or ended while it waited is skipped, who ends its side and waits is served',
  { ...handler('speaks-scgi'), protocol: 'scgi', kids: 1, mayLog: [/^overload /] },
  async (t, served) => {
    const hash = request('a body', { REQUEST_URI: '/hash' })
    const pid = request('', { REQUEST_URI: '/pid' }).toString('latin1')
    const slow = served.client({ send: hash.toString('latin1').slice(0, -1) })
    await served.logged(/^the body begins$/)
    const resets = served.client({ send: pid })
    await resets.connected
    await reset(resets)
    const ends = served.client({ send: pid, halfClose: true })
    await ends.connected
    await pass(longGone)
    slow.say('y')
    t.match(await slow.outcome, { result: 'ok' })
    t.equal((await ends.outcome).text, '', 'it is closed')
    t.match((await served.ask({ send: pid, halfClose: true })).text, /\r\n\r\n\d+$/)
    await served.until(() => served.counters.done === 2)
    t.match(served.counters, { accepted: 4, done: 2, skipped: 2, cut: 0, lost: 0 })
  },
)

for (const skipGone of ['on', 'off'] as const) {
  const skipped = skipGone === 'on' ? 1 : 0
  withServer(
    `TCP with skipGone ${skipGone}: a client that has reset is ${skipped ? '' : 'not '}skipped, one that has only ended never`,
    { ...handler('holds'), kids: 1, skipGone, mayLog: [/^overload /] },
    async (t, served) => {
      const first = served.client()
      await first.answered
      const resets = served.client({ send: 'hello' })
      await resets.connected
      await reset(resets)
      const ends = served.client({ send: 'hello', halfClose: true })
      await ends.connected
      await pass(longGone)
      await first.end()
      t.match(await ends.outcome, { result: 'ok', text: /^\d+\nhello$/ })
      await served.until(() => isIdle(served))
      t.match(served.counters, { accepted: 3, done: 3 - skipped, skipped, cut: 0, lost: 0 })
    },
  )
}
