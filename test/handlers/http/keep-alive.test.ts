/** Keep-alive: it takes no slot, ends at the next boundary once that was announced, and loses no request that has come. */

import type { ServerResponse } from 'node:http'
import t from 'tap'
import { pass, until } from '../../process/processes.js'
import { count, get, post, serve } from './serving.js'

/** Answers at once, but on /late when told to, and on /stubborn insists on keep-alive. */
function newApp() {
  const late: ServerResponse[] = []
  const paths: (string | undefined)[] = []
  const app = (req: { url?: string | undefined }, res: ServerResponse) => {
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

/** A few turns of the loop: both ends are in this process, and what was written is read in one. */
async function turns(count = 20): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(setImmediate)
}

t.test('an idle connection ends after keepAliveTimeout', async (t) => {
  const serving = await serve(t, newApp().app, { keepAliveTimeout: 100 })
  const { result, text } = await serving.ask(get())
  t.equal(result, 'ok')
  t.match(text, /Connection: keep-alive/)
  t.equal(serving.cut, 0, 'which is no limit that was exceeded')
})

t.test('without keep-alive each response ends its connection', async (t) => {
  const serving = await serve(t, newApp().app, { keepAliveTimeout: 0 })
  const { result, text } = await serving.ask(get())
  t.equal(result, 'ok')
  t.match(text, closes)
  const stubborn = await serving.ask(get('/stubborn'))
  t.equal(stubborn.result, 'ok', 'whatever the app says')
})

t.test('an idle connection is parked, and takes a slot again for its next request', async (t) => {
  const { app, late } = newApp()
  const serving = await serve(t, app, patient, { slots: 1 })
  const client = serving.client(get())
  await client.heard(/done$/)
  await until(() => serving.parked === 1, 'it to be parked')
  t.equal(serving.slots.free, 1)
  client.say(get('/late'))
  await until(() => late.length === 1, 'its request')
  t.equal(serving.parked, 0)
  t.equal(serving.slots.free, 0)
  late[0]?.end('late')
  await client.heard(/late$/)
  await until(() => serving.slots.free === 1, 'the slot to be free')
})

t.test('who has not said a whole head needs no slot', async (t) => {
  const serving = await serve(t, newApp().app, patient, { slots: 1 })
  const silent = serving.client()
  const half = serving.client(get().slice(0, 9))
  await until(() => serving.parked === 2, 'both to be parked')
  const client = serving.client(get())
  await client.heard(/done$/)
  half.say(get().slice(9))
  await half.heard(/done$/)
  silent.say(get())
  await silent.heard(/done$/)
})

t.test('requests wait for a slot in the order in which they came', async (t) => {
  const { app, late, paths } = newApp()
  const serving = await serve(t, app, patient, { slots: 1 })
  const clients = []
  for (let i = 0; i < 3; i++) {
    const client = serving.client(get(`/${i}`))
    await client.heard(/done$/)
    clients.push(client)
  }
  const busy = serving.client(get('/late'))
  await until(() => late.length === 1, 'the slot to be taken')
  for (const i of [2, 0, 1]) {
    clients[i]?.say(get(`/again/${i}`))
    await turns()
  }
  t.equal(serving.slots.waiting, 3)
  t.equal(paths.length, 4, 'no more requests in the app than slots')
  late[0]?.end('late')
  await busy.heard(/late$/)
  await Promise.all(clients.map((client) => client.heard(/done.*done$/s)))
  t.strictSame(paths.slice(4), ['/again/2', '/again/0', '/again/1'])
})

t.test('a client that goes while its request waits is forgotten', async (t) => {
  const { app, late, paths } = newApp()
  const serving = await serve(t, app, patient, { slots: 1 })
  const busy = serving.client(get('/late'))
  await until(() => late.length === 1, 'the slot to be taken')
  const waits = serving.client(get('/never'))
  await until(() => serving.slots.waiting === 1, 'it to wait')
  await waits.drop()
  await until(() => serving.slots.waiting === 0, 'it to be forgotten')
  late[0]?.end('late')
  await busy.heard(/late$/)
  t.strictSame(paths, ['/late'])
})

t.test('a request that was refused while it waited is not executed', async (t) => {
  const { createServer } = await import('node:http')
  const { app, late, paths } = newApp()
  const server = createServer(app)
  // As Node.js's own documentation has it.
  server.on('clientError', (_, socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  const serving = await serve(t, server, patient, { slots: 1 })
  const busy = serving.client(get('/late'))
  await until(() => late.length === 1, 'the slot to be taken')
  const { text } = await serving.ask(`${post(0, '')}\x01junk\r\n\r\n`)
  t.match(text, /^HTTP\/1.1 400 /)
  late[0]?.end('late')
  await busy.heard(/late$/)
  t.strictSame(paths, ['/late'])
})

t.test('a client that goes while it is being answered is told of', async (t) => {
  const { app, late } = newApp()
  const serving = await serve(t, app, patient)
  const client = serving.client(get('/late'))
  await until(() => late.length === 1, 'its request')
  await client.drop()
  await until(() => serving.gone === 1, 'it to be told')
  const served = await serving.ask(get('/', 'Connection: close\r\n'))
  t.equal(served.result, 'ok')
  await until(() => serving.open === 0, 'both to be gone')
  t.equal(serving.gone, 1, 'not of one that was answered')
})

t.test(
  'a request that has waited too long for a slot is refused, and the app never sees it',
  async (t) => {
    const { app, late, paths } = newApp()
    const serving = await serve(t, app, patient, { slots: 1, patience: 50 })
    const busy = serving.client(get('/late'))
    await until(() => late.length === 1, 'the slot to be taken')
    const { text } = await serving.ask(get('/never'))
    t.match(text, /^HTTP\/1.1 503 /)
    t.match(text, closes)
    late[0]?.end('late')
    await busy.heard(/late$/)
    t.strictSame(paths, ['/late'])
  },
)

t.test('a request that waited begins in its own AsyncLocalStorage', async (t) => {
  const { AsyncLocalStorage } = await import('node:async_hooks')
  const storage = new AsyncLocalStorage<string>()
  const found: (string | undefined)[] = []
  const late: ServerResponse[] = []
  const app = (req: { url?: string }, res: ServerResponse) => {
    found.push(storage.getStore())
    storage.enterWith(req.url ?? '')
    late.push(res)
  }
  const serving = await serve(t, app, patient, { slots: 1 })
  const first = serving.client(get('/first'))
  await until(() => late.length === 1, 'the first')
  const second = serving.client(get('/second'))
  await until(() => serving.slots.waiting === 1, 'the second')
  // As an app ends a response: from what it has begun for that request.
  storage.run('/first', () => late[0]?.end('one'))
  await first.heard(/one$/)
  await until(() => late.length === 2, 'the second to begin')
  late[1]?.end('two')
  await second.heard(/two$/)
  t.strictSame(found, [undefined, undefined])
})

t.test('a response that is to be the last says so', async (t) => {
  const serving = await serve(t, newApp().app, patient)
  const client = serving.client(get())
  await client.heard(/done/)
  serving.shouldEnd = true
  client.say(get())
  const { result, text } = await client.outcome
  t.equal(result, 'ok')
  t.match(text.split('done'), [keeps, closes, ''])
  t.equal((await serving.ask(get('/stubborn'))).result, 'ok', 'an app cannot insist')
  t.equal((await serving.ask(`${get('/', 'Connection: close\r\n')}`)).result, 'ok')
})

t.test('what was not announced does not end', async (t) => {
  const { app, late } = newApp()
  const serving = await serve(t, app, patient)
  const client = serving.client(get('/begun'))
  await client.heard(/begun/)
  serving.shouldEnd = true
  late[0]?.end('and ended')
  await client.heard(/and ended/)
  await turns()
  client.say(get())
  const { text } = await client.outcome
  t.match(text.split('ended'), [keeps, closes])
})

t.test('of requests that came together the last one announces the end', async (t) => {
  const { app, late } = newApp()
  const serving = await serve(t, app, patient)
  // The first is answered last.
  const client = serving.client(get('/late') + get() + get())
  while (late.length === 0) await new Promise(setImmediate)
  await turns()
  serving.shouldEnd = true
  late[0]?.end('late')
  await client.heard(/late.*done.*done$/s)
  client.say(get())
  const { text } = await client.outcome
  t.equal(count(text, /200 OK/), 4)
  t.equal(count(text, closes), 1)
})

t.test('what comes after the response that was the last is never begun', async (t) => {
  const { app, late, paths } = newApp()
  const serving = await serve(t, app, patient)
  serving.shouldEnd = true
  const client = serving.client(get('/begun'))
  await client.heard(closes)
  client.say(get('/never'))
  await turns(3)
  late[0]?.end()
  t.equal((await client.outcome).result, 'ok', 'and does no harm to the response')
  t.strictSame(paths, ['/begun'])
  const together = await serving.ask(get() + get('/never'))
  t.equal(together.result, 'ok')
  t.strictSame(paths, ['/begun', '/'])
})

t.test('an app that announces the end is heard as well', async (t) => {
  const ways: ((res: ServerResponse) => void)[] = [
    (res) => void res.setHeader('Connection', 'close'),
    (res) => void res.writeHead(200, { Connection: 'close' }),
    (res) => void res.writeHead(200, 'OK', ['Connection', 'close']),
  ]
  for (const announce of ways) {
    const paths: (string | undefined)[] = []
    const app = (req: { url?: string }, res: ServerResponse) => {
      paths.push(req.url)
      announce(res)
      res.end('done')
    }
    const serving = await serve(t, app, patient)
    const { text, result } = await serving.ask(get() + get('/never'))
    t.equal(result, 'ok')
    t.equal(count(text, /200 OK/), 1)
    t.strictSame(paths, ['/'])
  }
})

t.test('the last response reaches a client that goes on sending', async (t) => {
  const large = 'x'.repeat(1_000_000)
  const serving = await serve(t, (_: unknown, res: ServerResponse) => res.end(large), patient)
  serving.shouldEnd = true
  const client = serving.client(get())
  // Behind the response that was announced as the last, and unread when it has been sent.
  client.socket.once('data', () => client.say(get('/never').repeat(10_000)))
  const { result, text } = await client.outcome
  t.equal(result, 'ok', 'no reset')
  t.equal(count(text, /x/), large.length)
})

t.test(
  'a drain lets idle connections live until their next request, or until its grace is over',
  async (t) => {
    const { app, late } = newApp()
    const serving = await serve(t, app, { ...patient, drainGrace: 300 })
    const silent = serving.client()
    const busy = serving.client(get('/late'))
    const begun = serving.client(get('/begun'))
    const idle = serving.client(get())
    const gone = serving.client(get())
    await Promise.all([idle.heard(/done/), gone.heard(/done/), begun.heard(/begun/)])
    await until(() => late.length === 2 && serving.open === 5, 'all of them')
    serving.drain.abort()
    await turns()
    t.equal(serving.open, 5, 'nobody is cut off')
    idle.say(get())
    t.match((await idle.outcome).text.split('done'), [keeps, closes, ''])
    for (const response of late) response.end('late')
    t.match((await busy.outcome).text, closes)
    // Its head was sent before the drain, so it could not be told: it lives on, too.
    await begun.heard(/late/)
    begun.say(get())
    t.match((await begun.outcome).text.split('late'), [keeps, closes])
    t.equal((await gone.outcome).result, 'ok', 'when the grace is over')
    t.equal((await silent.outcome).result, 'closed')
    await until(() => serving.open === 0, 'all to be gone')
  },
)

t.test('without a grace idle connections end with the drain', async (t) => {
  const serving = await serve(t, newApp().app, { ...patient, drainGrace: 0 })
  const idle = serving.client(get())
  await idle.heard(/done/)
  serving.drain.abort()
  t.equal((await idle.outcome).result, 'ok')
})

t.test('what is parked ends when the parent says so', async (t) => {
  const { app, late } = newApp()
  const serving = await serve(t, app, patient)
  const idle = serving.client(get())
  const busy = serving.client(get('/late'))
  await idle.heard(/done/)
  await until(() => late.length === 1, 'the other')
  serving.unpark()
  t.equal((await idle.outcome).result, 'ok')
  late[0]?.end('late')
  await busy.heard(/late$/)
  t.match(await busy.answered, keeps)
})

t.test('a request that was under way when its connection was to end is served', async (t) => {
  const serving = await serve(t, newApp().app, patient)
  const client = serving.client(get())
  await client.heard(/done/)
  // Written before this returns, read by the server in the next turn of the loop: after it was told.
  client.say(get())
  serving.unpark()
  await client.heard(/done.*done$/s)
})

t.test('half a request that was under way then is waited for', async (t) => {
  const serving = await serve(t, newApp().app, patient)
  const client = serving.client(get())
  await client.heard(/done/)
  const next = get()
  client.say(next.slice(0, 9))
  serving.unpark()
  // More turns of the loop than it takes to end an idle connection.
  await turns(9)
  client.say(next.slice(9))
  await t.resolves(client.heard(/done.*done/s))
})

t.test(
  'of too many the silent ones go, unless they have just come, then the longest idle',
  async (t) => {
    const serving = await serve(t, newApp().app, patient)
    const idle = serving.client(get())
    await idle.heard(/done/)
    const silent = serving.client()
    await until(() => serving.parked === 2, 'it to be parked')
    await pass(1_050)
    const younger = serving.client()
    await until(() => serving.parked === 3, 'the other, too')
    serving.crowd()
    t.equal((await silent.outcome).result, 'closed')
    t.equal(serving.cut, 1)
    serving.crowd()
    t.equal((await idle.outcome).result, 'ok')
    younger.say(get())
    await younger.heard(/done$/)
  },
)

t.test('a response that comes before the end of its request frees the slot', async (t) => {
  const serving = await serve(t, newApp().app, patient, { slots: 1 })
  const client = serving.client(post(10, 'four'))
  await client.heard(/done/)
  await until(() => serving.slots.free === 1, 'the slot to be free')
  client.say('andsix')
  client.say(get())
  await client.heard(/done.*done$/s)
})

t.test('if it is the last it is not cut off by what still comes', async (t) => {
  const serving = await serve(t, newApp().app, patient)
  serving.shouldEnd = true
  const client = serving.client(post(10, 'four'))
  await client.heard(/done/)
  t.match(await client.answered, closes)
  client.say('andsix')
  t.equal((await client.outcome).result, 'ok')
})
