/** The line splitter: whatever way the bytes arrive, the same lines come out, none too long. */

import t from 'tap'
import { MAX_LINE } from '../../src/protocol/limits.js'
import { LineSplitter } from '../../src/protocol/line-splitter.js'
import fc from '../fast-check.js'

/** What came of feeding these pieces one after another. */
function split(pieces: readonly Uint8Array[]): { lines: string[]; tooLong: number } {
  const out = { lines: [] as string[], tooLong: 0 }
  const splitter = new LineSplitter(
    (line) => out.lines.push(line),
    () => {
      out.tooLong++
    },
  )
  // One buffer for all reads, overwritten each time, as a real reader would have.
  const buffer = Buffer.alloc(4096, '\n')
  for (const piece of pieces) {
    buffer.fill('\n')
    buffer.set(piece)
    splitter.feed(buffer, piece.length)
  }
  return out
}

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

/** The plain truth to compare with: cut at newlines, stop at the first line that is too long. */
function expectedOf(whole: Buffer): { lines: string[]; tooLong: number } {
  const parts = whole.toString('latin1').split('\n')
  const rest = parts.pop() as string
  const long = parts.findIndex((line) => line.length >= MAX_LINE)
  if (long !== -1) return { lines: parts.slice(0, long), tooLong: 1 }
  return { lines: parts, tooLong: rest.length >= MAX_LINE ? 1 : 0 }
}

t.test('one read of whole lines gives these lines', async (t) => {
  t.strictSame(split([bytes('accepted 1 1\ndone 1 1\n')]), {
    lines: ['accepted 1 1', 'done 1 1'],
    tooLong: 0,
  })
})

t.test('fed byte by byte the same lines come out', async (t) => {
  const whole = bytes('idle 8\naccepted 1 1\n\ndone 1 1\nhalf a li')
  t.strictSame(split([...whole].map((byte) => Uint8Array.of(byte))), {
    lines: ['idle 8', 'accepted 1 1', '', 'done 1 1'],
    tooLong: 0,
  })
})

t.test('a line of 64 bytes with its newline passes, one of 65 does not', async (t) => {
  const fits = 'x'.repeat(MAX_LINE - 1)
  t.strictSame(split([bytes(`${fits}\n`)]), { lines: [fits], tooLong: 0 })
  t.strictSame(split([bytes(fits), bytes('\n')]), { lines: [fits], tooLong: 0 })
  t.strictSame(split([bytes(`a\n${fits}x\nb\n`), bytes('c\n')]), { lines: ['a'], tooLong: 1 })
})

t.test('a line without end is reported as soon as it cannot fit, and once', async (t) => {
  t.strictSame(split([bytes('x'.repeat(MAX_LINE))]), { lines: [], tooLong: 1 })
  t.strictSame(split(Array.from({ length: 1_000 }, () => bytes('xxx'))), { lines: [], tooLong: 1 })
})

t.test('bytes that are not ASCII arrive as they are, for the parser to refuse', async (t) => {
  t.strictSame(split([Uint8Array.of(0, 255, 10)]).lines, ['\0\xff'])
})

t.test('once stopped, from within a line too, nothing more is delivered', async (t) => {
  const lines: string[] = []
  const splitter = new LineSplitter(
    (line) => {
      lines.push(line)
      if (line === 'b') splitter.stop()
    },
    () => t.fail('not too long'),
  )
  splitter.feed(bytes('a\nb\nc\n'))
  t.ok(splitter.stopped)
  splitter.feed(bytes('d\n'))
  splitter.feed(bytes('x'.repeat(MAX_LINE)))
  t.strictSame(lines, ['a', 'b'])
})

t.test('any bytes cut in any way give the same lines, and none longer than allowed', async (t) => {
  const line = fc.string({ unit: 'binary-ascii', maxLength: 70 })
  const whole = fc.oneof(
    fc.array(line, { maxLength: 12 }).map((lines) => bytes(lines.join('\n'))),
    fc.uint8Array({ maxLength: 400 }).map((array) => Buffer.from(array)),
  )
  const cuts = fc.array(fc.nat({ max: 400 }), { maxLength: 20 })
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(whole, cuts, (whole, cuts) => {
        const edges = [0, ...cuts.filter((cut) => cut < whole.length), whole.length]
        edges.sort((a, b) => a - b)
        const pieces = edges.slice(1).map((edge, i) => whole.subarray(edges[i], edge))
        const out = split(pieces)
        const expected = expectedOf(whole)
        return (
          JSON.stringify(out) === JSON.stringify(expected) &&
          out.lines.every((each) => each.length < MAX_LINE)
        )
      }),
      { numRuns: 3_000 },
    ),
  )
})
