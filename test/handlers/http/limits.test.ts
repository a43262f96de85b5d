/** What a client may take its time for, and what only the app takes its time for. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import t from 'tap'
import { beatOf, defaultHttpLimits, httpLimits } from '../../../src/handlers/http/limits.js'
import { defaults } from '../../../src/option-checks.js'
import { pass, until } from '../../process/processes.js'
import { get, post, serve } from './serving.js'

/** Answers when the whole request has come. */
function whenComplete(request: IncomingMessage, response: ServerResponse) {
  request.resume().on('end', () => response.end('done'))
}

const timedOut = /^HTTP\/1\.1 408 Request Timeout\r\nConnection: close\r\n/

t.test('a head that does not come is answered with 408, of a later request too', async (t) => {
  const serving = await serve(t, whenComplete, { headersTimeout: 100 })
  const first = serving.ask('GET / HTTP/1.1\r\nHost:')
  const later = serving.client(get())
  await later.heard(/done/)
  later.say('GET / ')
  t.match((await first).text, timedOut)
  t.match((await later.outcome).text.split('done')[1], timedOut)
})

t.test('a body that does not come is answered with 408, and cut after the response', async (t) => {
  const serving = await serve(t, whenComplete, { requestTimeout: 100 })
  t.match((await serving.ask(post(10, 'four'))).text, timedOut)
  const hasty = await serve(t, (_: unknown, res: ServerResponse) => res.end('hasty'), {
    requestTimeout: 100,
  })
  const { result, text } = await hasty.ask(post(10, 'four'))
  t.equal(result, 'ok')
  t.match(text, /^HTTP\/1\.1 200 .*hasty$/s)
})

t.test('a slow app is not taken for a slow client', async (t) => {
  const app = (request: IncomingMessage, response: ServerResponse) => {
    // It reads nothing, then all.
    setTimeout(() => whenComplete(request, response), 400)
  }
  const limits = { headersTimeout: 100, requestTimeout: 100, sendTimeout: 100 }
  const serving = await serve(t, app, { ...limits, keepAliveTimeout: 100 })
  const whole = serving.ask(get())
  const half = serving.client(post(8, 'four'))
  await pass(200)
  half.say('four')
  t.match((await whole).text, /200 OK.*done$/s)
  t.match((await half.outcome).text, /200 OK.*done$/s)
})

t.test('who takes nothing of its response is closed; who takes it slowly is not', async (t) => {
  // More than the buffers of the kernel hold, in one piece.
  const much = Buffer.alloc(16 * 1024 * 1024, 'x')
  const serving = await serve(t, (_: unknown, res: ServerResponse) => res.end(much), {
    sendTimeout: 400,
  })
  const stuck = serving.client(get())
  await stuck.answered
  stuck.socket.pause()
  const slow = serving.client(get('/', 'Connection: close\r\n'))
  await slow.answered
  // It takes something ten times in the time that is allowed.
  const sip = setInterval(() => {
    slow.socket.resume()
    setImmediate(() => slow.socket.pause())
  }, 40)
  await until(() => serving.open === 1, 'one of them to be closed')
  clearInterval(sip)
  slow.socket.resume()
  const { result, text } = await slow.outcome
  t.equal(result, 'ok')
  t.ok(text.endsWith('x') && text.length > much.length, 'and the other gets it all')
})

t.test('limits have defaults, those of the options, and bounds', async (t) => {
  t.strictSame(httpLimits(), defaultHttpLimits)
  for (const [name, value] of Object.entries(defaultHttpLimits)) {
    t.equal(value, defaults[name as keyof typeof defaultHttpLimits], name)
    t.strictSame(httpLimits({ [name]: 0 }), { ...defaultHttpLimits, [name]: undefined })
    t.strictSame(httpLimits({ [name]: Infinity }), { ...defaultHttpLimits, [name]: undefined })
    for (const bad of [-1, Number.NaN, 2 ** 31, '5s' as unknown as number]) {
      t.throws(() => httpLimits({ [name]: bad }), {
        name: 'UsageError',
        message: `${name} must be milliseconds from 1 to 2073600000, or 0 for off, not ${bad}`,
      })
    }
  }
  t.throws(() => httpLimits({ timeout: 5 } as object), { message: 'http has no option timeout' })
  t.equal(beatOf(httpLimits()), 1_000)
  t.equal(beatOf(httpLimits({ sendTimeout: 100 })), 25)
  t.equal(beatOf(httpLimits({ sendTimeout: 1 })), 10)
  const off = { headersTimeout: 0, requestTimeout: 0, sendTimeout: 0, keepAliveTimeout: 0 }
  t.equal(beatOf(httpLimits(off)), 1_000)
})
