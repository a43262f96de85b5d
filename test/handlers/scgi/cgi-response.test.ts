/** Responses that are returned: how they are written, what of them is refused, and what becomes of their streams. */

import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { type CgiLike, type CgiResponse, produceCgiLike, scgi } from 'preforkd/scgi'
import t, { type Test } from 'tap'
import { formatCgiHeader } from '../../../src/handlers/scgi/cgi-response.js'
import { within } from '../../process/processes.js'
import { request } from './requests.js'
import { Serving } from './serving.js'

const failed = 'Status: 500 Internal Server Error\r\n'

/** What a client gets of a response; and the log. */
async function give(t: Test, respond: CgiLike) {
  const serving = await Serving.start(t, scgi(produceCgiLike(respond)))
  const { text } = await serving.ask(request('body', { REQUEST_URI: '/a' }))
  return { text, log: serving.log }
}

t.test('status and headers become lines', async (t) => {
  t.equal(formatCgiHeader(200, {}), 'Status: 200 OK\r\n\r\n')
  t.equal(formatCgiHeader(299, {}), 'Status: 299 Unknown\r\n\r\n')
  t.equal(formatCgiHeader('404 Nowhere', {}), 'Status: 404 Nowhere\r\n\r\n')
  t.equal(
    formatCgiHeader(302, {
      Location: '/b',
      'Set-Cookie': ['a=1', 'b=2'],
      'X-Number': 7,
      'X-None': undefined,
      'X-Bytes': 'caf\u00e9\t~',
    }),
    [
      'Status: 302 Found',
      'Location: /b',
      'Set-Cookie: a=1',
      'Set-Cookie: b=2',
      'X-Number: 7',
      'X-Bytes: caf\u00e9\t~',
      '\r\n',
    ].join('\r\n'),
  )
})

t.test('no name, value or status adds a line', async (t) => {
  // The last two would be a line feed and a NUL in latin1.
  const bad = ['\n', '\r', '\0', '\x7f', '\x1b', '\u010a', '\u0100', '\ud83d\ude00']
  for (const each of bad) {
    const value = `a${each}Set-Cookie: evil=1`
    const shown = JSON.stringify(value)
    t.throws(() => formatCgiHeader(200, { A: value }), /^the response header A has a value/, shown)
    t.throws(() => formatCgiHeader(200, { A: ['good', value] }), /has a value/, shown)
    t.throws(() => formatCgiHeader(200, { [value]: '' }), /is not a token/, shown)
    t.throws(() => formatCgiHeader(`200 ${value}`, {}), /^the status of a response is not/, shown)
  }
  for (const name of ['', ' ', 'A:', 'A B', '(A)', '\u00e9']) {
    t.throws(() => formatCgiHeader(200, { [name]: '' }), /is not a token/, JSON.stringify(name))
  }
  for (const value of [{}, null, Symbol('x'), true, [[]]]) {
    t.throws(() => formatCgiHeader(200, { A: value as never }), TypeError, String(typeof value))
  }
  for (const status of [0, 99, 100, 600, 200.5, Number.NaN, '', 'OK', '2000', null]) {
    t.throws(() => formatCgiHeader(status as number, {}), /^the status of a/, String(status))
  }
  t.throws(() => formatCgiHeader(200, { status: '404' }), /is given as status/)
})

const stream = async function* () {
  yield 'one, '
  yield Buffer.from('two')
}

for (const [title, response, expected] of [
  ['nothing', {}, 'Status: 200 OK\r\n\r\n'],
  [
    'a string',
    { body: 'caf\u00e9' },
    'Status: 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\ncaf\u00c3\u00a9',
  ],
  [
    'bytes',
    { body: new Uint8Array([65, 66]) },
    'Status: 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 2\r\n\r\nAB',
  ],
  [
    'its own type and length',
    { body: 'AB', headers: { 'content-type': 'text/x', 'CONTENT-LENGTH': '2' } },
    'Status: 200 OK\r\ncontent-type: text/x\r\nCONTENT-LENGTH: 2\r\n\r\nAB',
  ],
  [
    'a generator',
    { status: 201, headers: { 'Content-Type': 'text/x' }, body: stream() },
    'Status: 201 Created\r\nContent-Type: text/x\r\n\r\none, two',
  ],
  [
    'a stream',
    { headers: { 'Content-Type': 'text/x' }, body: Readable.from(['a', 'b']) },
    'Status: 200 OK\r\nContent-Type: text/x\r\n\r\nab',
  ],
  [
    'an empty stream',
    { headers: { 'Content-Type': 'text/x' }, body: Readable.from([]) },
    'Status: 200 OK\r\nContent-Type: text/x\r\n\r\n',
  ],
] as [string, CgiResponse, string][]) {
  t.test(`a response of ${title}`, async (t) => {
    const { text, log } = await give(t, async () => response)
    t.equal(text, expected)
    t.strictSame(log, [])
  })
}

t.test('the function gets parameters and body, and may answer at once', async (t) => {
  const { text } = await give(t, async (env, body, kid) => {
    let content = ''
    for await (const piece of body) content += piece
    return { body: `${kid.number} ${env.REQUEST_URI} ${content}` }
  })
  t.match(text, /\r\n\r\n1 \/a body$/)
  t.match(await give(t, () => ({ body: 'now' })), { text: /\r\n\r\nnow$/ })
  t.match(await give(t, (_env, body) => ({ body })), { text: /\r\n\r\nbody$/ })
})

t.test('what cannot be sent gets 500 and is logged, before anything was sent', async (t) => {
  const missing = () => createReadStream(fileURLToPath(new URL('./missing', import.meta.url)))
  const cases: [CgiLike, RegExp][] = [
    [() => ({ headers: { A: '\n' }, body: 'x' }), /^the response header A/],
    [() => ({ headers: { A: '\n' }, body: missing() }), /^the response header A/],
    [() => ({ body: missing() }), /ENOENT/],
    [() => ({ body: 7 as never }), /^the body of a response is not/],
    [() => ({ body: { a: 1 } as never }), /^the body of a response is not/],
    [() => undefined as never, /undefined/],
    [
      () => {
        throw new Error('broken')
      },
      /^broken$/,
    ],
  ]
  for (const [respond, message] of cases) {
    const { text, log } = await give(t, respond)
    t.equal(text.slice(0, failed.length), failed)
    t.match(log, [{ level: 50, err: { message } }])
  }
})

t.test(
  'a stream whose client goes away is destroyed, even while it has nothing to say',
  async (t) => {
    const quiet = new Readable({ read() {} })
    quiet.push('first')
    const serving = await Serving.start(t, scgi(produceCgiLike(() => ({ body: quiet }))), 'tcp')
    const client = serving.client()
    client.socket.write(request())
    await client.heard('first')
    const closed = once(quiet, 'close')
    client.socket.resetAndDestroy()
    await within(closed, 'the stream to be destroyed')
    await within(Promise.all(serving.complete), 'the connection to be complete')
  },
)
