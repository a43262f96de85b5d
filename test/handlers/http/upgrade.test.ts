/** What becomes something else than HTTP: WebSockets, and tunnels. */

import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import t from 'tap'
import type { Kid } from '../../../src/handlers/handler.js'
import { httpLimits } from '../../../src/handlers/http/limits.js'
import { prepareHttp } from '../../../src/handlers/http/serve.js'
import { kidOf } from '../../../src/http.js'
import { pass } from '../../process/processes.js'
import { get, Serving, serve } from './serving.js'

const asks = get(
  '/',
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n',
)

/** Shakes hands and sends back all that comes. */
function echo(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const magic = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
  const accept = createHash('sha1').update(request.headers['sec-websocket-key'] + magic)
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept.digest('base64')}\r\n\r\n`,
  )
  socket.write(head)
  socket.pipe(socket)
}

const limits = { headersTimeout: 50, requestTimeout: 50, sendTimeout: 50, keepAliveTimeout: 50 }

// First: it would be refused if this process listened already.
t.test('a module may export upgrade, which gets the kid', async (t) => {
  const kids: Kid[] = []
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer, kid: Kid) => {
    kids.push(kid)
    if (request.url === '/fails') throw new Error('no upgrade')
    echo(request, socket, head)
  }
  const app = { default: () => {}, upgrade }
  const { handler } = await prepareHttp(app, '/a/module.js', httpLimits(limits))
  const serving = await Serving.start(t, handler)
  const client = serving.client(`${asks}and more`)
  await client.heard(/and more$/)
  t.equal((await client.end()).result, 'ok')
  t.strictSame(
    kids.map(({ number }) => number),
    [7],
  )
  await serving.ask(asks.replace('/', '/fails'))
  t.match(serving.log, [{ msg: 'the upgrade failed; its connection is closed' }])
})

t.test("a server's own listener gets the connection, and no limit of HTTP ends it", async (t) => {
  const server = createServer((_, res) => res.end('plain'))
  const kids: number[] = []
  server.on('upgrade', (request: IncomingMessage) => void kids.push(kidOf(request).number))
  const serving = await serve(t, server.on('upgrade', echo), limits)
  const client = serving.client(asks)
  await client.heard(/Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n\r\n$/)
  await pass(200)
  serving.unpark()
  serving.drain.abort()
  client.say('still here')
  await client.heard(/still here$/)
  t.strictSame(kids, [7])
  t.equal((await client.end()).result, 'ok')
  const late = await serving.ask(get())
  t.match(late.text, /plain$/, 'other requests are answered as ever')
})

t.test('a server for upgrades alone answers other requests with 404', async (t) => {
  const serving = await serve(t, createServer().on('upgrade', echo))
  t.match((await serving.ask(get('/', 'Connection: close\r\n'))).text, /^HTTP\/1\.1 404 /)
})

t.test('a listener that comes late, for tunnels too, is heeded', async (t) => {
  const server = createServer((_, res) => res.end('plain'))
  const serving = await serve(t, server, limits)
  t.match((await serving.ask(asks)).text, /plain$/, 'nobody listens for it yet')
  t.match((await serving.ask('CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n')).text, '')
  server.on('connect', (_, socket: Duplex) => socket.pipe(socket))
  const client = serving.client('CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\nthrough')
  await pass(200)
  client.say(' the tunnel')
  await client.heard(/the tunnel$/)
})

t.test(
  'a client that has ended its side still hears what comes, as in a server that listens',
  async (t) => {
    const server = createServer().on('upgrade', (_, socket: Duplex) => {
      socket.resume().on('end', () => setImmediate(() => socket.end('last words')))
    })
    const serving = await serve(t, server)
    const client = serving.client(asks)
    t.match(await client.end(), { result: 'ok', text: 'last words' })
  },
)
