/** HTTP in real kids: with curl, ab, wrk and nginx, keep-alive that starves nobody, drain, upgrade, and what is no app. */

import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { count, get } from '../handlers/http/serving.js'
import { fixture, type Served, withNewServer, withServer } from './harness.js'
import { accepting, peerDirectory, startPeer, without } from './peers.js'
import { within } from './processes.js'

/** The options of a server for an app under test/fixtures/apps. */
function app(name: string) {
  return { handler: fixture(`apps/${name}.js`), protocol: 'http' } as const
}

/** Longer than any test may take; and where there are more clients than slots, the log may say so. */
const forLong = { keepAliveTimeout: '10m', mayLog: [/^overload /] } as const

function urlOf({ server }: Served): string {
  const { address } = server
  if (address?.kind !== 'tcp') throw new Error('the server has no port')
  return `http://127.0.0.1:${address.port}/`
}

/** All that a program says, run to its end. */
async function run(t: Test, name: string, ...args: string[]): Promise<string> {
  const peer = startPeer(t, name, args)
  const [code] = await within(once(peer.process, 'close'), `${name} to end`, 20_000)
  t.equal(code, 0, `${name} ends well`, code === 0 ? {} : { said: peer.said() })
  return peer.said()
}

/** nginx, which keeps connections to the server alive; the path of its socket. */
async function nginx(t: Test, served: Served): Promise<string> {
  const directory = peerDirectory(t)
  const front = join(directory, 'front')
  const config = join(directory, 'nginx.conf')
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  writeFileSync(
    config,
    `daemon off;
    master_process off;
    pid ${directory}/pid;
    error_log stderr;
    events {}
    http {
      access_log off;
      ${temporary.map((name) => `${name}_temp_path ${directory}/${name};`).join('\n')}
      upstream app { server ${new URL(urlOf(served)).host}; keepalive 4; }
      server {
        listen unix:${front};
        location / { proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; }
      }
    }`,
  )
  const peer = startPeer(t, 'nginx', ['-p', directory, '-c', config, '-e', 'stderr'])
  await accepting({ path: front }, peer)
  return front
}

withServer('an Express app', { ...app('express'), ...forLong, kids: 2 }, async (t, served) => {
  const url = urlOf(served)

  await t.test('curl is kept alive', { skip: without('curl') }, async (t) => {
    const args = ['-s', '-S', '-m', '10', '-w', '|%{http_code} %{num_connects}|']
    const said = await run(t, 'curl', ...args, url, url, `${url}fails`)
    t.match(said, /^(express of kid \d)\|200 1\|\1\|200 0\|express has caught it\|500 0\|$/)
    const body = 'x'.repeat(60_000)
    const type = ['-H', 'Content-Type: text/plain', '-H', 'Expect: 100-continue']
    t.match(await run(t, 'curl', ...args, ...type, '-d', body, url), `${body}|200 1|`)
  })

  await t.test('ab, with keep-alive and without', { skip: without('ab') }, async (t) => {
    for (const keepAlive of [[], ['-k']]) {
      // More clients than slots: keep-alive or not, every one of them gets on.
      const said = await run(
        t,
        'ab',
        '-q',
        '-l',
        '-r',
        '-s',
        '10',
        ...keepAlive,
        '-n',
        '150',
        '-c',
        '6',
        url,
      )
      t.match(said, /Complete requests: +150\n/)
      // It sends its next request without a look at the connection, which never ends unannounced.
      t.match(said, /Failed requests: +0\n/)
      t.notMatch(said, /Non-2xx/)
    }
  })

  await t.test('wrk', { skip: without('wrk') }, async (t) => {
    const said = await run(t, 'wrk', '-d', '1', '-c', '6', '-t', '1', '--timeout', '10', url)
    t.match(said, /^ +\d\d+ requests in /m)
    t.notMatch(said, /Non-2xx|timeout [1-9]/)
  })

  await t.test('nginx, which keeps connections', { skip: without('nginx', 'curl') }, async (t) => {
    const front = await nginx(t, served)
    const before = served.counters.accepted
    const args = ['-s', '-S', '-m', '10', '--unix-socket', front, '-w', '|%{http_code}|']
    const said = await run(t, 'curl', ...args, ...Array<string>(20).fill('http://a/'))
    t.match(said, /^(express of kid \d\|200\|){20}$/)
    // Those of wrk that nobody was served on any more may still come.
    t.ok(served.counters.accepted - before < 15, 'they are fewer than requests')
    const many = Array.from({ length: 6 }, () =>
      run(t, 'curl', ...args, ...Array<string>(10).fill('http://a/')),
    )
    for (const each of await Promise.all(many)) t.match(each, /^(express of kid \d\|200\|){10}$/)
  })
  t.equal(served.counters.deaths, 0)
})

withServer(
  'who is merely kept alive takes no slot, and lives on when the server stops, for its grace',
  { ...app('whence'), ...forLong, kids: 1, drainGrace: 500 },
  async (t, served) => {
    const idle = served.client({ send: get() })
    await idle.heard(/127\.0\.0\.1$/)
    const other = served.client({ send: get() })
    await other.heard(/127\.0\.0\.1$/)
    await served.until(() => served.server.status().kids[0]?.parked === 2)
    t.match(served.server.status().kids, [{ state: 'idle', held: 0 }])
    const stopped = served.server.stop()
    await served.until(() => served.server.status().kids[0]?.state === 'leaving')
    other.say(get())
    t.match((await other.outcome).text, /Connection: close\r\n.*127\.0\.0\.1$/s)
    await within(stopped, 'the server to stop')
    t.equal((await idle.outcome).result, 'ok', 'when the grace is over')
    t.match(served.counters, { accepted: 2, done: 2, lost: 0, deaths: 1 })
  },
)

withServer(
  'a reload keeps idle connections until they have been told, and the new kids serve meanwhile',
  { ...app('whence'), ...forLong, kids: 1 },
  async (t, served) => {
    const idle = served.client({ send: get() })
    await idle.heard(/127\.0\.0\.1$/)
    await served.server.reload()
    t.equal(served.server.status().kids.length, 2, 'the old kid is still there')
    idle.say(get())
    t.match((await idle.outcome).text, /Connection: close\r\n.*127\.0\.0\.1$/s)
    await served.event('gone', ({ kid }) => kid === 1)
    t.match(served.counters, { lost: 0 })
  },
)

withServer(
  'a kid that dies loses its idle connections, which is told apart',
  {
    ...app('whence'),
    ...forLong,
    kids: 1,
    logs: [/^kid 1 died: 2 connections lost, 2 of them idle/, /^kid 1 ended by SIGKILL/],
  },
  async (t, served) => {
    const clients = [served.client({ send: get() }), served.client({ send: get() })]
    for (const client of clients) await client.heard(/127\.0\.0\.1$/)
    await served.until(() => served.server.status().kids[0]?.parked === 2)
    process.kill(served.pid(1) as number, 'SIGKILL')
    await served.event('lost')
    t.match(served.counters, { accepted: 2, done: 0, lost: 2, lostIdle: 2 })
    for (const client of clients) await client.outcome
  },
)

withServer(
  'a client that never pauses lets others in',
  { ...app('fastify'), ...forLong, kids: 1 },
  async (t, served) => {
    let asked = 0
    let stopped = false
    // One client after the other as long as connections are closed; each asks again as soon as it is answered.
    const greedy = (async () => {
      while (!stopped && asked < 100_000) {
        const client = served.client({ send: get() })
        client.socket.on('data', () => {
          asked++
          if (!stopped) client.say(get())
        })
        await client.outcome
      }
    })()
    await served.event('order')
    for (let i = 0; i < 5; i++) {
      const { text } = await served.ask({ send: get('/', 'Connection: close\r\n') })
      t.match(text, /fastify of kid 1$/)
    }
    stopped = true
    await served.server.stop()
    await within(greedy, 'the last greedy client to end')
    t.ok(asked > 0)
  },
)

withServer(
  'an upgraded connection that is detached frees its slot, and is told to end',
  { ...app('detaches'), kids: 1 },
  async (t, served) => {
    const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
    const send = get('/chat', `Connection: Upgrade\r\nUpgrade: websocket\r\n${key}`)
    const client = served.client({ send })
    await client.heard(/^HTTP\/1\.1 101 .*s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n\r\n$/s)
    t.match((await served.ask({ send: get('/', 'Connection: close\r\n') })).text, /plain$/)
    client.say('still here')
    await client.heard(/still here$/)
    t.match(await served.server.detached(), [{ kid: 1, status: 'websocket /chat' }])
    await within(served.server.stop(), 'the server to stop')
    t.match((await client.outcome).text, /ends for drain$/)
  },
)

withServer(
  'behind a proxy that says whose connection it is',
  {
    ...app('whence'),
    kids: 1,
    proxyProtocol: 'required',
    headersTimeout: 200,
    firstByteTimeout: 200,
  },
  async (t, served) => {
    const header = 'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n'
    const { text } = await served.ask({
      send: header + get().repeat(2) + get('/', 'Connection: close\r\n'),
    })
    t.equal(count(text, /192\.0\.2\.1/), 3)
    t.match((await served.ask({ send: `${header}GET /` })).text, /^HTTP\/1\.1 408 /)
    t.equal((await served.ask({ send: header })).result, 'closed', 'a header is no request')
  },
)

withNewServer(
  'an app that listens by itself is refused at the start',
  { ...app('listens'), kids: 1, mayLog: [/.*/] },
  async (t, served) => {
    const error = await served.server.start().catch((cause: Error) => cause)
    const where = `the default export of handler ${fixture('apps/listens.js')}`
    t.match(error, { name: 'KidError', message: `${where} has called listen(): leave that to ` })
  },
)
