/** The PROXY header's parser: what it takes, what it refuses and when, however the bytes are cut, and whatever they are. */

import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { crc32c } from '../../../src/handlers/proxy-protocol/crc32c.js'
import { parseProxyHeader } from '../../../src/handlers/proxy-protocol/parse.js'
import { bad, good, withChecksum } from './headers.js'

t.test('good headers say who speaks with whom', async (t) => {
  for (const [name, bytes, proxied] of good) {
    t.strictSame(parseProxyHeader(bytes), { length: bytes.length, proxied }, name)
  }
})

t.test(
  'a good header is incomplete up to its last byte, and what follows is not looked at',
  async () => {
    for (const [name, bytes, proxied] of good) {
      for (let length = 0; length < bytes.length; length++) {
        assert.equal(
          parseProxyHeader(bytes.subarray(0, length)),
          'more',
          `${name}, ${length} bytes`,
        )
      }
      for (const rest of ['G', '\r\n', 'PROXY UNKNOWN\r\n', '\0'.repeat(5000)]) {
        const parsed = parseProxyHeader(Buffer.concat([bytes, Buffer.from(rest)]))
        assert.deepEqual(parsed, { length: bytes.length, proxied }, name)
      }
    }
  },
)

t.test('bad headers are refused, and once refused they stay so', async (t) => {
  for (const [name, bytes, why] of bad) {
    const parsed = parseProxyHeader(bytes)
    t.match(parsed, { error: why }, name)
    let refused = false
    for (let length = 0; length <= bytes.length; length++) {
      const now = typeof parseProxyHeader(bytes.subarray(0, length)) === 'object'
      assert.ok(now || !refused, `${name}: ${length} bytes are good again`)
      refused = now
    }
    assert.ok(refused, name)
  }
})

t.test(
  'what cannot be a header is told at its first byte, and a bare end of line at once',
  async (t) => {
    for (const byte of Array.from({ length: 256 }, (_, byte) => byte)) {
      const parsed = parseProxyHeader(Buffer.from([byte]))
      const may = byte === 0x50 || byte === 0x0d
      assert.equal(parsed === 'more', may, `byte ${byte}`)
    }
    t.match(parseProxyHeader(Buffer.from('PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n')), { error: String })
    t.match(parseProxyHeader(Buffer.from('PROXY T\r\n')), { error: String })
  },
)

t.test('every byte of a header with a checksum is under it', async (t) => {
  const { length } = withChecksum()
  const checksum = withChecksum().indexOf(Buffer.from([3, 0, 4]))
  for (let at = 0; at < length; at++) {
    const parsed = parseProxyHeader(withChecksum(at))
    // LOCAL and no transport, which these two become, have nothing that would be believed.
    if (at === 12 || at === 13) t.match(parsed, { proxied: { kind: 'unknown' } })
    // With another type it is no checksum, and to have none is the sender's right.
    else if (at === checksum) t.match(parsed, { proxied: { kind: 'tcp' } })
    // A length made longer waits for more.
    else if (parsed !== 'more') assert.ok('error' in parsed, `byte ${at}`)
  }
  t.equal(crc32c(Buffer.from('123456789')), 0xe3069283, "the check value of CRC-32C's definition")
  t.equal(crc32c(new Uint8Array(32)), 0x8a9136aa)
})

/** Bytes that come far: bits of good and bad headers, put together, with some bytes changed. */
const likely = fc
  .tuple(
    fc.array(fc.constantFrom(...[...good, ...bad].map(([, bytes]) => bytes)), {
      minLength: 1,
      maxLength: 2,
    }),
    fc.array(fc.tuple(fc.nat(130), fc.nat(255)), { maxLength: 3 }),
    fc.nat(300),
  )
  .map(([headers, changes, length]) => {
    const bytes = Buffer.concat(headers).subarray(0, length)
    for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte
    return bytes
  })

t.test('whatever the bytes are, nothing is thrown and no header is longer than they', async (t) => {
  const numRuns = Number(process.env.RUNS ?? 100_000)
  const check = (bytes: Uint8Array) => {
    const parsed = parseProxyHeader(bytes)
    if (parsed === 'more') return bytes.length < 4096
    return 'error' in parsed ? parsed.error !== '' : parsed.length <= Math.min(bytes.length, 4096)
  }
  fc.assert(fc.property(likely, check), { numRuns })
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), check), { numRuns: numRuns / 10 })
  t.pass()
})

t.test('the result of more bytes never contradicts that of fewer', async (t) => {
  fc.assert(
    fc.property(likely, fc.nat(300), (bytes, cut) => {
      const before = parseProxyHeader(bytes.subarray(0, cut))
      if (before === 'more') return
      const after = parseProxyHeader(bytes)
      if ('error' in before) assert.ok(typeof after === 'object' && 'error' in after)
      else assert.deepEqual(after, before)
    }),
    { numRuns: 5_000 },
  )
  t.pass()
})
