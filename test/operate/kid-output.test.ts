/** What kids write: whole lines, cut and escaped, and a flood that is counted instead of passed on. */

import { PassThrough } from 'node:stream'
import { pino } from 'pino'
import { type Test, test } from 'tap'
import { narrateOutput } from '../../src/operate/narrate.js'
import { KidOutput, type OutputLine } from '../../src/parent/kid-output.js'
import { until } from '../process/processes.js'

/** A kid that is up, and what of its words is passed on. */
function listening(t: Test) {
  const lines: OutputLine[] = []
  const output = new KidOutput((line) => lines.push(line))
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  output.read(stdout, 'stdout')
  output.read(stderr, 'stderr')
  output.release()
  t.teardown(() => output.end())
  return { lines, texts: () => lines.map(({ text }) => text), output, stdout, stderr }
}

test('lines are passed on whole, however they come', async (t) => {
  const { lines, stdout, stderr, output } = listening(t)
  stdout.write('on')
  stdout.write('e\ntw')
  stderr.write('other\n')
  stdout.write('o\r\n\n\nthree')
  stdout.end()
  stderr.end()
  await output.end()
  t.strictSame(lines, [
    { stream: 'stdout', text: 'one' },
    { stream: 'stderr', text: 'other' },
    { stream: 'stdout', text: 'two' },
    { stream: 'stdout', text: 'three' },
  ])
})

test('a character that comes in two pieces is one', async (t) => {
  const { texts, stdout, output, stderr } = listening(t)
  const bytes = Buffer.from('ü€\n')
  for (const byte of bytes) stdout.write(Buffer.from([byte]))
  stdout.end(Buffer.from([0xff, 0x0a]))
  stderr.end()
  await output.end()
  t.strictSame(texts(), ['ü€', '\ufffd'])
})

test('control characters are escaped, but tabs', async (t) => {
  const { texts, stdout, stderr, output } = listening(t)
  stdout.end('\x1b[31mred\x07\ta\rb\x00\x7f\u009b\n')
  stderr.end()
  await output.end()
  t.strictSame(texts(), ['\\x1b[31mred\\x07\ta\\x0db\\x00\\x7f\\x9b'])
})

test('a line is cut at 8 KB, and what follows it is a line of its own', async (t) => {
  const { texts, stdout, stderr, output } = listening(t)
  for (let i = 0; i < 10; i++) stdout.write('x'.repeat(1_000))
  stdout.end('\nnext\n')
  stderr.end()
  await output.end()
  t.strictSame(texts(), [`${'x'.repeat(8_192)} (cut: 1808 more bytes)`, 'next'])
})

test('a flood of lines is counted, and the count is said', async (t) => {
  const { texts, stdout, output, stderr } = listening(t)
  stdout.end('x\n'.repeat(50_000))
  stderr.end()
  await output.end()
  t.equal(texts().length, 1_001)
  t.equal(texts()[1_000], '(left out 49000 more lines within a second)')
})

test('a flood of bytes is counted too, and once it is over the kid is heard again', async (t) => {
  const { texts, stdout } = listening(t)
  const line = `${'x'.repeat(4_999)}\n`
  stdout.write(line.repeat(300))
  // The kid is alive: the count comes by itself when the second is over.
  const keptAlive = setTimeout(() => {}, 5_000)
  await until(() => texts().includes('(left out 100 more lines within a second)'), 'the count')
  clearTimeout(keptAlive)
  t.equal(texts().length, 201)
  stdout.write('again\n')
  await until(() => texts().at(-1) === 'again', 'the next line')
})

test('before it is up the first lines are kept back', async (t) => {
  const lines: OutputLine[] = []
  const output = new KidOutput((line) => lines.push(line))
  const stderr = new PassThrough()
  output.read(stderr, 'stderr')
  stderr.end(Array.from({ length: 60 }, (_, i) => `line ${i}\n`).join(''))
  await output.end()
  t.strictSame(lines, [])
  t.equal(output.kept.length, 50)
  t.equal(output.kept[0]?.text, 'line 0')
  output.release()
  t.equal(lines.length, 50)
})

test('in the log a line has its kid and stream, and a record of its own logger its level', async (t) => {
  const said: Record<string, unknown>[] = []
  const log = pino(
    { level: 'trace', base: null, timestamp: false },
    {
      write: (line: string) => said.push(JSON.parse(line)),
    },
  )
  narrateOutput(log, 3, 'stdout', 'hello')
  narrateOutput(log, 3, 'stderr', 'oh')
  narrateOutput(log, 3, 'stdout', '{"level":50,"msg":"no","a":1}')
  narrateOutput(log, 3, 'stdout', '{"level":"high"}')
  narrateOutput(log, 3, 'stdout', '{"level":')
  const stack = 'Error: a\\n    at b\\u001b[0m'
  narrateOutput(log, 3, 'stdout', `{"level":30,"msg":"a\\u001b\\nb","err":{"stack":"${stack}"}}`)
  const forged = '"time":1,"pid":2,"hostname":"h","kid":9,"stream":"parent","msg":"ready"'
  narrateOutput(log, 3, 'stderr', `{"level":30,${forged},"\\u001b[2J":{"\\u0007":1}}`)
  t.strictSame(said, [
    { level: 30, kid: 3, stream: 'stdout', msg: 'hello' },
    { level: 40, kid: 3, stream: 'stderr', msg: 'oh' },
    { level: 50, a: 1, kid: 3, stream: 'stdout', msg: 'no' },
    { level: 30, kid: 3, stream: 'stdout', msg: '{"level":"high"}' },
    { level: 30, kid: 3, stream: 'stdout', msg: '{"level":' },
    {
      level: 30,
      err: { stack: 'Error: a\n    at b\\x1b[0m' },
      kid: 3,
      stream: 'stdout',
      msg: 'a\\x1b\\x0ab',
    },
    { level: 30, '\\x1b[2J': { '\\x07': 1 }, kid: 3, stream: 'stderr', msg: 'ready' },
  ])
})
