/** What the keep-alive benches read of responses, wrk and ab, and when their requests come. */

import t from 'tap'
import { randomFrom } from '../../src/herd/random.js'
import { arrivalsOf, takeFree } from './arrival-models.js'
import { readHead, requestFor } from './connection.js'
import type { ArrivalsLoad } from './loads.js'
import { readAb, readWrk } from './programs.js'

t.test('a response says whether its connection is kept', async (t) => {
  const kept = (head: string) => readHead(head)?.kept
  const length = 'Content-Length: 1'
  t.equal(kept(`HTTP/1.1 200 OK\r\n${length}`), true)
  t.equal(kept(`HTTP/1.1 200 OK\r\n${length}\r\nconnection: Close`), false)
  t.equal(kept('HTTP/1.1 200 OK'), false, 'without a length the body ends with the connection')
  t.equal(kept(`HTTP/1.0 200 OK\r\n${length}`), false)
  t.equal(kept(`HTTP/1.0 200 OK\r\n${length}\r\nConnection: keep-alive`), true)
  t.equal(readHead('hello'), undefined)
})

t.test('a request has the length of its body', async (t) => {
  t.equal(requestFor('/a'), 'GET /a HTTP/1.1\r\nHost: compare\r\n\r\n')
  t.match(requestFor('/a', { close: true }), '\r\nConnection: close\r\n\r\n')
  t.match(requestFor('/a', { body: 'a=1' }), /^POST \/a .+Content-Length: 3\r\n\r\na=1$/s)
})

t.test('what wrk and ab print is read, failures of all kinds together', async (t) => {
  const errors = '  Socket errors: connect 1, read 2, write 3, timeout 4\n'
  const printed = `${errors}  Non-2xx or 3xx responses: 5\nRequests/sec:  123.50\n`
  t.strictSame(readWrk(printed), { perSecond: 123.5, failed: 15 })
  t.strictSame(readWrk('Requests/sec:  7.00\n'), { perSecond: 7, failed: 0 })
  const ab = [
    'Complete requests:      200',
    'Failed requests:        3',
    '   (Connect: 0, Receive: 1, Length: 2, Exceptions: 0)',
    'Non-2xx responses:      4',
    'Keep-Alive requests:    150',
    'Requests per second:    99.50 [#/sec] (mean)',
  ]
  t.strictSame(readAb(ab.join('\n')), { perSecond: 99.5, failed: 7, kept: 0.75 })
  t.throws(() => readWrk('nothing'), /^no /)
})

const load: ArrivalsLoad = {
  kind: 'arrivals',
  port: 1,
  clients: 16,
  rate: 300,
  times: 'poisson',
  to: 'random',
  light: '',
  heavy: '',
  heavyPart: 0.1,
  settle: 0,
  milliseconds: 20_000,
  seed: 1,
}

t.test('requests come at their rate, in order, some of them heavy', async (t) => {
  for (const times of ['poisson', 'even'] as const) {
    for (const to of ['own', 'random'] as const) {
      const found = arrivalsOf({ ...load, times, to }, randomFrom(1))
      const what = `${times}, ${to}`
      t.ok(Math.abs(found.length - 6_000) < 300, `${what}: ${found.length} requests`)
      const heavy = found.filter((each) => each.heavy).length / found.length
      t.ok(Math.abs(heavy - 0.1) < 0.02, `${what}: ${heavy} are heavy`)
      const at = found.map((each) => each.at)
      t.strictSame(
        at,
        [...at].sort((a, b) => a - b),
        `${what}: in order`,
      )
      t.equal(found[0]?.client === undefined, to !== 'own')
      t.strictSame(found, arrivalsOf({ ...load, times, to }, randomFrom(1)), 'the same again')
    }
  }
})

t.test('Poisson gaps vary as much as they are long, even ones do not', async (t) => {
  const variation = (times: 'poisson' | 'even') => {
    const at = arrivalsOf({ ...load, times }, randomFrom(1)).map((each) => each.at)
    const gaps = at.slice(1).map((time, i) => time - (at[i] as number))
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length
    const square = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length
    return Math.sqrt(square) / mean
  }
  t.ok(Math.abs(variation('poisson') - 1) < 0.1)
  t.ok(variation('even') < 0.001)
})

t.test('a free client is taken: the last, the one free longest, any', async (t) => {
  const free = [1, 2, 3]
  t.equal(takeFree(free, 'last', Math.random), 3)
  t.equal(takeFree(free, 'longest', Math.random), 1)
  t.equal(
    takeFree(free, 'random', () => 0.5),
    2,
  )
  t.equal(
    takeFree(free, 'random', () => 0.5),
    undefined,
  )
})
