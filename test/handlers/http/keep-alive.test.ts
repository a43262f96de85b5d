/** Keep-alive: it starves nobody, ends at the next boundary, and loses no request that has come. */

import type { ServerResponse } from 'node:http'
import t from 'tap'
import { pass, until } from '../../process/processes.js'
import { count, get, post, serve } from './serving.js'

/** Answers at once, but on /late when told to, and on /stubborn insists on keep-alive. */
function newApp() {
  const late: ServerResponse[] = []
  const paths: (string | undefined)[] = []
  const app = (req: { url?: string }, res: ServerResponse) => {
    paths.push(req.url)
    if (req.url === '/late') late.push(res)
    else if (req.url === '/begun') {
      late.push(res)
      res.write('begun ')
    } else if (req.url === '/stubborn') res.writeHead(200, { Connection: 'keep-alive' }).end('done')
    else res.end('done')
  }
  return { app, late, paths }
}

/** Nothing ends for want of time, but in tests of that. */
const patient = { keepAliveTimeout: 600_000 }

const closes = /\r\nConnection: close\r\n/
const keeps = /\r\nConnection: keep-alive\r\nKeep-Alive: timeout=600\r\n/

t.test('an idle connection ends after keepAliveTimeout', async (t) => {
  const serving = await serve(t, newApp().app, { keepAliveTimeout: 100 })
  const { result, text } = await serving.ask(get())
  t.equal(result, 'ok')
  t.match(text, /Connection: keep-alive/)
})

t.test('without keep-alive each response ends its connection', async (t) => {
  const serving = await serve(t, newApp().app, { keepAliveTimeout: 0 })
  const { result, text } = await serving.ask(get())
  t.equal(result, 'ok')
  t.match(text, closes)
  const stubborn = await serving.ask(get('/stubborn'))
  t.equal(stubborn.result, 'ok', 'whatever the app says')
})

t.test('when connections wait, the response says that it is the last', async (t) => {
  const serving = await serve(t, newApp().app, patient)
  const client = serving.client(get())
  await client.heard(/done/)
  serving.waiting = true
  client.say(get())
  const { result, text } = await client.outcome
  t.equal(result, 'ok')
  t.match(text.split('done'), [keeps, closes, ''])
  t.equal((await serving.ask(get('/stubborn'))).result, 'ok', 'an app cannot insist')
  t.equal((await serving.ask(`${get('/', 'Connection: close\r\n')}`)).result, 'ok')
})

t.test('when connections wait only after the head, it is closed after the response', async (t) => {
  const { app, late } = newApp()
  const serving = await serve(t, app, patient)
  const client = serving.client(get('/begun'))
  await client.heard(/begun/)
  serving.waiting = true
  late[0]?.end('and ended')
  // At once: a later look at it would find nobody waiting any more.
  for (let i = 0; i < 20; i++) await new Promise(setImmediate)
  serving.waiting = false
  const { result, text } = await client.outcome
  t.equal(result, 'ok')
  t.match(text, /Connection: keep-alive.*and ended/s)
})

t.test('requests that came together are all answered, and the last response says so', async (t) => {
  const { app, late } = newApp()
  const serving = await serve(t, app, patient)
  serving.waiting = true
  const { result, text } = await serving.ask(get().repeat(3))
  t.equal(result, 'ok')
  t.equal(count(text, /200 OK/), 3)
  t.equal(count(text, closes), 1)
  t.match(text.split('done')[2], closes)
  // The first is answered last.
  const client = serving.client(get('/late') + get() + get())
  const done = client.outcome
  while (late.length === 0) await new Promise(setImmediate)
  late[0]?.end('late')
  t.match((await done).text.split('\r\n\r\n'), [keeps, /^late/, /^done/, 'done'])
})

t.test('what comes after the response that was the last is never begun', async (t) => {
  const { app, late, paths } = newApp()
  const serving = await serve(t, app, patient)
  serving.waiting = true
  const client = serving.client(get('/begun'))
  await client.heard(closes)
  client.say(get('/never'))
  // Both ends are in this process: what was written has come, and one turn of the loop reads it.
  for (let i = 0; i < 3; i++) await new Promise(setImmediate)
  late[0]?.end()
  await client.outcome
  t.strictSame(paths, ['/begun'])
})

t.test('pressure ends who is merely kept alive, and nobody else', async (t) => {
  const { app, late } = newApp()
  const serving = await serve(t, app, patient)
  const silent = serving.client()
  const busy = serving.client(get('/late'))
  const idle = serving.client(get())
  await idle.heard(/done/)
  while (late.length === 0 || serving.open < 3) await new Promise(setImmediate)
  serving.press()
  t.equal((await idle.outcome).result, 'ok')
  late[0]?.end('late')
  await busy.heard(/late$/)
  t.match(await busy.answered, keeps)
  silent.say(get())
  await silent.heard(/done$/)
})

t.test('a request that was under way when pressure came is served', async (t) => {
  const serving = await serve(t, newApp().app, patient)
  const client = serving.client(get())
  await client.heard(/done/)
  // Written before this returns, read by the server in the next turn of the loop: after it knows of the pressure.
  client.say(get())
  serving.press()
  serving.waiting = true
  const { result, text } = await client.outcome
  t.equal(result, 'ok')
  t.match(text.split('done'), [keeps, closes, ''])
})

t.test('who has opened a connection and says nothing goes when others wait', async (t) => {
  const serving = await serve(t, newApp().app, { ...patient, headersTimeout: 100 })
  const silent = serving.client()
  await until(() => serving.open === 1, 'the connection')
  // Longer than the silence that is not yet one.
  await pass(200)
  t.equal(serving.open, 1, 'nobody waits, so it may stay')
  serving.waiting = true
  t.equal((await silent.outcome).result, 'closed')
})

t.test('half a request that was under way when pressure came is waited for', async (t) => {
  const serving = await serve(t, newApp().app, patient)
  const client = serving.client(get())
  await client.heard(/done/)
  const next = get()
  client.say(next.slice(0, 9))
  serving.press()
  // More turns of the loop than it takes to end an idle connection.
  for (let i = 0; i < 9; i++) await new Promise(setImmediate)
  client.say(next.slice(9))
  await t.resolves(client.heard(/done.*done/s))
})

t.test(
  'a drain ends keep-alive: at once, after the response, or after the first request',
  async (t) => {
    const { app, late } = newApp()
    const serving = await serve(t, app, patient)
    const silent = serving.client()
    const busy = serving.client(get('/late'))
    const begun = serving.client(get('/begun'))
    const idle = serving.client(get())
    await Promise.all([idle.heard(/done/), begun.heard(/begun/)])
    while (late.length < 2 || serving.open < 4) await new Promise(setImmediate)
    serving.drain.abort()
    for (let i = 0; i < 20; i++) await new Promise(setImmediate)
    t.equal(serving.open, 3, 'the idle one has ended at once')
    t.equal((await idle.outcome).result, 'ok')
    for (const response of late) response.end('late')
    t.match((await busy.outcome).text, closes)
    t.match((await begun.outcome).text, /late/)
    silent.say(get())
    t.match((await silent.outcome).text, closes)
  },
)

t.test('a response that comes before the end of its request is not cut off', async (t) => {
  const { app } = newApp()
  const serving = await serve(t, app, { ...patient, headersTimeout: 100 })
  serving.waiting = true
  const client = serving.client(post(10, 'four'))
  await client.heard(/done/)
  t.match(await client.answered, keeps, 'no close is announced: it would come with a reset')
  client.say('andsix')
  t.equal((await client.outcome).result, 'ok', 'once it has come, the connection ends')
})
