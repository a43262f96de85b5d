/** Connections that end by a time limit are counted as cut, whatever is spoken on them; and keep-alive probes of the kernel. */

import { spawnSync } from 'node:child_process'
import { get, post } from '../handlers/http/serving.js'
import type { ClientOptions } from './client.js'
import { fixture, handler, type Served, type ServerOptions, withServer } from './harness.js'
import { findPeer, without } from './peers.js'

const web = { handler: fixture('apps/says-what-it-serves.js'), protocol: 'http' } as const
const scgi = { ...handler('speaks-scgi'), protocol: 'scgi' } as const

/** A client that exceeds a limit of 300 ms; then another is served. */
function cuts(title: string, options: ServerOptions, client: ClientOptions, answer: RegExp): void {
  withServer(title, { kids: 1, ...options }, async (t, served) => {
    const { text, endedAfter } = await served.ask(client)
    t.match(text, answer)
    t.ok(endedAfter > 250 && endedAfter < 3_000, `ended after ${endedAfter.toFixed()} ms`)
    // A handler whose promise is still pending has a moment to settle.
    await served.until(() => served.counters.cut === 1, 'it to be counted', 6_000)
    t.match(served.seen('cut'), [{ kid: 1, count: 1 }], 'and told')
    await served.until(() => isIdle(served), 'its slot to be free')
    t.match(served.counters, { accepted: 1, done: 0, cut: 1, skipped: 0, held: 0, lost: 0 })
  })
}

function isIdle({ server }: Served): boolean {
  return server.status().kids.every(({ state, held }) => state === 'idle' && held === 0)
}

const limit = 300

cuts(
  'a client of plain TCP that says nothing',
  { ...handler('waits-for-words'), firstByteTimeout: limit },
  {},
  /^$/,
)
cuts('a client of HTTP that says nothing', { ...web, firstByteTimeout: limit }, {}, /^$/)
cuts(
  'a client of HTTP that does not finish the head of its request',
  { ...web, headersTimeout: limit },
  { send: get().slice(0, 9) },
  /^HTTP\/1\.1 408 /,
)
cuts(
  'a client of HTTP that does not finish its request',
  { handler: fixture('apps/sums-bodies.js'), protocol: 'http', requestTimeout: limit },
  { send: post(10, 'half') },
  /^HTTP\/1\.1 408 /,
)
cuts('a client of SCGI that says nothing', { ...scgi, firstByteTimeout: limit }, {}, /^$/)
cuts(
  'a client of SCGI that does not finish its header',
  { ...scgi, headersTimeout: limit },
  { send: '24:CONT' },
  /^Status: 408 /,
)
cuts(
  'a connection that holds its slot for too long',
  { ...handler('holds'), slots: 2, connectionTimeout: limit },
  { send: 'hello' },
  /^\d+\nhello$/,
)

for (const [title, options, timer] of [
  ['with tcpKeepAlive the kernel asks', { tcpKeepAlive: '40s' }, /timer:\(keepalive,(39|40)/],
  ['without it the kernel does not ask', {}, /^[^(]*$/],
] as const) {
  withServer(
    `${title} a silent client whether it is there`,
    { ...handler('holds'), kids: 1, ...options },
    async (t, served) => {
      const client = served.client()
      await client.answered
      const { address } = served.server
      if (address?.kind !== 'tcp') throw new Error('the server has no port')
      await t.test('as ss shows', { skip: without('ss') }, async (t) => {
        const args = ['-tnoH', 'src', `:${address.port}`]
        const { stdout } = spawnSync(findPeer('ss') as string, args, { encoding: 'utf8' })
        const lines = stdout.trim().split('\n')
        t.equal(lines.length, 1, 'one connection', { stdout })
        t.match(lines[0], /^ESTAB/)
        t.match(lines[0], timer)
      })
    },
  )
}
