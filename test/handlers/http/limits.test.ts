/** What a client may take its time for, and what only the app takes its time for. */

import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import t from 'tap'
import { beatOf, defaultHttpLimits, httpLimits } from '../../../src/handlers/http/limits.js'
import { defaults } from '../../../src/option-checks.js'
import { pass, until, within } from '../../process/processes.js'
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
  let reads = () => {}
  const reading = new Promise<void>((resolve) => {
    reads = resolve
  })
  const app = (request: IncomingMessage, response: ServerResponse) => {
    // It reads nothing, then all.
    setTimeout(() => {
      whenComplete(request, response)
      reads()
    }, 600)
  }
  const limits = { headersTimeout: 300, requestTimeout: 300, sendTimeout: 300 }
  const serving = await serve(t, app, limits)
  const whole = serving.ask(get('/', 'Connection: close\r\n'))
  const half = serving.client(post(8, 'four'))
  await reading
  // Longer than a beat, so that it is looked at, and shorter than the limit.
  await pass(100)
  half.say('four')
  t.match((await whole).text, /200 OK.*done$/s)
  await half.heard(/200 OK.*done$/s)
})

t.test('who takes nothing of its response is closed; who takes it slowly is not', async (t) => {
  // More than the buffers of the kernel hold, in one piece.
  const much = Buffer.alloc(32 * 1024 * 1024, 'x')
  const serving = await serve(t, (_: unknown, res: ServerResponse) => res.end(much), {
    sendTimeout: 400,
  })
  const stuck = serving.client(get())
  await stuck.answered
  stuck.socket.pause()
  let taken = 0
  let thirsty = false
  const slow = connect({
    host: '127.0.0.1',
    port: serving.port,
    // It is given half a megabyte, and then nothing until it asks again.
    onread: {
      buffer: Buffer.alloc(512 * 1024),
      callback: (bytes) => {
        taken += bytes
        return thirsty
      },
    },
  })
  t.teardown(() => slow.destroy())
  const closed = once(slow, 'close')
  slow.write(get('/', 'Connection: close\r\n'))
  const sip = setInterval(() => slow.resume(), 50)
  await until(() => serving.open === 2, 'both to be there')
  await until(() => serving.open === 1, 'one of them to be closed')
  t.ok(taken < much.length / 2, `while the other has taken ${taken} bytes`)
  thirsty = true
  await within(closed, 'the other to end')
  clearInterval(sip)
  t.ok(taken > much.length, 'and takes it all')
})

t.test('limits have defaults, those of the options, and bounds', async (t) => {
  const standard = { ...defaultHttpLimits, keepAliveGiven: false, drainGrace: 5_000 }
  t.strictSame(httpLimits(), standard)
  for (const [name, value] of Object.entries(defaultHttpLimits)) {
    t.equal(value, defaults[name as keyof typeof defaultHttpLimits], name)
    const own = name === 'keepAliveTimeout' ? { keepAliveGiven: true, drainGrace: undefined } : {}
    for (const off of [0, Number.POSITIVE_INFINITY]) {
      t.strictSame(httpLimits({ [name]: off }), { ...standard, ...own, [name]: undefined })
    }
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
