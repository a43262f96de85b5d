/** Taking the PROXY header off real sockets: what whoever comes after it sees, and what closes the connection. */

import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, createServer, Socket } from 'node:net'
import type { Test } from 'tap'
import t from 'tap'
import { receiveProxyHeader } from '../../../src/handlers/proxy-protocol/receive.js'
import { parseTrusted } from '../../../src/handlers/proxy-protocol/trusted.js'
import { socketPath } from '../../process/harness.js'
import { until, within } from '../../process/processes.js'
import { fourBytes, version2, withChecksum } from './headers.js'

const line = Buffer.from('PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n')
const local = Buffer.from('PROXY UNKNOWN\r\n')

/** What a connection came to. */
interface Outcome {
  readonly text: string
  /** Of the receiver. */
  readonly outcome: string
  readonly socket: Socket
  readonly clientPort: number
}

interface Options {
  readonly trusted?: string[]
  readonly timeout?: number
  readonly path?: string
}

/** A server that takes the header off and leaves the rest to `after`; returns what makes a connection to it. */
async function serve(t: Test, after: (socket: Socket) => void, options: Options = {}) {
  const { trusted = ['loopback'], timeout, path } = options
  let arrived: Socket | undefined
  let outcome = Promise.resolve('')
  const server = createServer((socket) => {
    arrived = socket
    const given = { trusted: parseTrusted(trusted), ...(timeout === undefined ? {} : { timeout }) }
    outcome = receiveProxyHeader(socket, given)
    void outcome.then((how) => {
      if (how === 'ok') after(socket)
    })
  })
  server.listen(path === undefined ? { port: 0, host: '127.0.0.1' } : { path })
  await once(server, 'listening')
  t.teardown(async () => {
    server.close()
    await within(once(server, 'close'), 'the server to close')
  })
  /** Sends the pieces one by one, each when those before it have been read, and then, unless it stays, the end. */
  return async (pieces: readonly Uint8Array[], end: 'end' | 'stay' | 'reset' = 'end') => {
    const client =
      path === undefined ? connect((server.address() as AddressInfo).port) : connect({ path })
    client.setNoDelay(true).setTimeout(10_000, () => client.destroy(new Error('took too long')))
    let text = ''
    client.setEncoding('utf8').on('data', (chunk) => {
      text += chunk
    })
    client.on('error', () => {})
    const closed = new Promise((resolve) => client.once('close', resolve))
    arrived = undefined
    await once(client, 'connect')
    await until(() => arrived !== undefined, 'the connection to arrive')
    const socket = arrived as unknown as Socket
    const clientPort = client.localPort as number
    let sent = 0
    for (const [number, piece] of pieces.entries()) {
      if (number === pieces.length - 1 && end === 'end') client.end(piece)
      else client.write(piece)
      sent += piece.length
      const read = () => Reflect.get(Socket.prototype, 'bytesRead', socket) as number
      if (number < pieces.length - 1 || end === 'reset') {
        await until(() => socket.destroyed || read() >= sent, 'the bytes to be read')
      }
    }
    if (end === 'reset') client.resetAndDestroy()
    await closed
    return { text, outcome: await outcome, socket, clientPort } satisfies Outcome
  }
}

/** Every way to cut bytes in two, and the way of one by one. */
function cuts(bytes: Buffer): Buffer[][] {
  const all = [...bytes].map((byte) => Buffer.from([byte]))
  const two = all.slice(1).map((_, at) => [bytes.subarray(0, at + 1), bytes.subarray(at + 1)])
  return [[bytes], ...two, all]
}

function addresses(socket: Socket): unknown[] {
  const { remoteFamily, remoteAddress, remotePort, localFamily, localAddress, localPort } = socket
  return [remoteFamily, remoteAddress, remotePort, localFamily, localAddress, localPort]
}

const proxied = ['IPv4', '192.168.0.1', 56324, 'IPv4', '192.168.0.11', 443]

t.test('an HTTP server sees its requests, however the bytes are cut', async (t) => {
  const seen: string[] = []
  const http = createHttpServer(async (request: IncomingMessage, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    seen.push(`${request.url} ${body} ${request.socket.remoteAddress}:${request.socket.remotePort}`)
    response.end(`${request.url};`)
  })
  const ask = await serve(t, (socket) => http.emit('connection', socket))
  const requests =
    'POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello' +
    'GET /b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n'
  for (const header of [line, withChecksum()]) {
    for (const pieces of cuts(Buffer.concat([header, Buffer.from(requests)]))) {
      const { text, outcome } = await ask(pieces)
      const where = `cut at ${pieces[0]?.length}`
      if (outcome !== 'ok' || !text.endsWith('/b;')) t.fail(`${where}: ${outcome}, ${text}`)
      // Both may be at work at once.
      const requested = seen.splice(0).sort().join()
      if (requested !== '/a hello 192.168.0.1:56324,/b  192.168.0.1:56324') {
        t.fail(`${where}: ${requested}`)
      }
    }
  }
  t.pass()
})

/** Ways to read a socket to its end. */
const readers: Record<string, (socket: Socket, end: (text: string) => void) => unknown> = {
  data(socket, end) {
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk
    })
    socket.on('end', () => end(text))
  },
  readable(socket, end) {
    let text = ''
    socket.on('readable', () => {
      for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) text += chunk
    })
    socket.on('end', () => end(text))
  },
  async iteration(socket, end) {
    let text = ''
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) text += chunk
    end(text)
  },
  pipe(socket) {
    socket.pipe(socket)
  },
}

for (const [name, read] of Object.entries(readers)) {
  t.test(`a handler that reads by ${name} sees all that follows and the end`, async (t) => {
    const ask = await serve(t, (socket) => {
      // An end of ours after theirs would be too late.
      socket.allowHalfOpen = true
      read(socket, (text) => socket.end(text))
    })
    for (const pieces of [...cuts(Buffer.concat([line, Buffer.from('hello')])), [line]]) {
      const { text, socket } = await ask(pieces)
      const expected = pieces.length === 1 && pieces[0] === line ? '' : 'hello'
      if (text !== expected) t.fail(`cut at ${pieces[0]?.length}: ${JSON.stringify(text)}`)
      if (`${addresses(socket)}` !== `${proxied}`) t.fail(`${addresses(socket)}`)
      if (socket.bytesRead !== expected.length) t.fail(`${socket.bytesRead} bytes read`)
    }
    t.pass()
  })
}

t.test('a large rest comes whole, though the header was read with its beginning', async (t) => {
  const ask = await serve(t, (socket) => {
    let bytes = 0
    socket.allowHalfOpen = true
    socket.on('data', (chunk) => {
      bytes += chunk.length
    })
    socket.on('end', () => socket.end(`${bytes}`))
  })
  const { text } = await ask([Buffer.concat([line, Buffer.alloc(3_000_000)])])
  t.equal(text, '3000000')
})

t.test('a handler that only speaks is heard by a client that says nothing', async (t) => {
  const ask = await serve(t, (socket) => socket.end('hello'))
  t.equal((await ask([line])).text, 'hello')
  t.equal((await ask([line], 'stay')).text, 'hello')
})

t.test(
  'the socket tells the addresses of the header, or the real ones where it has none',
  async (t) => {
    const ask = await serve(t, (socket) => socket.end())
    t.strictSame(addresses((await ask([version2(0x21, 0x11, fourBytes)])).socket), proxied)
    const unix = version2(0x21, 0x31, Array(216).fill(0))
    t.strictSame(addresses((await ask([unix])).socket), Array(6).fill(undefined))
    for (const header of [local, version2(0x20, 0x11, fourBytes)]) {
      const seen: unknown[] = []
      const ask = await serve(t, (socket) => {
        seen.push(...addresses(socket))
        socket.end()
      })
      const { clientPort } = await ask([header])
      t.match(seen, ['IPv4', '127.0.0.1', clientPort, 'IPv4', '127.0.0.1', Number])
    }
  },
)

t.test('what is no header closes the connection before anybody else sees it', async (t) => {
  const ask = await serve(t, (socket) => t.fail(`seen: ${socket.read()}`), { timeout: 200 })
  const closed = 'the connection of 127.0.0.1 was closed: '
  const garbage = await ask([Buffer.from('GET / HTTP/1.1\r\n\r\n')], 'stay')
  t.equal(
    garbage.outcome,
    `${closed}it begins with no PROXY header: neither PROXY nor the signature of version 2`,
  )
  t.equal((await ask([Buffer.from('PROXY TCP4 x')], 'stay')).text, '')
  const late = `${closed}its PROXY header was not complete within 200 ms`
  t.equal((await ask([], 'stay')).outcome, late)
  t.equal((await ask([line.subarray(0, -1)], 'stay')).outcome, late)
  const ended = `${closed}it ended before its PROXY header was complete`
  t.equal((await ask([line.subarray(0, -1)])).outcome, ended)
  t.equal((await ask([line.subarray(0, -1)], 'reset')).outcome, ended)
})

t.test('who is not trusted is closed without a word being read', async (t) => {
  const untrusted = await serve(t, () => t.fail('believed'), { trusted: ['10.0.0.0/8', 'unix'] })
  const { outcome, socket } = await untrusted([line], 'stay')
  t.equal(outcome, 'the connection of 127.0.0.1 was closed: it is not one of trustedProxies')
  t.equal(socket.destroyed, true)
})

t.test('the peers of a Unix socket are trusted where unix or loopback is', async (t) => {
  const path = socketPath(t)
  const trusting = await serve(t, (socket) => socket.end(`${socket.remoteAddress}`), { path })
  t.equal((await trusting([line])).text, '192.168.0.1')
  const other = `${path}2`
  const not = await serve(t, () => t.fail('believed'), { path: other, trusted: ['127.0.0.1'] })
  t.equal(
    (await not([line], 'stay')).outcome,
    'the connection of a client was closed: it is not one of trustedProxies',
  )
})
