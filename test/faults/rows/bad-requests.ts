/** Group E: requests that are not, over SCGI and HTTP, against kids that live. */

import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import type { PreforkerOptions } from 'preforkd'
import { chunked, malformed } from '../../handlers/http/malformed.js'
import { badRequests, request } from '../../handlers/scgi/requests.js'
import { type Bed, fixture } from '../bed.js'
import { exchange, inTurns } from '../raw.js'
import type { Row } from '../row.js'
import type { Server } from '../server.js'
import { spoil } from '../spoil.js'
import { memoryOf } from '../usage.js'

/** How many spoilt requests a run tries. */
const spoilt = 5_000

/** A server of two kids, whose clients do not speak our own words. */
async function serve(bed: Bed, options: PreforkerOptions): Promise<Server> {
  return bed.serve({ kids: 2, slots: 4, logLevel: 'info', ...options }, { outOfService: true })
}

/** The same kids are there as at the beginning, and hold nothing. */
async function kidsLive(server: Server, kids: readonly number[]): Promise<void> {
  const { counters } = await server.statusIs(({ counters }) => counters.held === 0, 'rest')
  assert.deepEqual([counters.deaths, counters.kills, counters.lost], [0, {}, 0])
  assert.deepEqual(server.kids, kids)
}

interface Spoiling {
  readonly good: readonly Buffer[]
  readonly telling: string
  /** What every answer must begin with, if there is one. */
  readonly answer: RegExp
}

/** Thousands of spoilt requests: each ends in an answer or without, in time; kids live and do not grow. */
async function manySpoilt(bed: Bed, server: Server, spoiling: Spoiling): Promise<void> {
  const { kids } = server
  const telling = Buffer.from(spoiling.telling, 'latin1')
  const weigh = () => kids.reduce((sum, pid) => sum + memoryOf(pid), 0)
  let warm = 0
  await inTurns(spoilt, 16, async (i) => {
    // What the first ones cost once is not what each costs.
    if (i === spoilt / 2) warm = weigh()
    const good = spoiling.good[Math.floor(bed.random() * spoiling.good.length)] as Buffer
    const bytes = spoil(good, telling, bed.random)
    const { text, how } = await exchange(server.address(), bytes)
    const shown = JSON.stringify(bytes.toString('latin1').slice(0, 500))
    assert.notEqual(how, 'timeout', `nothing came of ${shown}`)
    if (text !== '') assert.match(text, spoiling.answer, `the answer to ${shown}`)
  })
  await kidsLive(server, kids)
  assert.ok(weigh() < warm * 1.25, `kids have grown from ${warm} to ${weigh()} KiB`)
}

const scgi = { handler: fixture('handlers/speaks-scgi.js'), protocol: 'scgi' } as const
const http = {
  handler: fileURLToPath(new URL('../web.js', import.meta.url)),
  protocol: 'http',
} as const
const goodHttp = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'

export const badHttpAndScgi: readonly Row[] = [
  {
    number: 60,
    group: 'E',
    part: 'each by itself',
    fault: 'SCGI requests that are not',
    inject: `${badRequests.length} of them: no colon, lengths that lie, names twice`,
    quick: true,
    async run(bed) {
      const server = await serve(bed, scgi)
      const { kids } = server
      await inTurns(badRequests.length, 8, async (i) => {
        const { title = '', bytes = Buffer.of() } = badRequests[i] ?? {}
        const { text, how } = await exchange(server.address(), bytes, { half: false })
        assert.match(text, /^Status: 400 /, title)
        assert.equal(how, 'end', title)
      })
      const good = await exchange(server.address(), request('', { REQUEST_URI: '/pid' }))
      assert.match(good.text, /^Status: 200 /)
      await kidsLive(server, kids)
    },
  },
  {
    number: 60,
    group: 'E',
    part: 'spoilt at random',
    fault: 'SCGI requests that are not',
    inject: `${spoilt} good and bad ones with bytes changed, added, left out and doubled`,
    async run(bed) {
      const server = await serve(bed, { ...scgi, headersTimeout: '5s' })
      const good = [request('', { REQUEST_URI: '/pid' }), request('body', { REQUEST_URI: '/hash' })]
      await manySpoilt(bed, server, {
        good: [...good, ...badRequests.map(({ bytes }) => bytes)],
        telling: '\0,:0123456789-A',
        answer: /^(Status: \d{3} |Content-Type: )/,
      })
    },
  },
  {
    number: 61,
    group: 'E',
    part: 'each by itself',
    fault: 'HTTP requests that smuggle, or are not',
    inject: `${Object.keys(malformed).length} of them: two lengths, bare line feeds, endless chunks and headers`,
    quick: true,
    async run(bed) {
      const server = await serve(bed, http)
      const { kids } = server
      for (const [name, [status, bytes]] of Object.entries(malformed)) {
        const { text, how } = await exchange(server.address(), bytes, { half: false })
        assert.notEqual(how, 'timeout', `${name}: the connection is closed`)
        const statuses = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, code]) => Number(code))
        // What is still being sent when the refusal comes may turn it into a reset.
        if (how === 'reset' && statuses.length === 0) continue
        assert.deepEqual(statuses, status === 0 ? [] : [status], name)
      }
      assert.match((await exchange(server.address(), goodHttp)).text, /^HTTP\/1\.1 200 /)
      await kidsLive(server, kids)
    },
  },
  {
    number: 61,
    group: 'E',
    part: 'spoilt at random',
    fault: 'HTTP requests that smuggle, or are not',
    inject: `${spoilt} good and bad ones with bytes changed, added, left out and doubled`,
    async run(bed) {
      const server = await serve(bed, { ...http, headersTimeout: '5s', requestTimeout: '5s' })
      const bad = Object.values(malformed).map(([, bytes]) => bytes)
      const good = [goodHttp, chunked('4\r\nfour\r\n0\r\n\r\n'), ...bad]
      await manySpoilt(bed, server, {
        good: good.filter((text) => text.length < 1_000).map((text) => Buffer.from(text, 'latin1')),
        telling: '\r\n :;,0123456789abcfxCT\0',
        answer: /^HTTP\/1\.1 \d{3} /,
      })
    },
  },
]
