/** Kids behind proxies that send PROXY headers: a real HAProxy, and clients that only pretend. */

import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { closeListener, type Listener, openListener } from '../../src/system/listeners.js'
import { handler, type Served, withServer } from './harness.js'
import { peerDirectory, startPeer, without } from './peers.js'
import { until, within } from './processes.js'

const noHaproxy = without('haproxy')

/** HAProxy in front of the server, with a port for each way of sending the header. */
async function startHaproxy(t: Test, served: Served, ways: readonly string[]) {
  const address = served.server.addresses[0]
  if (address?.kind !== 'tcp') throw new Error('no address')
  const listeners: Listener[] = []
  for (const way of ways) {
    // Opened here, so that nobody else has the port in between.
    listeners.push(await openListener({ kind: 'tcp', name: way, host: '127.0.0.1', port: 0 }, 16))
  }
  const file = join(peerDirectory(t), 'haproxy.cfg')
  const parts = ways.map(
    (way, number) =>
      `listen ${number}\n  bind fd@${number + 3}\n  server s 127.0.0.1:${address.port} ${way}\n`,
  )
  const times = 'timeout connect 10s\n  timeout client 10s\n  timeout server 10s'
  writeFileSync(file, `defaults\n  mode tcp\n  ${times}\n${parts.join('')}`)
  const { stop } = startPeer(
    t,
    'haproxy',
    ['-db', '-f', file],
    listeners.map(({ fd }) => fd),
  )
  const ports = listeners.map((listener) => (listener.address as { port: number }).port)
  for (const listener of listeners) closeListener(listener)
  return { ports, stop }
}

/** What comes for `text`, and the port that it was asked from. */
async function ask(port: number, text: string): Promise<{ answer: string; from: number }> {
  // Another address than HAProxy's own, so that they cannot be taken for each other.
  const socket = connect({ host: '127.0.0.1', port, localAddress: '127.0.0.2' })
  socket.end(text).setEncoding('utf8')
  let answer = ''
  let from = 0
  socket.on('connect', () => {
    from = socket.localPort as number
  })
  const asked = (async () => {
    for await (const piece of socket) answer += piece
  })()
  await within(asked, 'an answer by way of HAProxy').finally(() => socket.destroy())
  return { answer, from }
}

const required = { proxyProtocol: 'required', kids: 1, slots: 8 } as const

if (noHaproxy !== false) {
  void test('behind HAProxy', { skip: noHaproxy }, async () => {})
} else {
  withServer(
    'a handler behind HAProxy sees the client as HAProxy does; others are closed, and the kid goes on',
    { ...handler('tells-its-client'), ...required },
    async (t, served) => {
      const begun = performance.now()
      // Takes 5 s; meanwhile the others.
      const late = served.client({ send: 'PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r' })
      const { ports, stop } = await startHaproxy(t, served, ['send-proxy', 'send-proxy-v2'])
      const askAll = async () => {
        for (const port of ports) {
          const { answer, from } = await ask(port, 'hello')
          t.equal(answer, `127.0.0.2 ${from} 127.0.0.1 ${port} hello`)
        }
      }
      await askAll()
      const garbage = [
        'GET / HTTP/1.1\r\n\r\n',
        'PROXY TCP4 ::1 ::1 1 2\r\n',
        '\r\n\r\n\0\r\nQUIT\n\x11',
      ]
      for (const send of garbage) {
        t.match(await served.ask({ send }), { text: '', result: /^(closed|reset)$/ })
      }
      t.match(await served.ask({ halfClose: true }), { text: '', result: 'closed' })
      t.match(await late.outcome, { text: '', result: /^(closed|reset)$/ })
      t.ok(performance.now() - begun > 4_500, 'a slow header was waited for')
      await askAll()
      await stop()
      t.strictSame(served.living, [served.pid(1)], 'by the same kid')
      const reasons = () => served.log.filter(({ msg }) => / was closed: its? /.test(msg))
      // One for each that was closed; the log's lines come by another way than a connection's end.
      await until(() => reasons().length === garbage.length + 2, 'the log to say why')
      t.ok(
        reasons().every(({ level }) => level === 20),
        'to who wants to know',
      )
    },
  )

  withServer(
    'an HTTP handler behind HAProxy sees the client',
    { ...handler('tells-its-client-by-http'), ...required, protocol: 'http' },
    async (t, served) => {
      const { ports, stop } = await startHaproxy(t, served, ['send-proxy-v2'])
      const [port = 0] = ports
      const request = 'GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n'
      const { answer, from } = await ask(port, request)
      t.match(answer, /^HTTP\/1.1 200 OK\r\n/)
      t.ok(answer.includes(`127.0.0.2 ${from} /a`), answer)
      await stop()
    },
  )
}

withServer(
  'nobody is believed who is not one of trustedProxies',
  { ...handler('tells-its-client'), ...required, trustedProxies: '10.0.0.0/8 unix' },
  async (t, served) => {
    const send = 'PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\nhello'
    t.match(await served.ask({ send }), { text: '', result: /^(closed|reset)$/ })
    await served.logged(/^the connection of 127.0.0.1 was closed: it is not one of trustedProxies/)
  },
)

withServer(
  'a header is not the first byte of a client, who may be silent no longer than firstByteTimeout',
  { ...handler('tells-its-client'), ...required, firstByteTimeout: 300 },
  async (t, served) => {
    const outcome = await served.ask({ send: 'PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n' })
    t.match(outcome, { text: '', result: 'closed' })
  },
)
