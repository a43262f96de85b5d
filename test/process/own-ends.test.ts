/** What apps and modules do at their own end: it runs in each kid that drains, after its connections and before teardown. */

import { get } from '../handlers/http/serving.js'
import {
  fixture,
  handler,
  type Served,
  type ServerOptions,
  withNewServer,
  withServer,
} from './harness.js'
import { within } from './processes.js'

/** The options of a server for an app under test/fixtures/apps. */
function app(name: string) {
  return { handler: fixture(`apps/${name}`), protocol: 'http' } as const
}

/** What a kid has said on its standard output, in order. */
function said({ log }: Served, kid: number): string[] {
  return log.filter((line) => line.kid === kid && line.stream === 'stdout').map(({ msg }) => msg)
}

const ofFastify = ['onClose begins', 'onClose ends', 'SIGTERM', 'teardown']

withServer(
  "Fastify's onClose runs in every kid when the server stops, after its connections, before teardown",
  { ...app('fastify-closes.js'), kids: 2 },
  async (t, served) => {
    const client = served.client({ send: get('/slow') })
    const { kid } = await served.event('order')
    await served.until(() => served.server.status().kids.some(({ held }) => held === 1))
    await within(served.server.stop(), 'the server to stop')
    t.match((await client.outcome).text, /slow$/)
    t.strictSame(said(served, kid), ['answered', ...ofFastify])
    t.strictSame(said(served, 3 - kid), ofFastify)
    t.match(served.counters, { done: 1, lost: 0, kills: {} })
  },
)

withServer(
  "Fastify's onClose runs in every kid that a reload replaces",
  { ...app('fastify-closes.js'), kids: 2 },
  async (t, served) => {
    await served.server.reload()
    await served.event('gone', undefined, 2)
    for (const kid of [1, 2]) t.strictSame(said(served, kid), ofFastify)
    for (const kid of [3, 4]) t.strictSame(said(served, kid), [])
  },
)

withServer(
  'a quick stop runs none of them, only teardown',
  { ...app('fastify-closes.js'), kids: 2 },
  async (t, served) => {
    await within(served.server.stop({ graceful: false }), 'the server to stop')
    for (const kid of [1, 2]) t.strictSame(said(served, kid), ['teardown'])
  },
)

withServer(
  'an http.Server has its event close, and a listener for SIGTERM that closes it its callback',
  { ...app('server-closes.js'), kids: 1 },
  async (t, served) => {
    t.match((await served.ask({ send: get('/', 'Connection: close\r\n') })).text, /\d+$/)
    // Which has nothing to wait for: neither 5 s for the listener, nor for the grace of idle connections.
    await within(served.server.stop(), 'the server to stop', 3_000)
    t.strictSame(said(served, 1), ['event close', 'callback of close(): well', 'teardown'])
  },
)

withServer(
  'an app that closes its server by itself has its kid leave and be replaced',
  { ...app('server-closes.js'), kids: 1 },
  async (t, served) => {
    const first = served.pid(1)
    const { text } = await served.ask({ send: get('/close') })
    t.match(text, new RegExp(`Connection: close\r\n.*\r\n\r\n${first}$`, 's'))
    t.match(await served.event('gone'), { kid: 1, code: 0, signal: null })
    t.strictSame(said(served, 1).slice(0, 2), ['event close', 'callback of close(): well'])
    t.equal(said(served, 1).at(-1), 'teardown')
    await served.event('idle', ({ kid }) => kid === 2)
    t.match((await served.ask({ send: get('/', 'Connection: close\r\n') })).text, /\d+$/)
    t.match(served.counters, { accepted: 2, lost: 0, kills: {} })
  },
)

withServer(
  'what http-terminator does, works: at a stop',
  { ...app('terminates.js'), kids: 1 },
  async (t, served) => {
    const client = served.client({ send: get('/slow') })
    await served.logged(/^serves \/slow$/)
    await within(served.server.stop(), 'the server to stop')
    t.match((await client.outcome).text, /Connection: close\r\n.*done$/s)
    t.strictSame(said(served, 1), ['terminated with 0 sockets', 'teardown'])
    t.match(served.counters, { accepted: 1, done: 1, lost: 0 })
  },
)

withServer(
  'what http-terminator does, works: when the app wants it',
  { ...app('terminates.js'), kids: 1 },
  async (t, served) => {
    const idle = served.client({ send: get() })
    await idle.heard(/done$/)
    const { text } = await served.ask({ send: get('/terminate') })
    t.match(text, /Connection: close\r\n.*done$/s)
    t.match((await idle.outcome).text, /done$/, 'it is closed')
    t.match(await served.event('gone'), { kid: 1, code: 0, signal: null })
    t.equal(said(served, 1)[0], 'terminated with 0 sockets')
    t.equal(said(served, 1).at(-1), 'teardown')
    t.match(served.counters, { accepted: 2, done: 2, lost: 0, kills: {} })
  },
)

/** A module that does something on SIGTERM while one of its connections is at work. */
function ends(
  how: string,
  what: string,
  expected: readonly string[],
  options: ServerOptions = {},
  lasts: readonly [least: number, most: number] = [0, 3_000],
): void {
  withServer(
    what,
    { ...handler('hears-sigterm'), kids: 1, env: { HOW: how }, ...options },
    async (t, served) => {
      const client = served.client()
      await client.heard(/at work/)
      const begun = performance.now()
      await within(served.server.stop(), 'the server to stop')
      const lasted = performance.now() - begun
      t.match((await client.outcome).text, /done\n$/)
      t.strictSame(said(served, 1), ['answered', ...expected])
      t.match(served.seen('gone'), [{ code: 0, signal: null }])
      t.match(served.counters, { done: 1, lost: 0, kills: {} })
      const [least, most] = lasts
      t.ok(lasted > least && lasted < most, `the stop lasted ${lasted.toFixed()} ms`)
    },
  )
}

const hooks = ['hooks have run', 'teardown']

ends('nestjs', "NestJS's way: hooks are awaited, and the signal sent again is no second one", hooks)
ends('signal-exit', "signal-exit's way: a listener that acts only if it is alone acts", hooks)
ends('plain', 'a listener that signals nobody is waited for until it has nothing left to do', hooks)
ends('exits', 'a listener that ends the process ends it there and then', ['hooks have run'])
ends('throws', 'a listener that throws is logged, and teardown runs', hooks, {
  logs: [/^a listener for SIGTERM failed$/],
})
ends(
  'never-finishes',
  'a listener that never finishes has half of stopTimeout',
  hooks,
  { stopTimeout: 2_000 },
  [1_000, 1_900],
)
ends('never-finishes', 'and not more than 5 s', hooks, {}, [5_000, 6_500])

withServer(
  'a CommonJS module may export a promise of its app',
  { ...app('promised.cjs'), kids: 1 },
  async (t, served) => {
    t.match((await served.ask({ send: get('/', 'Connection: close\r\n') })).text, /promised$/)
  },
)

withNewServer(
  'a promise of an app that is rejected is told when the server starts',
  { ...app('promised-in-vain.cjs'), kids: 1, mayLog: [/.*/] },
  async (t, served) => {
    const error = await served.server.start().catch((cause: Error) => cause)
    t.match(error, { name: 'KidError', message: /no database/ })
  },
)
