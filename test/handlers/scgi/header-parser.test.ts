/** The header of an SCGI request: what is refused and when, however the bytes are cut, and whatever they are. */

import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { HeaderParser, type HeaderResult } from '../../../src/handlers/scgi/header-parser.js'
import { randomFrom } from '../../../src/herd/random.js'
import { spoilOnce } from '../../faults/spoil.js'
import { badRequests, joined, netstring, type Pairs, request } from './requests.js'

const limits = { maxHeaderBytes: 65_536, maxHeaders: 256 }

/** What is known after all pieces; what was left of them is joined to the rest. */
function parse(pieces: readonly Buffer[], given = limits): HeaderResult {
  const parser = new HeaderParser(given)
  let result: HeaderResult = { type: 'incomplete' }
  const rest: Buffer[] = []
  for (const piece of pieces) {
    if (result.type === 'complete') rest.push(piece)
    else result = parser.feed(piece)
  }
  if (result.type !== 'complete') return result
  return { ...result, rest: Buffer.concat([result.rest, ...rest]) }
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const edges = [0, ...at.map((n) => n % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return edges.slice(1).map((edge, i) => bytes.subarray(edges[i], edge))
}

t.test(
  'header lines that a client repeats are one value, nothing else may be there twice',
  async (t) => {
    const pairs = [
      ['CONTENT_LENGTH', '0'],
      ['SCGI', '1'],
      ['HTTP_ACCEPT', 'a'],
      ['HTTP_COOKIE', 'b=1'],
      ['HTTP_ACCEPT', ''],
      ['HTTP_COOKIE', 'c=2'],
      ['HTTP_ACCEPT', 'd'],
    ]
    const header = pairs.map(([name, value]) => `${name}\0${value}\0`).join('')
    const limits = { maxHeaderBytes: 1000, maxHeaders: 10 }
    const result = new HeaderParser(limits).feed(Buffer.from(`${header.length}:${header},`))
    t.match(result, { type: 'complete', env: { HTTP_ACCEPT: 'a, , d', HTTP_COOKIE: 'b=1; c=2' } })
  },
)

t.test('a header becomes a map, and what follows it is the rest', async (t) => {
  const bytes = request('What is the answer to life?', {
    REQUEST_METHOD: 'POST',
    REQUEST_URI: '/deepthought',
    EMPTY: '',
    ['__proto__']: 'a name like any other',
    toString: 'another',
  })
  const result = parse([bytes])
  if (result.type !== 'complete') throw new Error(result.type)
  t.equal(result.contentLength, 27)
  t.equal(String(result.rest), 'What is the answer to life?')
  t.equal(Object.getPrototypeOf(result.env), null)
  t.strictSame(Object.entries(result.env), [
    ['CONTENT_LENGTH', '27'],
    ['SCGI', '1'],
    ['REQUEST_METHOD', 'POST'],
    ['REQUEST_URI', '/deepthought'],
    ['EMPTY', ''],
    ['__proto__', 'a name like any other'],
    ['toString', 'another'],
  ])
})

t.test('every byte but NUL is kept, one character each', async (t) => {
  const all = Buffer.from(Array.from({ length: 255 }, (_, i) => i + 1)).toString('latin1')
  const result = parse([
    netstring(
      joined([
        ['CONTENT_LENGTH', '0'],
        ['SCGI', '1'],
        [all, all],
      ]),
    ),
  ])
  t.equal(result.type === 'complete' && result.env[all], all)
})

t.test('the largest numbers that are allowed', async (t) => {
  const most = [
    ['CONTENT_LENGTH', '9007199254740991'],
    ['SCGI', '1'],
  ] as const
  t.match(parse([netstring(joined(most))]), { contentLength: Number.MAX_SAFE_INTEGER })
  const pairs: Pairs = [...most, ...Array.from({ length: 254 }, (_, i) => [`H${i}`, ''] as const)]
  t.match(parse([netstring(joined(pairs))]), { type: 'complete' }, '256 headers')
  const filler = 'x'.repeat(65_536 - joined(most).length - 'FILLER'.length - 2)
  const full = joined([...most, ['FILLER', filler]])
  t.equal(full.length, 65_536)
  t.match(parse([netstring(full)]), { type: 'complete' }, '65536 bytes')
})

for (const { title, bytes, reason } of badRequests) {
  t.test(`refused: ${title}`, async (t) => {
    for (const pieces of [[bytes], [...bytes].map((byte) => Buffer.from([byte]))]) {
      t.match(parse(pieces), { type: 'malformed', reason })
    }
  })
}

t.test('a length is refused before its end, and the refusal stays', async (t) => {
  for (const [early, reason] of [
    ['65537', /longer than 65536/],
    ['00', /leading zero/],
    ['-', /does not begin/],
  ] as const) {
    const parser = new HeaderParser(limits)
    const refusal = parser.feed(Buffer.from(early))
    t.match(refusal, { type: 'malformed', reason }, early)
    t.strictSame(parser.feed(request()), refusal, 'a good request does not heal it')
  }
})

t.test('a header that has ended takes no more', async (t) => {
  const parser = new HeaderParser(limits)
  t.match(parser.feed(request('body')), { type: 'complete', rest: Buffer.from('body') })
  t.match(parser.feed(request('again')), { type: 'complete', rest: Buffer.alloc(0) })
})

t.test('every beginning of a good header is incomplete', async (t) => {
  const bytes = request('', { A: 'b' })
  for (let length = 0; length < bytes.length; length++) {
    t.strictSame(parse([bytes.subarray(0, length)]), { type: 'incomplete' })
  }
})

t.test('any cut of the bytes gives the same', async () => {
  const text = fc.string({ unit: 'binary-ascii', maxLength: 20 }).map((s) => s.replaceAll('\0', ''))
  const good = fc
    .tuple(fc.string({ unit: 'binary', maxLength: 50 }), fc.dictionary(text, text, { maxKeys: 8 }))
    .map(([body, env]) => request(body, env))
  const any = fc.oneof(
    good,
    fc.constantFrom(...badRequests.map(({ bytes }) => bytes)),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  )
  const cuts = fc.array(fc.nat(), { maxLength: 12 })
  fc.assert(
    fc.property(any, cuts, (bytes, at) => {
      assert.deepStrictEqual(parse(cut(bytes, at)), parse([bytes]))
    }),
    { numRuns: 300 },
  )
})

/** The same rules in another way, over the whole text at once: what it should be, or undefined where it is refused. */
function expected(text: string, { maxHeaderBytes, maxHeaders }: typeof limits) {
  const [prefix = '', length = ''] = /^([1-9]\d*):/.exec(text) ?? []
  if (length === '' || Number(length) > maxHeaderBytes) return undefined
  const header = text.slice(prefix.length, prefix.length + Number(length))
  if (text[prefix.length + Number(length)] !== ',') return undefined
  if (!/^([^\0]+\0[^\0]*\0)+$/.test(header)) return undefined
  const strings = header.split('\0').slice(0, -1)
  const names = strings.filter((_, i) => i % 2 === 0)
  const single = names.filter((name) => !name.startsWith('HTTP_'))
  if (names.length > maxHeaders || new Set(single).size < single.length) return undefined
  if (names[0] !== 'CONTENT_LENGTH' || !/^(0|[1-9]\d*)$/.test(strings[1] ?? '')) return undefined
  if (BigInt(strings[1] as string) > BigInt(Number.MAX_SAFE_INTEGER)) return undefined
  if (strings[names.indexOf('SCGI') * 2 + 1] !== '1') return undefined
  return { contentLength: Number(strings[1]), names }
}

t.test('100,000 spoilt headers: none throws, none is taken that should not be', async (t) => {
  const seed = Date.now() >>> 0
  t.comment(`seed ${seed}`)
  const random = randomFrom(seed)
  const roll = (limit: number) => Math.floor(random() * limit)
  const seeds = [
    request(),
    request('body', { A: 'b', REQUEST_URI: '/' }),
    ...badRequests.map(({ bytes }) => bytes).filter((bytes) => bytes.length < 200),
  ]
  const telling = Buffer.from('\0,:0123456789-A')
  const small = { maxHeaderBytes: 100, maxHeaders: 4 }
  const found = { incomplete: 0, complete: 0, malformed: 0 }
  const wrong: string[] = []
  const before = process.memoryUsage()
  for (let i = 0; i < 100_000; i++) {
    let bytes = seeds[roll(seeds.length)] as Buffer
    for (let times = roll(3); times >= 0; times--) bytes = spoilOnce(bytes, telling, random, 0.5)
    const result = parse(cut(bytes, [roll(bytes.length + 1), roll(bytes.length + 1)]), small)
    found[result.type]++
    const should = expected(bytes.toString('latin1'), small)
    if (result.type !== 'complete') {
      if (should !== undefined) wrong.push(`refused: ${JSON.stringify(String(bytes))}`)
    } else if (
      should?.contentLength !== result.contentLength ||
      [...new Set(should.names)].sort().join() !== Object.keys(result.env).sort().join()
    ) {
      wrong.push(`taken: ${JSON.stringify(String(bytes))}`)
    }
  }
  const after = process.memoryUsage()
  t.strictSame(wrong.slice(0, 5), [])
  for (const [type, count] of Object.entries(found)) t.ok(count > 300, `${type}: ${count}`)
  const grown = after.arrayBuffers - before.arrayBuffers
  t.ok(grown < 64_000_000, `bytes kept: ${grown}`)
})

t.test('a parser holds what the header may be, however much it is sent', async (t) => {
  const before = process.memoryUsage().arrayBuffers
  const parsers = Array.from({ length: 50 }, () => new HeaderParser(limits))
  const piece = Buffer.alloc(65_536, 'x')
  for (const parser of parsers) {
    parser.feed(Buffer.from('65536:'))
    t.match(parser.feed(piece), { type: 'incomplete' })
    for (let i = 0; i < 5; i++) t.match(parser.feed(piece), { type: 'malformed' })
  }
  const grown = process.memoryUsage().arrayBuffers - before
  t.ok(grown < 50 * 65_536 + 10_000_000, `${grown} bytes`)
})
