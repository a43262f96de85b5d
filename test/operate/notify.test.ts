/** Telling the service manager: what it is told, by real datagrams, and what happens when it does not listen. */

import { spawn, spawnSync } from 'node:child_process'
import { renameSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { UsageError } from '../../src/errors.js'
import { Notify } from '../../src/operate/notify.js'
import { binding } from '../../src/system/binding.js'
import { close, read } from '../../src/system/descriptors.js'
import { negated } from '../../src/system/errno.js'
import { openDescriptors, shortDirectory, soon, until } from '../system/observe.js'

const before = openDescriptors()

/** A service manager: what it is told comes out of `next`, one message a call, undefined when there is none. */
function manager(path: string) {
  const fd = binding.datagramSocket()
  if (binding.bindUnix(fd, path) !== 0) throw new Error(`cannot bind ${path}`)
  const buffer = Buffer.alloc(8192)
  return {
    next(): string | undefined {
      const length = read(fd, buffer)
      if (length === negated('EAGAIN')) return undefined
      if (length < 0) throw new Error(`read: ${length}`)
      return buffer.toString('utf8', 0, length)
    },
    close: () => close(fd),
  }
}

function notifyTo(socket: string): Notify {
  const notify = Notify.fromEnvironment({ NOTIFY_SOCKET: socket })
  if (notify === undefined) throw new Error('nobody to tell')
  return notify
}

/** A path, and a Notify that is closed after the test. */
function setUp(t: Test) {
  const path = join(shortDirectory(t), 'notify')
  const notify = notifyTo(path)
  t.teardown(() => notify.close())
  return { path, notify }
}

t.test('each call is one message, in the words of sd_notify', async (t) => {
  const { path, notify } = setUp(t)
  const systemd = manager(path)
  t.equal(notify.ready('4 kids on 127.0.0.1:8000'), true)
  t.equal(systemd.next(), 'READY=1\nSTATUS=4 kids on 127.0.0.1:8000')
  t.equal(systemd.next(), undefined, 'once')
  notify.ready()
  t.equal(systemd.next(), 'READY=1')
  notify.stopping()
  t.equal(systemd.next(), 'STOPPING=1')
  notify.mainPid(4711)
  t.equal(systemd.next(), 'MAINPID=4711')
  notify.watchdog()
  t.equal(systemd.next(), 'WATCHDOG=1')
  notify.status('all well')
  t.equal(systemd.next(), 'STATUS=all well')
  const earliest = process.hrtime.bigint() / 1000n
  notify.reloading()
  const [, at = ''] = /^RELOADING=1\nMONOTONIC_USEC=(\d+)$/.exec(systemd.next() ?? '') ?? []
  t.ok(BigInt(at) >= earliest && BigInt(at) <= process.hrtime.bigint() / 1000n)
  t.equal(notify.failures, 0)
  t.equal(notify.lastFailure, '')
  systemd.close()
})

t.test('a status is one line of bounded length, and forges no other message', async (t) => {
  const { path, notify } = setUp(t)
  const systemd = manager(path)
  notify.status('a\nMAINPID=1\0\x1b[31m\x85')
  t.equal(systemd.next(), 'STATUS=a MAINPID=1  [31m ')
  notify.status('\u{1f600}'.repeat(100_000))
  t.equal(systemd.next(), `STATUS=${'\u{1f600}'.repeat(256)}`)
  notify.status('\ud800é')
  t.equal(systemd.next(), 'STATUS=\ufffdé')
  notify.status('')
  t.equal(systemd.next(), 'STATUS=')
  systemd.close()
})

t.test(
  'without a NOTIFY_SOCKET there is nobody to tell; the variables are taken either way',
  async (t) => {
    for (const env of [
      {},
      { NOTIFY_SOCKET: '' },
      { WATCHDOG_USEC: 'x', WATCHDOG_PID: 'x' },
    ] as NodeJS.ProcessEnv[]) {
      t.equal(Notify.fromEnvironment(env), undefined)
      t.notMatch(Object.keys(env).join(), /NOTIFY|WATCHDOG/)
    }
    const env = { PATH: '/bin', NOTIFY_SOCKET: '/x', WATCHDOG_USEC: '1', WATCHDOG_PID: '2' }
    t.ok(Notify.fromEnvironment(env))
    t.strictSame(env, { PATH: '/bin' })
  },
)

t.test('the watchdog is fed twice in its time, if it watches this process', async (t) => {
  const pid = 4711
  const every = (WATCHDOG_USEC?: string, WATCHDOG_PID?: string) =>
    Notify.fromEnvironment(
      {
        NOTIFY_SOCKET: '/x',
        ...(WATCHDOG_USEC === undefined ? {} : { WATCHDOG_USEC }),
        ...(WATCHDOG_PID === undefined ? {} : { WATCHDOG_PID }),
      },
      pid,
    )?.watchdogEvery
  t.equal(every(), undefined)
  t.equal(every('30000000'), 15_000)
  t.equal(every('30000000', '4711'), 15_000)
  t.equal(every('30000000', '4712'), undefined)
  t.equal(every('abc', '4712'), undefined)
  t.equal(every('1'), 1)
  t.equal(every('3000'), 1)
  t.equal(every('9999999999999999'), 2_147_483_647)
})

t.test('a malformed variable is refused with its value', async (t) => {
  for (const [env, sentence] of [
    [
      { NOTIFY_SOCKET: 'vsock:2:1234' },
      'NOTIFY_SOCKET must be an absolute path or @NAME, of at most 107 bytes, not "vsock:2:1234"',
    ],
    [{ NOTIFY_SOCKET: '@' }, /^NOTIFY_SOCKET must be an absolute path or @NAME/],
    [{ NOTIFY_SOCKET: 'run/x' }, /^NOTIFY_SOCKET must be an absolute path or @NAME/],
    [{ NOTIFY_SOCKET: `/${'x'.repeat(500)}` }, /x{80}\.\.\."$/],
    ...['', '0', '000', 'x', '-1', '1.5', '12345678901234567'].map(
      (text) =>
        [
          { NOTIFY_SOCKET: '/x', WATCHDOG_USEC: text },
          `WATCHDOG_USEC must be a number of microseconds from 1 on, not ${JSON.stringify(text)}`,
        ] as const,
    ),
    [
      { NOTIFY_SOCKET: '/x', WATCHDOG_USEC: '1', WATCHDOG_PID: 'x' },
      'WATCHDOG_PID must be the number of a process, not "x"',
    ],
  ] as const) {
    let error: unknown
    try {
      Notify.fromEnvironment({ ...env })
    } catch (caught) {
      error = caught
    }
    t.type(error, UsageError)
    t.match((error as Error).message, sentence)
  }
})

t.test('nobody there, unlinked, or gone: each is counted, and nothing is thrown', async (t) => {
  const { path, notify } = setUp(t)
  t.equal(notify.ready(), false)
  t.equal(notify.failures, 1)
  t.equal(notify.lastFailure, 'ENOENT')

  const systemd = manager(path)
  t.equal(notify.ready(), true)
  t.equal(systemd.next(), 'READY=1')
  renameSync(path, `${path}.aside`)
  t.equal(notify.stopping(), false)
  t.equal(notify.lastFailure, 'ENOENT')
  renameSync(`${path}.aside`, path)
  systemd.close()
  t.equal(notify.stopping(), false)
  t.equal(notify.lastFailure, 'ECONNREFUSED')
  t.equal(notify.failures, 3)

  // It is back: systemd has been re-executed, say.
  unlinkSync(path)
  const again = manager(path)
  t.equal(notify.stopping(), true)
  t.equal(again.next(), 'STOPPING=1')
  t.equal(notify.failures, 3)
  again.close()
})

t.test(
  'one that reads nothing fills up: it is not waited for, and told again once it reads',
  async (t) => {
    const { path, notify } = setUp(t)
    const systemd = manager(path)
    let sent = 0
    const begun = performance.now()
    while (sent < 100_000 && notify.watchdog()) sent++
    t.ok(sent > 0 && sent < 100_000, `full after ${sent}`)
    t.equal(notify.lastFailure, 'EAGAIN')
    t.equal(notify.failures, 1)
    t.equal(notify.status('x'), false)
    t.ok(performance.now() - begun < 5_000)
    for (let i = 0; i < sent; i++) t.equal(systemd.next(), 'WATCHDOG=1')
    t.equal(systemd.next(), undefined)
    t.equal(notify.ready(), true)
    t.equal(systemd.next(), 'READY=1')
    systemd.close()
  },
)

t.test('a shortage of descriptors is counted too, and over when it is over', async (t) => {
  const { path, notify } = setUp(t)
  const systemd = manager(path)
  const { datagramSocket } = binding
  t.teardown(() => Object.assign(binding, { datagramSocket }))
  Object.assign(binding, { datagramSocket: () => negated('EMFILE') })
  t.equal(notify.ready(), false)
  t.equal(notify.lastFailure, 'EMFILE')
  Object.assign(binding, { datagramSocket })
  t.equal(notify.ready(), true)
  t.equal(systemd.next(), 'READY=1')
  systemd.close()
})

t.test('closed, it tells nothing more and holds no descriptor', async (t) => {
  const path = join(shortDirectory(t), 'notify')
  const systemd = manager(path)
  const open = openDescriptors().length
  const notify = notifyTo(path)
  notify.ready()
  t.equal(openDescriptors().length, open + 1)
  notify.close()
  notify.close()
  t.equal(openDescriptors().length, open)
  t.equal(notify.stopping(), false)
  t.equal(systemd.next(), 'READY=1')
  t.equal(systemd.next(), undefined)
  systemd.close()
})

t.test('a successor is given the same service manager, and its own watch', async (t) => {
  const env = { NOTIFY_SOCKET: '@a', WATCHDOG_USEC: '4000000', WATCHDOG_PID: '4711' }
  const successor = Notify.fromEnvironment({ ...env }, 4711)?.forSuccessor()
  t.strictSame(successor, { NOTIFY_SOCKET: '@a', WATCHDOG_USEC: '4000000' })
  t.equal(Notify.fromEnvironment({ ...successor }, 4712)?.watchdogEvery, 2000)
  t.strictSame(notifyTo('/x').forSuccessor(), { NOTIFY_SOCKET: '/x' })
})

const noPython = spawnSync('python3', ['-c', '']).status !== 0 && 'there is no python3'

t.test('an abstract socket is told as well', { skip: noPython }, async (t) => {
  const name = `preforkd-notify-${process.pid}`
  // Our own addon does not bind abstract names; nothing else of Node's has such sockets.
  const program = `
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.settimeout(10)
s.bind('\\0${name}')
print('bound', flush=True)
print(s.recv(8192).decode(), flush=True)
`
  const started = spawn('python3', ['-c', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => started.kill('SIGKILL'))
  let out = ''
  started.stdout.on('data', (bytes) => {
    out += bytes
  })
  const closed = new Promise((resolve) => started.once('close', resolve))
  await until(() => out === 'bound\n')
  const notify = notifyTo(`@${name}`)
  t.equal(notify.ready(), true)
  await soon(closed)
  t.equal(out, 'bound\nREADY=1\n')
  t.equal(notify.ready(), false)
  t.equal(notify.lastFailure, 'ECONNREFUSED')
  notify.close()
})

t.test('no descriptor is left open', async (t) => {
  await until(() => openDescriptors().length === before.length)
  t.same(openDescriptors(), before)
})
