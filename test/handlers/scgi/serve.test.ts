/** SCGI over real sockets: what is answered, what is refused, and what becomes of a handler or a client that fails. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import fc from 'fast-check'
import { listParameters, type Produce, scgi } from 'preforkd/scgi'
import t from 'tap'
import { pass, until, within } from '../../process/processes.js'
import { badRequests, joined, netstring, request } from './requests.js'
import { Serving } from './serving.js'

const ok = 'Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n'
const answerOf = (status: string) =>
  `Status: ${status}\r\nContent-Type: text/plain\r\n\r\n${status}\n`
const badAnswer = { text: answerOf('400 Bad Request'), error: undefined }

/** Tells the hash of the body. */
const hashes: Produce = async (env, body, out) => {
  const hash = createHash('sha256')
  let size = 0
  for await (const piece of body) {
    hash.update(piece)
    size += piece.length
  }
  out.end(`${ok}${env.REQUEST_URI} ${size} ${hash.digest('hex')}`)
}

const hashOf = (body: Buffer | string) => createHash('sha256').update(body).digest('hex')

t.test('a request is answered, and the connection ends', async (t) => {
  const serving = await Serving.start(t, scgi(hashes))
  const answer = await serving.ask(request('What is the answer to life?', { REQUEST_URI: '/42' }))
  t.strictSame(answer, {
    text: `${ok}/42 27 ${hashOf('What is the answer to life?')}`,
    error: undefined,
  })
  t.strictSame(serving.log, [])
})

t.test('a client that ends its side after the request gets the response', async (t) => {
  const serving = await Serving.start(t, scgi(hashes), 'tcp')
  const client = serving.client()
  client.socket.end(request('body', { REQUEST_URI: '/' }))
  t.strictSame(await client.answer, { text: `${ok}/ 4 ${hashOf('body')}`, error: undefined })
})

t.test('the parameters are listed, sorted and escaped', async (t) => {
  const serving = await Serving.start(t, scgi(listParameters))
  const env = { B: 'line\r\nX: "y"', A: '', 'a: 1\nb': 'x', ['__proto__']: 'p' }
  const { text } = await serving.ask(request('', env))
  t.equal(
    text,
    [
      'Content-Type: text/plain; charset=utf-8\r\n\r',
      'A: ""',
      'B: "line\\r\\nX: \\"y\\""',
      'CONTENT_LENGTH: "0"',
      'SCGI: "1"',
      '__proto__: "p"',
      '"a: 1\\nb": "x"',
      '',
    ].join('\n'),
  )
})

t.test('each bad request gets 400, and the next good one its answer', async (t) => {
  const serving = await Serving.start(t, scgi(hashes), 'tcp')
  for (const { title, bytes } of badRequests) {
    t.strictSame(await serving.ask(bytes), badAnswer, title)
  }
  t.equal(serving.log.length, badRequests.length)
  t.ok(serving.log.every(({ level }) => level === 20))
  t.match(await serving.ask(request()), { text: /^Status: 200/ })
})

t.test('a header that ends too early gets 400, a client without a word nothing', async (t) => {
  const serving = await Serving.start(t, scgi(hashes))
  const early = serving.client()
  early.socket.end('24:CONTENT_LENGTH')
  t.strictSame(await early.answer, badAnswer)
  const silent = serving.client()
  silent.socket.end()
  t.strictSame(await silent.answer, { text: '', error: undefined })
  t.strictSame(
    serving.log.map(({ reason }) => reason),
    ['the header ends too early'],
  )
})

t.test('what follows the body is ignored', async (t) => {
  const serving = await Serving.start(t, scgi(hashes), 'tcp')
  const long = Buffer.concat([request('body', { REQUEST_URI: '/' }), Buffer.alloc(1_000_000, 'x')])
  t.strictSame(await serving.ask(long), { text: `${ok}/ 4 ${hashOf('body')}`, error: undefined })
})

t.test('a body that ends too early fails in the reader, and gets 400', async (t) => {
  const failures: unknown[] = []
  const serving = await Serving.start(
    t,
    scgi(async (env, body, out, kid) => {
      await Promise.resolve(hashes(env, body, out, kid)).catch((error) => {
        failures.push(error)
        throw error
      })
    }),
  )
  const client = serving.client()
  client.socket.end(request('body').subarray(0, -1))
  t.strictSame(await client.answer, badAnswer)
  t.match(failures, [{ code: 'ERR_SCGI_SHORT_BODY', message: 'the body ends after 3 of 4 bytes' }])
  const gone = serving.client()
  gone.socket.write(request('body').subarray(0, -1))
  await once(gone.socket, 'connect')
  gone.socket.destroy()
  await until(() => serving.complete.length === 2, 'the connection to be accepted')
  await within(Promise.all(serving.complete), 'the connection to be complete')
  t.equal(failures.length, 2)
  t.ok(
    serving.log.every(({ level }) => level === 20),
    'not worth more than debug',
  )
})

t.test('a reader that does not listen for errors is not ended by a client that goes', async (t) => {
  const serving = await Serving.start(
    t,
    scgi(async (_env, body) => {
      await new Promise((resolve) => body.on('data', () => {}).on('close', resolve))
    }),
  )
  const client = serving.client()
  client.socket.end(request('body').subarray(0, -1))
  t.strictSame(await client.answer, { text: '', error: undefined })
})

t.test('a response that was begun by a short body is cut off', async (t) => {
  const serving = await Serving.start(
    t,
    scgi(async (_env, body, out) => {
      out.write(ok)
      await pipeline(body, out)
    }),
    'tcp',
  )
  const client = serving.client()
  client.socket.write(request('body').subarray(0, -1))
  // Node.js takes bytes and a reset that come together for bytes and an end.
  await client.heard('bod')
  client.socket.end()
  t.equal((await client.answer).error, 'ECONNRESET')
})

t.test('any cut of the bytes gives the same answer', async (t) => {
  const serving = await Serving.start(t, scgi(hashes))
  const any = fc.oneof(
    fc
      .string({ unit: 'binary', maxLength: 300 })
      .map((body) => request(body, { REQUEST_URI: '/' })),
    fc.constantFrom(...badRequests.map(({ bytes }) => bytes).filter((each) => each.length < 500)),
  )
  await fc.assert(
    fc.asyncProperty(any, fc.array(fc.nat(), { maxLength: 10 }), async (bytes, at) => {
      const edges = [...at.map((n) => n % bytes.length).sort((a, b) => a - b), bytes.length]
      const pieces = edges.map((edge, i) => bytes.subarray(edges[i - 1] ?? 0, edge))
      assert.deepStrictEqual(await serving.askInPieces(pieces), await serving.ask(bytes))
    }),
    { numRuns: 40 },
  )
})

t.test('a handler that fails before it has written gets 500, and is logged', async (t) => {
  const failing: Record<string, Produce> = {
    throws: () => {
      throw new Error('broken')
    },
    rejects: async () => {
      throw new Error('broken')
    },
    corked: (_env, _body, out) => {
      out.cork()
      throw new Error('broken')
    },
  }
  for (const [name, produce] of Object.entries(failing)) {
    const serving = await Serving.start(t, scgi(produce))
    const answer = await serving.ask(request('unread'))
    t.strictSame(answer, { text: answerOf('500 Internal Server Error'), error: undefined }, name)
    t.match(serving.log, [
      { level: 50, msg: 'the SCGI handler failed', err: { message: 'broken' } },
    ])
  }
})

t.test('a handler that fails later has its connection reset', async (t) => {
  const late: Produce = async (_env, body, out) => {
    out.write(`${ok}half of`)
    for await (const _ of body);
    throw new Error('broken')
  }
  for (const [kind, error] of [
    ['tcp', 'ECONNRESET'],
    ['unix', undefined],
  ] as const) {
    const serving = await Serving.start(t, scgi(late), kind)
    const client = serving.client()
    client.socket.write(request('body').subarray(0, -1))
    await client.heard('half of')
    client.socket.write('y')
    t.strictSame(await client.answer, { text: `${ok}half of`, error })
    t.match(serving.log, [{ level: 50, err: { message: 'broken' } }])
  }
})

t.test('a response that was ended is whole, whatever its handler does then', async (t) => {
  const serving = await Serving.start(
    t,
    scgi((_env, _body, out) => {
      out.end(`${ok}${'x'.repeat(300_000)}`)
      throw new Error('broken')
    }),
    'tcp',
  )
  const { text, error } = await serving.ask(request())
  t.strictSame([text.length, error], [ok.length + 300_000, undefined])
  t.match(serving.log, [{ level: 50, err: { message: 'broken' } }])
})

t.test('a response ends when the handler settles, and may end before', async (t) => {
  let release = () => {}
  const serving = await Serving.start(
    t,
    scgi((env, _body, out) => {
      out.write(ok)
      if (env.ENDS === undefined) return undefined
      out.end('done')
      return new Promise<void>((resolve) => {
        release = resolve
      })
    }),
  )
  t.equal((await serving.ask(request())).text, ok)
  const client = serving.client()
  client.socket.write(request('', { ENDS: 'early' }))
  await once(client.socket, 'end')
  let complete = false
  void serving.complete[1]?.then(() => {
    complete = true
  })
  await pass(20)
  t.notOk(complete, 'the connection is not complete while its handler is busy')
  release()
  await within(serving.complete[1] as Promise<void>, 'the connection to be complete')
})

t.test('a body that nobody reads costs nobody the response', async (t) => {
  const serving = await Serving.start(
    t,
    scgi((_env, _body, out) => void out.end(`${ok}no`)),
    'tcp',
  )
  const { text, error } = await serving.ask(request(Buffer.alloc(8_000_000)))
  t.strictSame({ text, error }, { text: `${ok}no`, error: undefined })
})

t.test('a reader that stops early has the same', async (t) => {
  const serving = await Serving.start(
    t,
    scgi(async (_env, body, out) => {
      for await (const _ of body) break
      out.write(ok)
      out.end('enough')
    }),
    'tcp',
  )
  const { text, error } = await serving.ask(request(Buffer.alloc(8_000_000)))
  t.strictSame({ text, error }, { text: `${ok}enough`, error: undefined })
})

t.test('a client that sends more than the handler reads is held back', async (t) => {
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const serving = await Serving.start(
    t,
    scgi(async (env, body, out, kid) => {
      await once(body, 'readable')
      await released
      await hashes(env, body, out, kid)
    }),
  )
  const content = Buffer.alloc(8_000_000, 'x')
  const client = serving.client()
  client.socket.write(request(content, { REQUEST_URI: '/' }))
  await once(client.socket, 'connect')
  await pass(100)
  t.ok(client.socket.writableLength > 0, 'it has not got rid of it all')
  release()
  t.equal((await client.answer).text, `${ok}/ 8000000 ${hashOf(content)}`)
})

t.test('a handler that writes more than the client reads is held back', async (t) => {
  let taken = 0
  const serving = await Serving.start(
    t,
    scgi(async (_env, _body, out) => {
      const piece = Buffer.alloc(100_000, 'x')
      async function* endless() {
        yield ok
        for (let i = 0; i < 100; i++) {
          taken++
          yield piece
        }
      }
      await pipeline(endless, out)
    }),
  )
  const client = serving.client()
  client.socket.pause()
  client.socket.write(request())
  await until(() => taken > 0, 'the handler to write')
  await pass(100)
  t.ok(taken < 50, `${taken} pieces of 100 were written`)
  client.socket.resume()
  t.equal((await client.answer).text.length, ok.length + 10_000_000)
})

/** A handler that tells how it failed; its response has begun. */
function confessing(run: (body: Readable, out: Writable) => Promise<void>) {
  const failures: { code?: string }[] = []
  const produce: Produce = async (_env, body, out) => {
    try {
      await run(body, out)
    } catch (error) {
      failures.push(error as { code?: string })
      throw error
    }
  }
  return { produce, failures }
}

t.test('a client that takes nothing is given up', async (t) => {
  for (const end of [true, false]) {
    const { produce, failures } = confessing(async (_body, out) => {
      const large = Buffer.alloc(64_000_000)
      if (end) out.end(large)
      else await new Promise((_, reject) => out.on('error', reject).write(large))
    })
    const serving = await Serving.start(t, scgi(produce, { sendTimeout: 50 }))
    const client = serving.client()
    client.socket.pause()
    client.socket.write(request())
    await until(() => serving.complete.length > 0, 'the connection to be accepted')
    await within(Promise.all(serving.complete), 'the connection to be complete')
    client.socket.resume()
    await client.answer
    if (end) continue
    t.match(failures, [{ code: 'ERR_SCGI_SEND_TIMEOUT' }])
    t.match(serving.log, [{ level: 20, reason: 'the client took nothing for 50 ms' }])
  }
})

t.test('a client that goes away ends the handler that writes to it', async (t) => {
  // Told by a write that fails, or by the socket, whichever comes first.
  for (const kind of ['tcp', 'unix'] as const) {
    const { produce, failures } = confessing(async (_body, out) => {
      async function* endless() {
        for (;;) yield Buffer.alloc(10_000)
      }
      await pipeline(endless, out)
    })
    const serving = await Serving.start(t, scgi(produce), kind)
    const client = serving.client()
    client.socket.write(request())
    await once(client.socket, 'data')
    client.socket.destroy()
    await within(Promise.all(serving.complete), 'the connection to be complete')
    t.equal(failures.length, 1, kind)
    t.match(serving.log, [{ level: 20, reason: /^the connection closed before the response/ }])
  }
})

t.test('a header that does not come in time gets 408, however it trickles', async (t) => {
  const serving = await Serving.start(t, scgi(hashes, { headersTimeout: 100 }))
  const client = serving.client()
  const header = netstring(
    joined([
      ['CONTENT_LENGTH', '0'],
      ['SCGI', '1'],
      ['X', 'x'.repeat(9_000)],
    ]),
  )
  let sent = 0
  const trickle = setInterval(() => client.socket.write(header.subarray(sent, ++sent)), 2)
  await client.heard('Timeout\n')
  clearInterval(trickle)
  client.socket.end()
  t.equal((await client.answer).text, answerOf('408 Request Timeout'))
  t.match(serving.log, [{ level: 20, reason: 'the header was not there within 100 ms' }])
})

t.test('a body that does not come in time gets 408, however it trickles', async (t) => {
  const serving = await Serving.start(t, scgi(hashes, { requestTimeout: 100 }))
  const client = serving.client()
  client.socket.write(request(Buffer.alloc(9_000)).subarray(0, -8_999))
  const trickle = setInterval(() => client.socket.write('x'), 2)
  await client.heard('Timeout\n')
  clearInterval(trickle)
  client.socket.end()
  t.equal((await client.answer).text, answerOf('408 Request Timeout'))
  t.match(serving.log, [
    { level: 20, reason: /^the client was waited for too long after \d+ of 9000/ },
  ])
})

t.test('a handler that reads late or never does not cost the client its time', async (t) => {
  const serving = await Serving.start(
    t,
    scgi(
      async (env, body, out, kid) => {
        if (env.READS !== undefined) await once(body, 'readable')
        await pass(600)
        if (env.READS === undefined) out.end(`${ok}unread`)
        else await hashes(env, body, out, kid)
      },
      { requestTimeout: 400 },
    ),
    'tcp',
  )
  const content = Buffer.alloc(1_000_000)
  const [unread, read] = await Promise.all([
    serving.ask(request(content)),
    serving.ask(request(content, { READS: 'late', REQUEST_URI: '/' })),
  ])
  t.equal(unread?.text, `${ok}unread`)
  t.equal(read?.text, `${ok}/ 1000000 ${hashOf(content)}`)
})

t.test('a time that is 0 or Infinity is off', async (t) => {
  const off = { headersTimeout: 0, requestTimeout: Number.POSITIVE_INFINITY, sendTimeout: 0 }
  const serving = await Serving.start(t, scgi(hashes, off))
  const bytes = request('body', { REQUEST_URI: '/' })
  const { text } = await serving.askInPieces([bytes.subarray(0, 9), bytes.subarray(9)])
  t.equal(text, `${ok}/ 4 ${hashOf('body')}`)
})

t.test('the limits of a header are what the options say', async (t) => {
  const serving = await Serving.start(t, scgi(hashes, { maxHeaderBytes: 30, maxHeaders: 2 }))
  t.match(await serving.ask(request()), { text: /^Status: 200/ })
  t.strictSame(await serving.ask(request('', { A: '' })), badAnswer)
  t.strictSame(await serving.ask(request('', { LONG: 'x'.repeat(10) })), badAnswer)
  t.match(serving.log, [
    { reason: 'there are more than 2 headers' },
    { reason: 'the header is longer than 30 bytes' },
  ])
})

t.test('an option that cannot be is refused in a sentence that names it', async (t) => {
  for (const [options, message] of [
    [{ maxHeaderBytes: 0 }, 'maxHeaderBytes must be a whole number from 1 to 16777216, not 0'],
    [{ maxHeaders: 1.5 }, 'maxHeaders must be a whole number from 2 to 1000000, not 1.5'],
    [
      { sendTimeout: -1 },
      'sendTimeout must be milliseconds from 1 to 2073600000, or 0 for off, not -1',
    ],
    [
      { requestTimeout: '1s' },
      'requestTimeout must be milliseconds from 1 to 2073600000, or 0 for off, not 1s',
    ],
    [
      { headersTimeout: Number.NaN },
      'headersTimeout must be milliseconds from 1 to 2073600000, or 0 for off, not NaN',
    ],
    [{ bodyTimeout: 1 }, 'scgi has no option bodyTimeout'],
  ] as const) {
    t.throws(() => scgi(listParameters, options as object), { name: 'UsageError', message })
  }
  t.doesNotThrow(() => scgi(listParameters, { maxHeaders: undefined }))
})
