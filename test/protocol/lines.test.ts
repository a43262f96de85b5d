/** The lines of the wire: round trips, strictness, and what a log is told of a bad one. */

import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { lineOf } from '../../src/conform/said.js'
import { InternalError } from '../../src/errors.js'
import { MAX_COUNT, MAX_LINE, MAX_SEQ, PARKED_SEQ } from '../../src/protocol/limits.js'
import * as lines from '../../src/protocol/lines.js'
import { type Command, parseCommand, parseStatus, type Status } from '../../src/protocol/lines.js'
import fc from '../fast-check.js'

const bare = (line: string): string => line.slice(0, -1)
const asLine = (status: Status): string => `${lineOf(status)}\n`

/** Commands of one word. */
const bareCommands = {
  leave: lines.formatLeave,
  pressure: lines.formatPressure,
  report: lines.formatReport,
  room: lines.formatRoom,
  unpark: lines.formatUnpark,
}

function formatCommand(command: Exclude<Command, { type: 'unknown' }>): string {
  if (command.type === 'accept') {
    return lines.formatAccept(command.seq, command.listener, command.count)
  }
  return bareCommands[command.type]()
}

const seq = fc.oneof(fc.nat({ max: 100_000 }), fc.maxSafeNat(), fc.constantFrom(0, MAX_SEQ))
/** Where no order 0 is meant. */
const orderSeq = seq.map((number) => Math.max(1, number))
const least0 = fc.oneof(fc.nat({ max: 10 }), fc.nat({ max: MAX_COUNT }))
const least1 = fc.oneof(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: MAX_COUNT }))
const code = fc.stringMatching(/^E[A-Z0-9]{1,15}$/)
/** Printable text that fits whatever stands before it. */
const text = fc.stringMatching(/^[!-~][ -~]{0,39}$/)

/** Plain objects, as the parsers make them. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>

const status: fc.Arbitrary<Status> = fc.oneof(
  record({ type: fc.constant('idle'), slots: least1 }),
  record({ type: fc.constant('accepted'), seq, count: least0 }),
  record({ type: fc.constant('failed'), seq, count: least0, code }),
  record({ type: fc.constantFrom('done', 'cut'), seq, count: least1 }),
  record({ type: fc.constantFrom('park', 'resume', 'skip'), seq: orderSeq, count: least1 }),
  record({ type: fc.constant('waiting'), count: least0 }),
  record({ type: fc.constant('leaving'), reason: text }),
  record({ type: fc.constant('shutdown'), graceful: fc.boolean() }),
  record({ type: fc.constant('label'), seq, text }),
  record({ type: fc.constant('detach'), seq, count: least1 }),
  record({ type: fc.constant('ended'), count: least1 }),
  record({ type: fc.constant('detached'), id: seq, text }),
  record({ type: fc.constant('reported'), count: least0 }),
) as fc.Arbitrary<Status>

const command = fc.oneof(
  record({ type: fc.constant('accept' as const), seq, listener: least0, count: least1 }),
  ...(Object.keys(bareCommands) as (keyof typeof bareCommands)[]).map((type) =>
    record({ type: fc.constant(type) }),
  ),
)

/** A good line with some characters replaced, inserted or dropped: what a careless kid writes. */
function mutated(line: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const char = fc.constantFrom(...' 0123456789-+.eE_\0\t\r\nxé')
  const edit = fc.record({ at: fc.nat({ max: MAX_LINE }), drop: fc.nat({ max: 2 }), put: char })
  return fc
    .tuple(line, fc.array(edit, { maxLength: 3 }))
    .map(([good, edits]) =>
      edits.reduce(
        (now, { at, drop, put }) =>
          now.slice(0, at) + (drop === 2 ? '' : put) + now.slice(at + (drop > 0 ? 1 : 0)),
        good,
      ),
    )
}

t.test('every status is written as the design has it', async (t) => {
  t.equal(lines.formatIdle(8), 'idle 8\n')
  t.equal(lines.formatAccepted(17, 0), 'accepted 17 0\n')
  t.equal(lines.formatFailed(17, 2, 'EMFILE'), 'failed 17 2 EMFILE\n')
  t.equal(lines.formatChange('done', 17, 3), 'done 17 3\n')
  for (const what of ['cut', 'skip', 'park', 'resume', 'detach'] as const) {
    t.equal(lines.formatChange(what, 17, 3), `${what} 17 3\n`)
  }
  t.equal(lines.formatChange('done', PARKED_SEQ, 2), 'done 0 2\n')
  t.equal(lines.formatWaiting(0), 'waiting 0\n')
  t.equal(lines.formatLeaving('served its time'), 'leaving served its time\n')
  t.equal(lines.formatShutdown(true), 'shutdown graceful\n')
  t.equal(lines.formatShutdown(false), 'shutdown now\n')
  t.equal(lines.formatLabel(17, 'GET /'), 'label 17 GET /\n')
})

t.test('every command is written as the design has it', async (t) => {
  t.equal(lines.formatAccept(17, 0, 3), 'accept 17 0 3\n')
  t.equal(lines.formatLeave(), 'leave\n')
  t.equal(lines.formatPressure(), 'pressure\n')
  t.equal(lines.formatReport(), 'report\n')
  t.equal(lines.formatRoom(), 'room\n')
  t.equal(lines.formatUnpark(), 'unpark\n')
})

t.test('what is written is read back the same and fits a line', async (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(status, (sent) => {
        const line = asLine(sent)
        return line.length <= MAX_LINE && isDeepStrictEqual(parseStatus(bare(line)), sent)
      }),
    ),
  )
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(command, (sent) => {
        const line = formatCommand(sent)
        return line.length <= MAX_LINE && isDeepStrictEqual(parseCommand(bare(line)), sent)
      }),
    ),
  )
})

t.test('a bad status is refused in a sentence that can be logged', async (t) => {
  const done = 'is not "done SEQ N" with N at least 1'
  const accepted = 'is not "accepted SEQ N"'
  const failed = 'is not "failed SEQ N ERRNO"'
  const idle = 'is not "idle SLOTS" with SLOTS at least 1'
  const label = 'is not "label SEQ TEXT" in printable ASCII'
  const leaving = 'is not "leaving REASON" in printable ASCII'
  const cut = 'is not "cut SEQ N" with N at least 1'
  const skip = 'is not "skip SEQ N" with SEQ and N at least 1'
  const park = 'is not "park SEQ N" with SEQ and N at least 1'
  const resume = 'is not "resume SEQ N" with SEQ and N at least 1'
  const waiting = 'is not "waiting N"'
  const unknown = 'is not a line of the protocol'
  for (const [line, why] of [
    ['', unknown],
    ['idle', unknown],
    ['IDLE 1', unknown],
    [' idle 1', unknown],
    ['ready 1', unknown],
    ['shutdown', unknown],
    ['shutdown later', unknown],
    ['shutdown now ', unknown],
    ['accept 1 0 1', unknown],
    ['idle ', idle],
    ['idle 0', idle],
    ['idle 65536', idle],
    ['idle 1 ', idle],
    ['idle  1', idle],
    ['idle 01', idle],
    ['idle +1', idle],
    ['idle -1', idle],
    ['idle 1.0', idle],
    ['idle 1e3', idle],
    ['idle 1 2', idle],
    ['accepted 1', accepted],
    ['accepted 1 ', accepted],
    ['accepted 1 65536', accepted],
    ['accepted 00 1', accepted],
    ['accepted 1 00', accepted],
    ['accepted 1  1', accepted],
    ['accepted  1 1', accepted],
    ['accepted 1 1 1', accepted],
    [`accepted ${2 ** 53} 1`, accepted],
    ['accepted 9007199254740993 1', accepted],
    ['accepted 10000000000000000 1', accepted],
    ['accepted 99999999999999999999999 1', accepted],
    ['accepted 1 x', accepted],
    ['done 1 0', done],
    ['done 1', done],
    ['done x 1', done],
    ['done 1 1 ', done],
    ['cut 1 0', cut],
    ['cut 0 0', cut],
    ['cut 1', cut],
    ['cut  1 1', cut],
    ['cut 1 1 1', cut],
    ['skip 0 1', skip],
    ['skip 1 0', skip],
    ['skip 1 65536', skip],
    ['park 0 1', park],
    ['park 1 0', park],
    ['park 1', park],
    ['park -1 1', park],
    ['resume 0 1', resume],
    ['resume 1 0', resume],
    ['resume 1 1 ', resume],
    ['resume 01 1', resume],
    ['resume 9007199254740992 1', resume],
    ['waiting ', waiting],
    ['waiting -1', waiting],
    ['waiting 00', waiting],
    ['waiting 65536', waiting],
    ['waiting 1 1', waiting],
    ['waiting', unknown],
    ['parked 1 1', unknown],
    ['unpark', unknown],
    ['room', unknown],
    ['failed 1 0', failed],
    ['failed 1 0 ', failed],
    ['failed 1 0 emfile', failed],
    ['failed 1 0 E', failed],
    ['failed 1 0 EMFILE ', failed],
    ['failed 1 0  EMFILE', failed],
    ['failed 1 0 EABCDEFGHIJKLMNOP', failed],
    ['failed 1 x EMFILE', failed],
    ['failed x 0 EMFILE', failed],
    ['leaving ', leaving],
    ['leaving  x', leaving],
    ['label 1', label],
    ['label 1 ', label],
    ['label 1  x', label],
    ['label x y', label],
  ] as const) {
    t.equal(parseStatus(line), `"${line}" ${why}`)
  }
  t.equal(parseStatus('leaving \x1b[2J\x7f\xe9'), `"leaving \\x1b[2J\\x7f\\xe9" ${leaving}`)
  t.equal(parseStatus('label 1 "\\\u2028'), `"label 1 \\"\\\\\\u2028" ${label}`)
  t.equal(
    parseStatus(`leaving ${'x'.repeat(MAX_LINE - 8)}`),
    `"leaving ${'x'.repeat(MAX_LINE - 12)}..." is not a line of at most 64 bytes`,
  )
})

t.test('a command that is unknown or malformed is unknown, for a kid to ignore', async (t) => {
  for (const line of [
    '',
    'leave now',
    'Leave',
    'pressure ',
    'reload',
    'room 1',
    'rooms',
    'unpark 1',
    ' unpark',
    'park 1 1',
    'resume 1 1',
    'waiting 1',
    'idle 1',
    'accept',
    'accept 1 0',
    'accept 1 0 0',
    'accept 1 0 1 1',
    'accept 1 0 1 ',
    'accept  1 0 1',
    'accept 01 0 1',
    'accept 1 65536 1',
    'accept 1 0 65536',
    'accept x 0 1',
    'accept 1 x 1',
  ]) {
    t.strictSame(parseCommand(line), { type: 'unknown' }, line)
  }
})

t.test('a mutated line is refused or canonical: there is one way to write each', async (t) => {
  let accepted = 0
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(mutated(status.map((sent) => bare(asLine(sent)))), (line) => {
        const read = parseStatus(line)
        if (typeof read === 'string') return /^[ -~]{1,400}$/.test(read)
        accepted++
        return bare(asLine(read)) === line
      }),
      { numRuns: 5_000 },
    ),
  )
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(mutated(command.map((sent) => bare(formatCommand(sent)))), (line) => {
        const read = parseCommand(line)
        return read.type === 'unknown' || bare(formatCommand(read)) === line
      }),
      { numRuns: 5_000 },
    ),
  )
  t.ok(accepted > 500, 'both cases were met')
})

t.test('a reason and a label are made to fit whatever they are', async (t) => {
  t.equal(lines.formatLeaving(''), 'leaving -\n')
  t.equal(lines.formatLeaving('  a\nb\té😀  c'), 'leaving a?b???  c\n')
  t.equal(lines.formatLeaving('x'.repeat(500)), `leaving ${'x'.repeat(55)}\n`)
  t.equal(lines.formatLabel(MAX_SEQ, 'x'.repeat(500)), `label ${MAX_SEQ} ${'x'.repeat(40)}\n`)
  t.equal(lines.formatLabel(1, ' \n '), 'label 1 -\n')
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(seq, fc.string({ unit: 'binary', maxLength: 100 }), (seq, free) => {
        for (const line of [lines.formatLabel(seq, free), lines.formatLeaving(free)]) {
          const read = parseStatus(bare(line))
          if (typeof read === 'string' || asLine(read) !== line) return false
        }
        return true
      }),
    ),
  )
})

t.test('an errno without a name is still answered', async (t) => {
  for (const code of ['UNKNOWN', '', 'EMFILE\n', 'Unknown system error -999']) {
    t.equal(lines.formatFailed(1, 0, code), 'failed 1 0 EUNKNOWN\n')
  }
})

t.test('our own wrong numbers are a defect, never a line', async (t) => {
  for (const [write, value, least, most] of [
    [() => lines.formatAccept(-1, 0, 1), -1, 0, MAX_SEQ],
    [() => lines.formatAccept(MAX_SEQ + 1, 0, 1), MAX_SEQ + 1, 0, MAX_SEQ],
    [() => lines.formatAccept(1, 1.5, 1), 1.5, 0, MAX_COUNT],
    [() => lines.formatAccept(1, 0, 0), 0, 1, MAX_COUNT],
    [() => lines.formatIdle(0), 0, 1, MAX_COUNT],
    [() => lines.formatAccepted(1, Number.NaN), Number.NaN, 0, MAX_COUNT],
    [() => lines.formatFailed(1, 65_536, 'EIO'), 65_536, 0, MAX_COUNT],
    [() => lines.formatChange('done', 1, 0), 0, 1, MAX_COUNT],
    [() => lines.formatChange('park', -1, 1), -1, 0, MAX_SEQ],
    [() => lines.formatWaiting(-1), -1, 0, MAX_COUNT],
    [() => lines.formatLabel(0.5, ''), 0.5, 0, MAX_SEQ],
  ] as const) {
    t.throws(
      write,
      new InternalError(`${value} in a protocol line, where ${least} to ${most} can stand`),
    )
  }
})
