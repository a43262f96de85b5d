/** Which apps are served, unchanged, and what is said about anything else. */

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createNetServer } from 'node:net'
import t from 'tap'
import { httpLimits } from '../../../src/handlers/http/limits.js'
import { type HttpModule, http, prepareHttp } from '../../../src/handlers/http/serve.js'
import { kidOf } from '../../../src/http.js'
import { fixture } from '../../process/harness.js'
import { get, Serving, serve } from './serving.js'

const path = fixture('apps/none.js')
const prepare = (module: HttpModule, from = path) => prepareHttp(module, from, httpLimits())
const app = (_: IncomingMessage, res: ServerResponse) => res.end('app')

const wanted =
  'wanted is a (req, res) function, an http.Server, or an app of Express, Fastify, Koa or Hono'

t.test('what is no app is named', async (t) => {
  for (const [found, name] of [
    [null, 'null'],
    [undefined, 'undefined'],
    ['app', 'a string'],
    [8000, 'a number'],
    [[app], 'an array'],
    [{}, 'an object without keys'],
    [{ app, port: 1 }, 'an object with app, port'],
    [new Map(), 'an object made by Map'],
    [createNetServer(), 'an object made by Server'],
  ] as const) {
    await t.rejects(prepare({ default: found }), {
      name: 'KidError',
      message: `the default export of handler ${path} is no app: it is ${name}, and ${wanted}`,
    })
  }
  // In code it is the caller who can wait; a module cannot, if it is CommonJS.
  t.throws(() => http(Promise.resolve(app)), {
    message: `the app given to http() is no app: it is a promise, which must be awaited first, and ${wanted}`,
  })
  await t.resolves(prepare({ default: Promise.resolve(app) }))
  t.throws(() => http(null), {
    message: `the app given to http() is no app: it is null, and ${wanted}`,
  })
  await t.rejects(prepare({ default: app, upgrade: 'yes' }), {
    message: `handler ${path} exports upgrade, but it is not a function: string`,
  })
  const both = createServer(app).on('upgrade', () => {})
  await t.rejects(prepare({ default: both, upgrade: () => {} }), {
    message: `handler ${path} exports upgrade, but its app has a listener for that too`,
  })
  await t.rejects(prepare({ default: http(app), upgrade: () => {} }), {
    message: `handler ${path} exports upgrade, which is only for an app, not for http()`,
  })
})

t.test(
  'an app that has called listen() is refused; another server may be told to unref()',
  async (t) => {
    const server = createServer(app).listen(0, '127.0.0.1')
    const listens = { name: 'KidError', message: / has called listen\(\): leave that to preforkd / }
    t.teardown(() => server.close())
    await once(server, 'listening')
    t.throws(() => http(server), listens)
    await t.rejects(prepare({ default: server }), listens)
    await t.rejects(
      prepare({ default: app }),
      listens,
      'a function cannot say so, but the process can',
    )
    await prepare({ default: createServer(app) })
    server.unref()
    await prepare({ default: app })
  },
)

t.test('a Hono app needs its adapter beside it', async (t) => {
  const { default: hono } = await import(fixture('apps/hono.js'))
  await t.rejects(prepare({ default: hono }, '/nowhere/app.js'), {
    message:
      /^the default export of handler \/nowhere\/app\.js has a fetch\(\), .* npm install @hono\/node-server$/,
  })
})

t.test('an app that does not get ready says so', async (t) => {
  const ready = async () => {
    throw new Error('no database')
  }
  const service = await prepare({ default: { server: createServer(), ready } })
  await t.rejects(service.ready(), {
    name: 'KidError',
    message: `the default export of handler ${path} does not get ready: Error: no database`,
  })
})

for (const name of ['express', 'fastify', 'koa', 'hono']) {
  t.test(`an app of ${name} is served unchanged`, async (t) => {
    const from = fixture(`apps/${name}.js`)
    const service = await prepare(await import(from), from)
    await service.ready()
    const serving = await Serving.start(t, service.handler)
    const { text } = await serving.ask(get('/', 'Connection: close\r\n'))
    t.match(text, new RegExp(`^HTTP/1\\.1 200 OK\r\n.*${name} of kid 7$`, 's'))
  })
}

t.test('a server keeps its listeners, those that are added later, and its own ways', async (t) => {
  const seen: string[] = []
  const server = createServer((_, res) => {
    seen.push('first')
    res.end('server')
  })
  server.on('request', () => void seen.push('second'))
  server.on('connection', () => void seen.push('connection'))
  server.on('checkContinue', (req: IncomingMessage, res: ServerResponse) => {
    seen.push(`continue of kid ${kidOf(req).number}`)
    server.emit('request', req, res)
  })
  const serving = await serve(t, server)
  const { text } = await serving.ask(get('/', 'Connection: close\r\nExpect: 100-continue\r\n'))
  t.match(text, /server$/)
  t.strictSame(seen, ['connection', 'continue of kid 7', 'first', 'second'])
  server.on('request', () => void seen.push('third'))
  await serving.ask(get('/', 'Connection: close\r\n'))
  t.strictSame(seen.slice(4), ['connection', 'first', 'second', 'third'])
  t.throws(() => kidOf({ socket: serving.client().socket }), {
    message: /not come by a connection/,
  })
})

t.test('what an app throws costs its request, not the kid', async (t) => {
  const thrower = (req: IncomingMessage, res: ServerResponse) => {
    res.setHeader('Content-Length', 5)
    if (req.url === '/begun') res.write('be')
    throw new Error('I throw')
  }
  const rejecter = async (req: IncomingMessage, res: ServerResponse) => thrower(req, res)
  for (const failing of [thrower, rejecter, createServer(thrower)]) {
    const serving = await serve(t, failing)
    const { text } = await serving.ask(get('/', 'Connection: close\r\n'))
    t.match(text, /^HTTP\/1\.1 500 .*Content-Length: 22\r\n.*Internal Server Error\n$/s)
    const begun = await serving.ask(get('/begun'))
    t.not(begun.result, 'timeout', 'what has begun is cut off')
    t.match(begun.text, /^(HTTP\/1\.1 200 .*be)?$/s)
    t.match(serving.log, [
      { level: 50, msg: 'the app failed; its request is answered with 500' },
      { level: 50, msg: 'the app failed in the middle of a response; it is cut off' },
    ])
    t.match(serving.log[0]?.err, { message: 'I throw' })
  }
})

t.test('a handler that http() has made is not taken for an app', async (t) => {
  const handler = http(app)
  const service = await prepare({ default: handler })
  t.equal(service.handler, handler)
})
