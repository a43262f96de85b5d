/** `preforkd herd watch` sees kids, switches and queues of a real small server, and says what it cannot see. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { parseFlags } from '../../../src/cli/flags.js'
import { runShowing } from '../../../src/cli/herd-showing.js'
import { UsageError } from '../../../src/errors.js'
import type { Cost } from '../../../src/herd/counters.js'
import { linesOf, ratesOf, unseen } from '../../../src/herd/watch/rates.js'
import { type Sample, startOf, takeSample } from '../../../src/herd/watch/sample.js'
import { parseListeners } from '../../../src/herd/watch/tcp-listeners.js'
import { watch } from '../../../src/herd/watch/watch.js'
import { isAlive, offspring, signal as stop, until, within } from '../../process/processes.js'

/** A parent with a listener and two kids, which it wakes 50 times a second; they end when it does. */
const server = `
  const { spawn } = require('node:child_process')
  const up = (port) => {
    const kids = [1, 2].map(() => spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] }))
    setInterval(() => kids.forEach((kid) => kid.stdin.write('x')), 20)
    process.stdout.write(port + '\\n')
  }
  const listener = require('node:net').createServer((socket) => socket.on('error', () => {}))
  listener.listen({ host: '127.0.0.1', port: 0 }, () => up(listener.address().port))
  process.stdin.on('end', () => process.exit()).resume()
`

/** Starts it, behind a shell where that is wanted; gives what was started and the port. */
async function start(t: Test, behind: boolean): Promise<{ pid: number; port: number }> {
  const node = [process.execPath, '-e', server]
  // With a second command the shell stays.
  const [command = '', ...args] = behind ? ['sh', '-c', '"$0" "$@"; true', ...node] : node
  const env = { PATH: process.env.PATH }
  const started = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], env })
  const pid = started.pid as number
  const ended = once(started, 'exit')
  t.teardown(async () => {
    // It ends, and its kids with it, when nobody holds the other end any more.
    started.stdin.end()
    await within(ended, 'the server to end')
  })
  const [told] = await within(once(started.stdout, 'data'), 'its port')
  return { pid, port: Number(`${told}`) }
}

t.test('a running server: its kids, what they do, and its queue', async (t) => {
  const { pid, port } = await start(t, false)
  // A server that is stopped accepts nothing: what comes stays in its queue.
  await stop(pid, 'SIGSTOP')
  const client = connect(port, '127.0.0.1')
  t.teardown(() => client.destroy())
  await within(once(client, 'connect'), 'the connection')
  const texts: string[] = []
  const signal = new AbortController().signal
  await watch(pid, { seconds: 2, write: (text) => texts.push(text), signal, beat: 300 })
  t.equal(texts.length, 3, 'a heading, and each look at once')
  t.match(texts[0], /^time +pid +vol\/s +invol\/s +CPU % +delay ms\/s\n$/)
  const lines = (texts[2] ?? '')
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^\d\d:\d\d:\d\d /, ''))
  t.match(lines[0], new RegExp(`^parent +${pid} `))
  t.strictSame(
    lines
      .slice(1, 3)
      .map((line) => Number(line.split(/ +/)[1]))
      .sort(),
    offspring(pid).sort(),
  )
  t.match(lines[3], /^kids +2 /)
  t.equal(lines[4], `queue 127.0.0.1:${port}: 1 wait`)
  process.kill(pid, 'SIGCONT')
  const before = takeSample(pid)
  const switches = () => {
    const after = takeSample(pid)
    if (before === undefined || after === undefined) throw new Error('it has gone')
    return after.kids.map((kid) => ratesOf(kid, before, after)?.voluntary ?? 0)
  }
  await until(() => switches().every((each) => each > 0), 'both kids to wake')
  await until(() => takeSample(pid)?.listeners[0]?.depth === 0, 'the queue to be empty')

  const pictures: string[] = []
  await watch(pid, { seconds: 1, write: (text) => pictures.push(text), signal, beat: 50, rows: 9 })
  t.equal(pictures.length, 1, 'on a terminal the picture is drawn anew')
  t.ok(pictures[0]?.startsWith('\u001b[H\u001b[J'))
  t.match(pictures[0], '... and 1 more kids', 'no more kids than fit')
})

t.test('where something stands between, the kids are those of the only child', async (t) => {
  const { pid } = await start(t, true)
  const sample = takeSample(pid)
  const [parent] = offspring(pid)
  t.equal(sample?.parent, parent)
  t.strictSame([...(sample?.kids ?? [])].sort(), offspring(parent as number).sort())
  t.equal(sample?.listeners.length, 1, 'its listener is found there')
})

t.test('the signal ends it at once; the end of the server is said', async (t) => {
  const mark = new AbortController()
  const watching = watch(process.pid, { seconds: Infinity, write: () => {}, signal: mark.signal })
  mark.abort()
  await within(watching, 'the end of the watching')

  const sleeper = spawn('sleep', ['60'])
  const ended = once(sleeper, 'exit')
  const pid = sleeper.pid as number
  const texts: string[] = []
  const signal = new AbortController().signal
  const other = watch(pid, { seconds: 1000, write: (text) => texts.push(text), signal, beat: 20 })
  sleeper.kill('SIGKILL')
  await within(Promise.all([other, ended]), 'the end of both')
  t.equal(texts.at(-1), `process ${pid} has ended\n`)
  t.notOk(isAlive(pid))
  await t.rejects(
    watch(pid, { seconds: 1, write: () => {}, signal }),
    new UsageError(`there is no process ${pid}`),
  )
})

const nothing: Cost = { voluntary: 0, involuntary: 0, cpuNs: 0, delayNs: 0 }

function sample(changes: Partial<Sample>): Sample {
  const rest = { listeners: [], overflows: 0, drops: 0, hidden: [] }
  return { at: 0, parent: 1, kids: [2, 3], costs: new Map(), ...rest, ...changes }
}

t.test(
  'rates are for a second, never below zero, and unknown for a kid that has just come',
  async (t) => {
    const cost = { voluntary: 30, involuntary: 3, cpuNs: 15e6, delayNs: 3e6 }
    const before = sample({
      costs: new Map([
        [1, cost],
        [2, nothing],
      ]),
    })
    const after = sample({
      ...{
        at: 1500,
        costs: new Map([
          [1, nothing],
          [2, cost],
          [3, cost],
        ]),
        overflows: 2,
        drops: 3,
      },
      listeners: [{ inode: 1, address: '[::1]:80', depth: 7 }],
    })
    t.strictSame(ratesOf(2, before, after), {
      voluntary: 20,
      involuntary: 2,
      cpuPercent: 1,
      delayMs: 2,
    })
    t.match(ratesOf(1, before, after), { voluntary: 0, cpuPercent: 0 })
    t.strictSame(
      linesOf({ ...before, kids: [2, 4] }, after).map((line) => line.replaceAll(/ +/g, ' ')),
      [
        ...['parent 1 0 0 0 0', 'kid 2 20 2 1 2', 'kid 3 - - - -', 'kids 2 20 2 1 2'],
        ...['queue [::1]:80: 7 wait', 'kids: 1 came, 1 went'],
        'listeners of this machine overflowed 2 times, dropped 3',
      ],
    )
  },
)

t.test('what may not be seen is said', async (t) => {
  t.strictSame(
    unseen(
      sample({ kids: [], hidden: [7, 8], costs: new Map([[7, { ...nothing, cpuNs: null }]]) }),
    ),
    [
      'process 1 has no kids',
      'this kernel keeps no schedstat: CPU and delay are not known',
      'the descriptors of 2 processes (7 for one) may not be seen: run as their user or root to see all queues',
    ],
  )
  t.strictSame(unseen(sample({})), [
    'it has no TCP listener: of Unix sockets /proc does not tell the queue',
  ])
})

t.test('listeners in /proc/net/tcp and tcp6', async (t) => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F40 00000000:0000 0A 00000000:0000000A 00:00000000 00000000     0        0 4711 1 0000
   1: 0100007F:1F40 0100007F:A000 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0000
   2: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 4713 1
   3: 0100007F:XXXX 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4714 1 0000
`
  t.strictSame(parseListeners(table), [
    { inode: 4711, address: '127.0.0.1:8000', depth: 10 },
    { inode: 4713, address: '[::1]:80', depth: 0 },
  ])
  t.strictSame(parseListeners(''), [])
})

t.test('what is no process, and what is no number', async (t) => {
  t.equal(startOf(4_194_305), undefined)
  const said = async (...argv: string[]) => {
    try {
      const flags = parseFlags(['herd', ...argv])
      return flags.action === 'herdShowing' ? await runShowing(flags.showing) : flags.action
    } catch (error) {
      if (error instanceof UsageError) return error.message
      throw error
    }
  }
  for (const [argv, sentence] of [
    [['watch'], 'herd watch must be given the pid of a server'],
    [['watch', 'x'], 'PID must be the number of a process, not "x"'],
    [['watch', '0'], 'PID must be the number of a process, not "0"'],
    [['watch', '4194305'], 'PID must be the number of a process, not "4194305"'],
    [['watch', '4194304'], 'there is no process 4194304'],
    [['watch', '1', '2'], 'unexpected argument "2"'],
    [['watch', '1', '--seconds', '0'], '--seconds must be a whole number from 1 to 86400, not "0"'],
    [
      ['watch', '1', '--seconds', '1.5'],
      '--seconds must be a whole number from 1 to 86400, not "1.5"',
    ],
    [['watch', '1', '--rounds', '1'], "unknown option '--rounds'"],
    [['report'], 'herd report must be given the file of a run'],
    [['report', 'a', 'b'], 'unexpected argument "b"'],
    [['report', '/none/x.jsonl', '--out', '/none'], 'cannot read /none/x.jsonl: ENOENT'],
  ] as const) {
    t.equal(await said(...argv), sentence)
  }
  t.strictSame(parseFlags(['herd', 'watch', '7', '--seconds', '3']), {
    ...{ action: 'herdShowing', showing: { show: 'watch', pid: '7', seconds: '3' } },
  })
  t.match(parseFlags(['herd', 'report', '--help']), { text: /^Usage: preforkd herd report FILE/ })
})
