/** What a client may send to do harm: it is refused, its connection is closed, and the kid serves the next. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import t from 'tap'
import { chunked, malformed } from './malformed.js'
import { get, serve } from './serving.js'

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
