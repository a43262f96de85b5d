/** What a client may send to do harm: it is refused, its connection is closed, and the kid serves the next. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import t from 'tap'
import { get, serve } from './serving.js'

const megabyte = 'a'.repeat(1024 * 1024)
const head = 'Host: a\r\n'
const post = (headers: string, body = '') => `POST / HTTP/1.1\r\n${head}${headers}\r\n${body}`
const chunked = (body: string) => post('Transfer-Encoding: chunked\r\n', body)

/** Each with the status of the answer. */
const malformed: Readonly<Record<string, readonly [status: number, bytes: string]>> = {
  'Content-Length and Transfer-Encoding': [
    400,
    post('Content-Length: 6\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\nG'),
  ],
  'two Content-Lengths': [400, post('Content-Length: 6\r\nContent-Length: 5\r\n', '123456')],
  'the same Content-Length twice': [400, post('Content-Length: 1\r\nContent-Length: 1\r\n', '1')],
  'a negative Content-Length': [400, post('Content-Length: -1\r\n')],
  'a Content-Length with a sign': [400, post('Content-Length: +1\r\n', '1')],
  'a Content-Length that overflows': [400, post(`Content-Length: ${'9'.repeat(30)}\r\n`)],
  'a space before a colon': [400, post('Content-Length : 1\r\n', '1')],
  'a folded header': [400, post('X: a\r\n b\r\n')],
  'a folded Transfer-Encoding': [400, post('Transfer-Encoding:\r\n chunked\r\n', '0\r\n\r\n')],
  'a coding that is not chunked': [400, post('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n')],
  'another coding after chunked': [
    400,
    post('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', '0\r\n\r\n'),
  ],
  'lines that end in LF': [400, 'GET / HTTP/1.1\nHost: a\n\n'],
  'one header that ends in LF': [400, 'GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n'],
  'a CR inside a header': [400, 'GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n'],
  'a NUL in a header': [400, 'GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n'],
  'no Host': [400, 'GET / HTTP/1.1\r\n\r\n'],
  'a version that is not': [400, 'GET / HTTP/9.9\r\nHost: a\r\n\r\n'],
  'HTTP/2': [400, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  'the beginning of TLS': [400, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  'a chunk without a size': [400, chunked('zz\r\n')],
  'a chunk with 0x': [400, chunked('0x1\r\na\r\n0\r\n\r\n')],
  'a chunk size that ends in LF': [400, chunked('1\na\r\n0\r\n\r\n')],
  'a chunk size that overflows': [400, chunked(`${'f'.repeat(17)}\r\n`)],
  'an endless chunk extension': [413, chunked(`1;${megabyte}`)],
  'an endless trailer': [431, chunked(`0\r\nX: ${megabyte}`)],
  'a header of 1 MB': [431, `GET / HTTP/1.1\r\n${head}X: ${megabyte}\r\n\r\n`],
  'a path of 1 MB': [431, `GET /${megabyte} HTTP/1.1\r\n${head}\r\n`],
  'a hundred thousand headers': [431, `GET / HTTP/1.1\r\n${head}${'X: a\r\n'.repeat(100_000)}\r\n`],
  'a tunnel': [0, 'CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n'],
}

for (const [when, app] of Object.entries({
  'after the body': (request: IncomingMessage, response: ServerResponse) =>
    request.resume().on('end', () => response.end('done')),
  'before the body': (_: IncomingMessage, response: ServerResponse) => response.end('done'),
})) {
  t.test(`what is malformed is refused by an app that answers ${when}`, async (t) => {
    const serving = await serve(t, app)
    for (const [name, [status, bytes]] of Object.entries(malformed)) {
      const { result, text } = await serving.ask(bytes)
      t.notMatch(result, 'timeout', `${name}: the connection is closed`)
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, code]) => Number(code))
      // What is wrong with a body comes too late for whoever does not wait for it: answered, then closed.
      const isBody =
        statuses[0] === 200 && when === 'before the body' && /chunk|coding|trailer/i.test(name)
      t.strictSame(statuses, status === 0 ? [] : [isBody ? 200 : status], name)
    }
    t.match((await serving.ask(get('/', 'Connection: close\r\n'))).text, /done$/, 'it serves on')
    t.strictSame(serving.log, [], 'and what clients do wrong does not fill the log')
  })
}

t.test('half a request and then the end is refused too', async (t) => {
  const serving = await serve(t, (_: IncomingMessage, res: ServerResponse) => res.end('done'))
  const client = serving.client('GET / HT')
  t.match((await client.end()).text, /^HTTP\/1\.1 400 /)
})

t.test('a client that goes away at any point is no news', async (t) => {
  const request = chunked('4\r\nfour\r\n0\r\n\r\n')
  const serving = await serve(t, (req: IncomingMessage, res: ServerResponse) => {
    res.write('begun')
    req.resume().on('end', () => setImmediate(() => res.end('done')))
  })
  for (let length = 1; length <= request.length; length += 7) {
    const client = serving.client(request.slice(0, length))
    await client.connected
    if (length % 2 === 0) await client.drop()
    else client.socket.resetAndDestroy()
    await client.outcome
  }
  t.match((await serving.ask(get('/', 'Connection: close\r\n'))).text, /begun\r\n4\r\ndone/)
  t.strictSame(serving.log, [])
})
