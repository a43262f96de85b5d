/** Servers that accept by themselves on inherited listeners: supervised, restarted, reloaded, drained; run with the other tests. */

import { writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { test } from 'tap'
import { fixture, type ServerOptions, withNewServer, withServer } from './harness.js'
import { peerDirectory, without } from './peers.js'
import { isAlive, until } from './processes.js'

const takesFd = fixture('servers/takes-fd.js')

/** A server in the way of chaussette: the descriptor's number is an argument. */
function given(changes: Partial<ServerOptions> = {}): ServerOptions {
  return {
    server: `${process.execPath} ${takesFd} --fd $(preforkd.sockets.web)`,
    listen: ['other=127.0.0.1:0', 'web=127.0.0.1:0'],
    kids: 2,
    ...changes,
  }
}

withServer(
  'servers find the listener by its name, and nothing else',
  given(),
  async (t, served) => {
    const { text } = await served.ask({ send: 'hello' }, 1)
    t.match(text, /^\d+ on 4: undefined undefined false none\n$/)
    t.ok(served.living.includes(Number.parseInt(text, 10)))
    t.match(
      served.server.status().kids.map(({ state }) => state),
      ['idle', 'idle'],
    )
    t.match(served.counters, { accepted: 0, orders: 0, deaths: 0 })
  },
)

withServer(
  'a server whose command names no listener is told of all of them as systemd tells it',
  given({ server: [process.execPath, takesFd, '--fd', '3'] }),
  async (t, served) => {
    t.match((await served.ask({ send: 'hello' })).text, /^\d+ on 3: 2 other:web true none\n$/)
  },
)

withServer(
  'one that dies is replaced, and its successor serves',
  given({ kids: 1, logs: [/^kid 1 ended with exit code 9$/] }),
  async (t, served) => {
    await served.ask({ send: 'die' }, 1)
    await served.event('gone', ({ kid }) => kid === 1)
    await served.event('idle', ({ kid }) => kid === 2)
    t.match((await served.ask({ send: 'hello' }, 1)).text, new RegExp(`^${served.pid(2)} `))
  },
)

withServer(
  'a reload starts new ones, tells the old to leave, and refuses nobody',
  given({ kids: 1, server: [process.execPath, takesFd, '--fd', '((preforkd.sockets.WEB))'] }),
  async (t, served) => {
    const held = served.client({}, 1)
    await held.connected
    // Somebody is served meanwhile, whoever it is by.
    const reloaded = served.server.reload()
    while (served.server.status().kids.every(({ generation }) => generation < 2)) {
      t.equal((await served.ask({ send: 'hello' }, 1)).result, 'ok')
    }
    await reloaded
    held.say('hello')
    t.match(await held.outcome, { result: 'ok' })
    await served.event('gone', ({ kid }) => kid === 1)
    t.match((await served.ask({ send: 'hello' }, 1)).text, new RegExp(`^${served.pid(2)} `))
    t.match(served.counters, { deaths: 1, kills: {} })
  },
)

withServer(
  'servers start one after the other, warmupDelay apart',
  given({ kids: 3, warmupDelay: 200 }),
  async (t, served) => {
    const at = served.seen('spawn').map((spawn) => spawn.at)
    t.equal(at.length, 3)
    t.ok((at[1] ?? 0) - (at[0] ?? 0) >= 150 && (at[2] ?? 0) - (at[1] ?? 0) >= 150, String(at))
  },
)

withNewServer(
  'a name that no listener has is refused before anything is started',
  given({ server: 'true $(preforkd.sockets.wbe)' }),
  async (t, served) => {
    await t.rejects(served.server.start(), {
      name: 'UsageError',
      message:
        'server names $(preforkd.sockets.wbe), but listeners are called other, web: put NAME= before an address of listen',
    })
  },
)

withNewServer(
  'a server that ends at once cannot start, and what it said is in the error',
  given({ server: 'sh -c "echo no such thing >&2; exit 3"', kids: 1 }),
  async (t, served) => {
    await t.rejects(served.server.start(), { name: 'KidError', message: /no such thing/ })
  },
)

const app = `
import os
def app(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain'), ('Connection', 'close')])
    return [('%s %d' % (environ['PATH_INFO'], os.getppid())).encode()]
`

const missing = without('gunicorn')
if (missing) void test('gunicorn as a server', { skip: missing }, async () => {})
else {
  withServer(
    'gunicorn serves on the listener it is given, and drains when told to',
    (t) => {
      const directory = peerDirectory(t)
      writeFileSync(join(directory, 'app.py'), app)
      return {
        server: `gunicorn --bind fd://$(preforkd.sockets.web) --workers 1 --chdir ${directory} app:app`,
        listen: 'web=127.0.0.1:0',
        mayLog: [/\[INFO\]/],
      }
    },
    async (t, served) => {
      const [address] = served.server.addresses
      const port = address?.kind === 'tcp' ? address.port : 0
      const text = await new Promise<string>((resolve, reject) => {
        get({ host: '127.0.0.1', port, path: '/hello', timeout: 10_000 }, (response) => {
          let body = ''
          response.setEncoding('utf8').on('data', (chunk) => {
            body += chunk
          })
          response.on('end', () => resolve(body))
        }).on('error', reject)
      })
      const arbiter = served.pid(1)
      t.equal(text, `/hello ${arbiter}`)
      await served.server.stop()
      t.notOk(isAlive(arbiter))
      t.match(served.counters.kills, {}, 'it has ended by itself')
      await until(() => served.living.length === 0, 'nobody to be left')
    },
  )
}
