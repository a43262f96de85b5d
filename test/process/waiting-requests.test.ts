/** Requests that wait in their kid for its slot: nobody waits behind a busy kid for long while another is idle. */

import { get } from '../handlers/http/serving.js'
import type { Client } from './client.js'
import { fixture, type Served, withServer } from './harness.js'

const app = {
  handler: fixture('apps/takes-its-time.js'),
  protocol: 'http',
  keepAliveTimeout: '1m',
  mayLog: [/^overload /],
} as const

/** A kept connection that has asked for `path`, and the kid that has it. */
async function keep(served: Served, path: string): Promise<{ client: Client; kid: number }> {
  const client = served.client({ send: get(path) })
  await client.heard(/ by kid \d\.$/)
  return { client, kid: Number(/by kid (\d)/.exec(await client.answered)?.[1]) }
}

/** Two kept connections of the same kid, which have asked for `path`. */
async function keepTwo(
  served: Served,
  path = '/first',
): Promise<{ first: Client; second: Client; kid: number }> {
  const clients = new Map<number, Client>()
  for (let tries = 0; tries < 8; tries++) {
    const { client, kid } = await keep(served, path)
    const first = clients.get(kid)
    if (first !== undefined) {
      await served.until(() => areIdle(served), 'all to be parked')
      return { first, second: client, kid }
    }
    clients.set(kid, client)
  }
  throw new Error('no kid has two connections')
}

function areIdle({ server }: Served): boolean {
  return server.status().kids.every(({ state, held }) => state === 'idle' && held === 0)
}

/** The lines `serves PATH` of the log, by kid. */
function serves({ log }: Served, path: string): number[] {
  return log.filter(({ msg }) => msg === `serves ${path}`).map(({ kid }) => kid as number)
}

const last = (path: string, kid: number | string) =>
  new RegExp(`Connection: close\r\n(?:(?!HTTP/).)*${path} by kid ${kid}\\.$`, 's')
const kept = (path: string, kid: number) =>
  new RegExp(`Connection: keep-alive\r\n(?:(?!HTTP/).)*${path} by kid ${kid}\\.$`, 's')

for (const how of ['slow', 'block']) {
  withServer(
    `a request that waits behind one that ${how === 'slow' ? 'takes long' : 'blocks, as others before it,'} is the last of its connection while another kid is idle`,
    { ...app, kids: 2 },
    async (t, served) => {
      // A kid that blocks can tell nothing. One that has done so before tells what it is about to do.
      const { first, second, kid } = await keepTwo(served, `/${how}/20`)
      first.say(get(`/${how}/400`))
      await served.logged(new RegExp(`^serves /${how}/400$`))
      second.say(get('/waits'))
      t.match((await second.outcome).text, last('/waits', kid), 'it is told to come again')
      await first.heard(new RegExp(`/${how}/400 by kid ${kid}\\.$`))
      // Whoever comes again while that kid is busy gets the other.
      await served.until(() => areIdle(served), 'both to be idle')
      first.say(get(`/${how}/300`))
      await served.logged(new RegExp(`^serves /${how}/300$`))
      const again = served.client({ send: get('/again') })
      await again.heard(kept('/again', 3 - kid))
      await first.heard(new RegExp(`/${how}/300 by kid ${kid}\\.$`))
    },
  )
}

withServer(
  'where no other kid is idle, a request that has waited keeps its connection',
  { ...app, kids: 1 },
  async (t, served) => {
    const { first, second } = await keepTwo(served)
    first.say(get('/slow/300'))
    await served.logged(/^serves \/slow\/300$/)
    second.say(get('/waits'))
    await served.until(() => served.server.status().kids[0]?.waiting === 1, 'it to wait')
    t.strictSame(serves(served, '/waits'), [], 'the app has no more requests than there are slots')
    await second.heard(kept('/waits', 1))
    await first.heard(kept('/slow/300', 1))
    t.match(served.counters, { accepted: 2, done: 0 })
  },
)

withServer(
  'a new client and one that is kept are served in turns when the only kid is busy',
  { ...app, kids: 1 },
  async (t, served) => {
    const { first, second } = await keepTwo(served)
    first.say(get('/slow/300'))
    await served.logged(/^serves \/slow\/300$/)
    const news = [served.client({ send: get('/new') }), served.client({ send: get('/new') })]
    await served.until(() => served.server.status().listeners[0]?.waiting === 2, 'both to wait')
    second.say(get('/kept'))
    await Promise.all(news.map((client) => client.heard(/\/new by kid 1\.$/)))
    await second.heard(/\/kept by kid 1\.$/)
    t.match(served.counters, { accepted: served.counters.held, lost: 0 })
  },
)

withServer(
  'after shedAfter a request that waits in its kid is answered with 503, and the app does not see it',
  { ...app, kids: 1, shedAfter: 300 },
  async (t, served) => {
    const { first, second } = await keepTwo(served)
    first.say(get('/slow/1000'))
    await served.logged(/^serves \/slow\/1000$/)
    const begun = performance.now()
    second.say(get('/waits'))
    const { result, text } = await second.outcome
    const waited = performance.now() - begun
    t.equal(result, 'ok')
    t.match(text, /HTTP\/1\.1 503 Service Unavailable\r\n(?:(?!HTTP\/).)*Connection: close\r\n/s)
    t.ok(waited > 280 && waited < 900, `after ${waited.toFixed()} ms`)
    await first.heard(kept('/slow/1000', 1))
    t.strictSame(serves(served, '/waits'), [])
    t.match(served.counters, { lost: 0, kills: {} })
  },
)
