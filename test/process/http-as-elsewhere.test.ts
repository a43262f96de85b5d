/** HTTP in real kids, where a server that listens by itself would do no other: what apps set, what clients offer, how requests come. */

import { once } from 'node:events'
import type { Test } from 'tap'
import { count, get } from '../handlers/http/serving.js'
import { fixture, type Served, withServer } from './harness.js'
import { isInstalled, startPeer, without } from './peers.js'
import { pass, within } from './processes.js'

/** The options of a server for an app under test/fixtures/apps. */
function app(name: string) {
  return { handler: fixture(`apps/${name}.js`), protocol: 'http' } as const
}

const closes = 'Connection: close\r\n'

/** What curl says to the end, and the status and version of each response. */
async function curl(t: Test, served: Served, ...args: string[]): Promise<string> {
  const { address } = served.server
  if (address?.kind !== 'tcp') throw new Error('the server has no port')
  const url = `http://${address.host}:${address.port}/`
  const format = '|%{http_code} %{http_version} %{num_connects}|'
  const peer = startPeer(t, 'curl', ['-s', '-S', '-m', '10', '-w', format, ...args, url, url])
  const [code] = await within(once(peer.process, 'close'), 'curl to end')
  t.equal(code, 0, 'curl ends well', code === 0 ? {} : { said: peer.said() })
  return peer.said()
}

withServer(
  "an app's own keepAliveTimeout holds",
  { ...app('fastify'), kids: 1 },
  async (t, served) => {
    const client = served.client({ send: get() })
    await client.heard(/Keep-Alive: timeout=72\r\n/)
    // Nor is it ended by whatever else would have ended it after 5 s.
    t.equal(served.counters.done, 0)
  },
)

withServer(
  'unless the option of that name is given',
  { ...app('fastify'), kids: 1, keepAliveTimeout: '10s' },
  async (_, served) => {
    const client = served.client({ send: get() })
    await client.heard(/Keep-Alive: timeout=10\r\n/)
  },
)

withServer(
  'a function has no keepAliveTimeout of its own',
  { ...app('whence'), kids: 1 },
  async (_, served) => {
    const client = served.client({ send: get() })
    await client.heard(/Keep-Alive: timeout=5\r\n/)
  },
)

withServer(
  'an app that fails is answered for with 500, and nothing is left of what it had meant to say',
  { ...app('fails-with-a-reason'), kids: 1, logs: [/^the app failed; its request is answered/] },
  async (t, served) => {
    for (const path of ['/', '/later']) {
      const { text } = await served.ask({ send: get(path, closes) })
      t.match(text, /^HTTP\/1\.1 500 Internal Server Error\r\n/)
      t.match(text, /\r\n\r\nInternal Server Error\n$/)
      t.notMatch(text, /Fine|X-Left/)
    }
  },
)

withServer(
  'who names two hosts, or speaks HTTP/0.9, is refused, and the app does not see it',
  { ...app('takes-its-time'), kids: 1 },
  async (t, served) => {
    for (const send of ['GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 'GET / HTTP/0.9\r\n\r\n']) {
      const { result, text } = await served.ask({ send })
      t.equal(result, 'ok')
      t.match(text, /^HTTP\/1\.1 400 Bad Request\r\n/)
    }
    t.match((await served.ask({ send: get('/', closes) })).text, /by kid 1\.$/)
    t.strictSame(
      served.log.filter(({ msg }) => /^serves/.test(msg)).map(({ msg }) => msg),
      ['serves /'],
    )
  },
)

withServer(
  'an offer of HTTP/2 is ignored, with upgrade exported',
  { ...app('repeats'), kids: 1 },
  async (t, served) => {
    await t.test('of curl', { skip: without('curl') }, async (t) => {
      const answer = String.raw`GET / 1\.1 upgrade undefined \[\]\|200 1\.1`
      t.match(
        await curl(t, served, '--http2'),
        new RegExp(String.raw`^${answer} 1\|${answer} 0\|$`),
        'and the connection is kept',
      )
      const body = 'x'.repeat(100_000)
      const said = await curl(t, served, '--http2', '-d', body)
      t.equal(count(said, /POST \/ 1\.1 upgrade undefined \[x{100000}\]\|200 1\.1 [01]\|/), 2)
    })
    const offer =
      'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n'
    const head = `POST /it HTTP/1.1\r\nHost: a\r\n${offer}Content-Length: 8\r\n\r\n`
    const answer = /POST \/it 1\.1 upgrade undefined \[the body\]/
    await t.test('with a body in the same packet, and a request behind it', async (t) => {
      const { text } = await served.ask({ send: `${head}the body${get('/next', closes)}` })
      t.match(text, answer)
      t.match(text, /GET \/next 1\.1 upgrade undefined \[\]$/)
    })
    await t.test('with a body that comes bit by bit', async (t) => {
      const client = served.client({ send: head })
      await served.until(() => served.server.status().kids[0]?.held === 1, 'its request')
      for (const bit of ['the', ' bo', 'dy']) {
        client.say(bit)
        await pass(10)
      }
      await client.heard(answer)
      client.say(get('/again', closes))
      t.match((await client.outcome).text, /GET \/again 1\.1 upgrade undefined \[\]$/)
    })
    await t.test('with a body in chunks', async (t) => {
      const chunked = head.replace('Content-Length: 8', 'Transfer-Encoding: chunked')
      const client = served.client({ send: chunked })
      client.say('4\r\nthe \r\n')
      client.say('4\r\nbody\r\n0\r\n\r\n')
      await client.heard(answer)
      t.equal(served.counters.deaths, 0)
    })
  },
)

withServer(
  'an upgrade that the module declines, by returning false, is answered as a plain request',
  { ...app('repeats'), kids: 1 },
  async (t, served) => {
    const offer = 'Connection: Upgrade\r\nUpgrade: chess\r\n'
    for (const path of ['/now', '/later']) {
      const client = served.client({ send: get(path, offer) })
      await client.heard(new RegExp(`GET ${path} 1\\.1 upgrade undefined \\[\\]$`))
      client.say(get('/again', closes))
      t.match((await client.outcome).text, /GET \/again /)
    }
    const taken = served.client({
      send: `${get('/', 'Connection: Upgrade\r\nUpgrade: echo\r\n')}hi`,
    })
    await taken.heard(/^HTTP\/1\.1 101 .*\r\n\r\nhi$/s)
    t.equal((await taken.end()).result, 'ok')
  },
)

if (isInstalled('ws')) {
  withServer(
    'an offer of HTTP/2 is ignored, with a server for WebSockets alone',
    { ...app('ws'), kids: 1 },
    async (t, served) => {
      await t.test('of curl', { skip: without('curl') }, async (t) => {
        t.match(await curl(t, served, '--http2'), /^plain\|200 1\.1 1\|plain\|200 1\.1 0\|$/)
      })
      const offer =
        'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n'
      const { text } = await served.ask({ send: get('/', offer) + get('/', closes) })
      t.equal(count(text, /plain/), 2)
    },
  )
}

withServer(
  'a listener for data on the socket of a request hears its body',
  { ...app('repeats'), kids: 1 },
  async (t, served) => {
    const client = served.client()
    client.say('POST /raw HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n')
    await served.logged(/^listens to the socket$/)
    client.say('the body')
    await client.heard(/heard the body$/)
    t.equal(served.counters.deaths, 0)
  },
)

withServer(
  'who expects 100-continue hears that, sends the body and is answered',
  { ...app('repeats'), kids: 1 },
  async (t, served) => {
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 8\r\n\r\n'
    const client = served.client({ send: head })
    for (let i = 0; i < 2; i++) {
      await client.heard(
        new RegExp(
          `^(HTTP/1\\.1 100 Continue\r\n\r\nHTTP/1\\.1 200 .*){${i}}HTTP/1\\.1 100 Continue\r\n\r\n$`,
          's',
        ),
      )
      client.say('the body')
      await client.heard(new RegExp(`(\\[the body\\].*){${i + 1}}$`, 's'))
      if (i === 0) client.say(head)
    }
    t.equal(served.counters.accepted, 1)
  },
)

withServer(
  'HEAD has no body, and its connection is kept',
  { ...app('whence'), kids: 1 },
  async (t, served) => {
    const client = served.client({ send: get().replace('GET', 'HEAD') })
    await client.heard(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n$/s)
    client.say(get('/', closes))
    const { text } = await client.outcome
    t.match(text, /\r\n\r\nHTTP\/1\.1 200 OK\r\n.*\r\n\r\n127\.0\.0\.1$/s)
    t.equal(count(text, /127\.0\.0\.1/), 1)
  },
)

withServer(
  'HTTP/1.0 is kept alive if its client says so, and closed otherwise',
  { ...app('takes-its-time'), kids: 1 },
  async (t, served) => {
    const old = 'GET /old HTTP/1.0\r\n'
    const client = served.client({ send: `${old}Connection: keep-alive\r\n\r\n` })
    await client.heard(/Connection: keep-alive\r\n.*\/old by kid 1\.$/s)
    await served.until(() => served.server.status().kids[0]?.parked === 1, 'it to be parked')
    client.say(`${old}Connection: keep-alive\r\n\r\n`)
    await client.heard(/(\/old by kid 1\..*){2}$/s)
    client.say(`${old}\r\n`)
    const { result, text } = await client.outcome
    t.equal(result, 'ok')
    t.match(text, /(\/old by kid 1\..*){2}Connection: close\r\n.*\/old by kid 1\.$/s)
  },
)

withServer(
  'pipelined requests on parked connections are answered in order, each time anew',
  { ...app('takes-its-time'), kids: 1, keepAliveTimeout: '1m' },
  async (t, served) => {
    const clients = Array.from({ length: 3 }, () => served.client({ send: get('/first') }))
    for (const client of clients) await client.heard(/\/first by kid 1\.$/)
    for (let turn = 1; turn <= 3; turn++) {
      await served.until(() => served.server.status().kids[0]?.parked === 3, 'all to be parked')
      const paths = [`/slow/20/${turn}`, `/a/${turn}`, `/slow/10/${turn}`, `/b/${turn}`]
      const requests = paths.map((path) => get(path)).join('')
      const all = new RegExp(`${paths.map((path) => `${path} by kid 1\\..*`).join('')}$`, 's')
      for (const client of clients) client.say(requests)
      await Promise.all(clients.map((client) => client.heard(all)))
    }
    t.match(served.counters, { accepted: 3, lost: 0 })
  },
)
