/** Clients that say something and go, in every way there is: all are served, and no kid stays busy with one that is gone. */

import { test } from 'tap'
import { get } from '../handlers/http/serving.js'
import { request } from '../handlers/scgi/requests.js'
import { type Invitation, receive } from './guests.js'
import { fixture, handler, type Served, type ServerOptions, withServer } from './harness.js'
import { isInstalled } from './peers.js'
import { within } from './processes.js'

/** As promised, in milliseconds, after the last client was served, and for a graceful stop when all have gone. */
const soon = 1_000

function isAtRest({ server }: Served, count: number): boolean {
  const { kids, counters } = server.status()
  return counters.done === count && kids.every(({ state, held }) => state === 'idle' && held === 0)
}

/** A server that has had so many guests is soon at rest, also while some of them stay, and stops soon when they have gone. */
function outlives(title: string, options: ServerOptions, invitation: Invitation): void {
  // Who has ended its side and then waits in a queue, as some guests do, would pass for gone.
  withServer(title, { kids: 4, skipGone: 'off', ...options }, async (t, served) => {
    const { count } = invitation
    const { failures, leave } = await receive(served, invitation)
    t.strictSame(failures, [], 'all were served')
    await served.until(() => isAtRest(served, count), 'no kid to be busy', soon)
    leave()
    const begun = performance.now()
    await within(served.server.stop(), 'a graceful stop')
    const lasted = performance.now() - begun
    t.ok(lasted < soon, `the stop lasted ${lasted.toFixed()} ms`)
    t.match(served.counters, { accepted: count, cut: 0, lost: 0, kills: {}, deaths: 4, spawns: 4 })
  })
}

const greeting = { words: 'hello\r\n', answer: /^\d+\n$/ }

outlives("a handler that only answers, as README's does", handler('says-its-pid'), {
  ...greeting,
  count: 1_000,
})

outlives(
  'with several slots',
  { ...handler('says-its-pid'), slots: 8 },
  { ...greeting, count: 200 },
)

outlives('a stream that is piped to the socket', handler('pipes-a-stream'), {
  ...greeting,
  count: 100,
})

outlives('a handler that takes all listeners away', handler('answers-without-listeners'), {
  ...greeting,
  count: 100,
})

outlives('connections that were detached', handler('answers-detached'), { ...greeting, count: 100 })

outlives(
  'examples/slow',
  { handler: fixture('../../examples/slow/handler.js'), env: { SLOW_MS: '5' } },
  { words: 'hello\r\n', answer: /^kid \d took 5 ms\n$/, count: 100 },
)

outlives(
  'behind a proxy that says whose connection it is',
  { ...handler('says-its-pid'), proxyProtocol: 'required' },
  {
    words: 'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nhello\r\n',
    answer: greeting.answer,
    count: 200,
  },
)

outlives(
  'SCGI',
  { ...handler('speaks-scgi'), protocol: 'scgi' },
  {
    words: request('', { REQUEST_URI: '/pid' }),
    answer: /^Status: 200 OK\r\n.*\r\n\r\n\d+$/s,
    count: 200,
  },
)

const asksForUpgrade = get(
  '/',
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n',
)

outlives(
  'an upgrade that a handler refuses',
  { handler: fixture('apps/refuses-upgrades.js'), protocol: 'http' },
  { words: asksForUpgrade, answer: /^HTTP\/1\.1 400 .*\r\n\r\n$/s, count: 200 },
)

/** Closes with 1000, as a client does: masked, here with zeros. */
const closeFrame = '\x88\x82\0\0\0\0\x03\xe8'

if (isInstalled('ws')) {
  outlives(
    'WebSockets that the package ws has ended',
    { handler: fixture('apps/ws.js'), protocol: 'http' },
    {
      words: Buffer.from(asksForUpgrade + closeFrame, 'latin1'),
      answer: /^HTTP\/1\.1 101 .*\r\n\r\n\x88.{2}\xe8$/s,
      count: 200,
    },
  )
  outlives(
    'WebSockets that the package ws refuses',
    { handler: fixture('apps/ws.js'), protocol: 'http' },
    {
      words: asksForUpgrade.replace('Version: 13', 'Version: 1'),
      answer: /^HTTP\/1\.1 400 .*Sec-WebSocket-Version/s,
      count: 100,
    },
  )
} else {
  void test('WebSockets that the package ws has ended', {
    skip: 'ws not installed',
  }, async () => {})
}
