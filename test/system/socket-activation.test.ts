/** Sockets handed in by the real systemd-socket-activate: adopted, served from, or refused. */

import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { existsSync } from 'node:fs'
import { connect, type NetConnectOpts } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { closeListener, openListener } from '../../src/system/listeners.js'
import { openDescriptors, shortDirectory, soon, until } from './observe.js'

const activator = '/usr/bin/systemd-socket-activate'
const missing = !existsSync(activator) && `${activator} is not installed`

const before = openDescriptors()

/** Adopts what ADDRESSES asks for, tells its first client what it has, and ends. */
const program = `
  import { readFileSync } from 'node:fs'
  import { accept, close, isNonBlocking, setNonBlocking, write } from './dist/system/descriptors.js'
  import { takeHanded } from './dist/system/handed.js'
  import { closeListener } from './dist/system/listeners.js'
  import { openListeners } from './dist/system/open-listeners.js'
  import { parseListenAddress } from './dist/listen-address.js'
  try {
    const addresses = process.env.ADDRESSES.split(' ').map((text) => parseListenAddress(text))
    const handed = takeHanded(process.env)
    const listeners = await openListeners(addresses, 8, handed)
    const left = Object.keys(process.env).filter((name) => name.startsWith('LISTEN_'))
    const flags = listeners.map(({ fd }) => Number.parseInt(
      /flags:\\s+(\\d+)/.exec(readFileSync('/proc/self/fdinfo/' + fd, 'utf8'))[1], 8) & 0o2004000)
    const told = Buffer.from(JSON.stringify({ handed, listeners, left, flags }))
    const clients = listeners.map(({ fd }) => accept(fd)).filter((fd) => fd >= 0)
    for (const fd of clients) {
      write(fd, told)
      close(fd)
    }
    listeners.forEach(closeListener)
  } catch (error) {
    console.error(error.name + ': ' + error.message)
    process.exitCode = error.exitCode ?? 70
  }
`

interface Activation {
  /** How the program has ended, and what it has said on standard error after the activator was done. */
  readonly ended: Promise<{ code: number | null; err: string }>
}

/** Starts the activator with `options`, and settles when it listens on all of `places`. */
async function activate(
  t: Test,
  addresses: string,
  options: readonly string[],
  ...places: string[]
): Promise<Activation> {
  const listen = places.flatMap((place) => ['-l', place])
  const args = [...listen, ...options, '-E', `ADDRESSES=${addresses}`]
  const node = [process.execPath, '--input-type=module', '-e', program]
  const started = spawn(activator, [...args, ...node], {
    cwd: new URL('../..', import.meta.url),
    // Without tap's hooks.
    env: {},
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  t.teardown(() => started.kill('SIGKILL'))
  let err = ''
  started.stderr.on('data', (bytes) => {
    err += bytes
  })
  const closed = new Promise<number | null>((resolve) => started.once('close', resolve))
  await until(() => err.split('Listening on ').length > places.length)
  return {
    ended: soon(closed).then((code) => {
      const said = err.split('\n').filter((line) => /^\w*Error: /.test(line))
      return { code, err: said.join('\n') }
    }),
  }
}

/** What the program tells. */
async function ask(where: NetConnectOpts) {
  const socket = connect(where)
  let text = ''
  socket.on('data', (bytes) => {
    text += bytes
  })
  await soon(
    new Promise((resolve, reject) => {
      socket.once('close', resolve)
      socket.once('error', reject)
    }),
  )
  return JSON.parse(text)
}

/** A port that was free just now. */
async function freePort(): Promise<number> {
  const any = { kind: 'tcp', name: 'any', host: '127.0.0.1', port: 0 } as const
  const listener = await openListener(any, 1)
  closeListener(listener)
  return listener.address.kind === 'tcp' ? listener.address.port : 0
}

const good = 0o2004000

t.test(
  'two sockets with names are adopted, with their own addresses',
  { skip: missing },
  async (t) => {
    const path = join(shortDirectory(t), 's')
    const port = await freePort()
    const names = ['--fdname=web:local']
    const { ended } = await activate(t, 'systemd', names, `127.0.0.1:${port}`, path)
    t.match(await ask({ port, host: '127.0.0.1' }), {
      handed: [
        { fd: 3, name: 'web', source: 'LISTEN_FDS' },
        { fd: 4, name: 'local', source: 'LISTEN_FDS' },
      ],
      listeners: [
        { fd: 3, name: 'web', address: { kind: 'tcp', host: '127.0.0.1', port }, inherited: true },
        { fd: 4, name: 'local', address: { kind: 'unix', path }, inherited: true },
      ],
      left: [],
      flags: [good, good],
    })
    t.same(await ended, { code: 0, err: '' })
    t.ok(existsSync(path), "the path is systemd's to unlink")
  },
)

t.test(
  'one is adopted by its name, an abstract one and one of IPv6 too',
  { skip: missing },
  async (t) => {
    const abstract = `preforkd-test-${process.pid}`
    const names = ['--fdname=a:b:c']
    const port = await freePort()
    const six = `[::1]:${port}`
    const places = [`@${abstract}`, six, join(shortDirectory(t), 's')]
    const { ended } = await activate(t, 'systemd:a mine=systemd:b', names, ...places)
    const { listeners } = await ask({ port, host: '::1' })
    t.match(listeners, [
      { fd: 3, name: 'a', address: { path: `\0${abstract}` } },
      { fd: 4, name: 'mine', address: { host: '::1', port } },
    ])
    t.equal(listeners.length, 2)
    t.same(await ended, { code: 0, err: '' })
  },
)

t.test(
  'a socket without a name of its own is named by its address',
  { skip: missing },
  async (t) => {
    const path = join(shortDirectory(t), 's')
    const { ended } = await activate(t, 'systemd', [], path)
    t.match(await ask({ path }), { listeners: [{ name: `unix:${path}` }] })
    t.same(await ended, { code: 0, err: '' })
  },
)

t.test('as inetd would with wait: the listener is standard input', { skip: missing }, async (t) => {
  const path = join(shortDirectory(t), 's')
  const { ended } = await activate(t, 'web=fd:0', ['--inetd'], path)
  const { listeners, flags } = await ask({ path })
  t.match(listeners, [{ name: 'web', address: { kind: 'unix', path }, inherited: true }])
  t.ok(listeners[0].fd >= 3)
  t.same(flags, [good])
  t.same(await ended, { code: 0, err: '' })
})

t.test('a name that is not there is refused with those that are', { skip: missing }, async (t) => {
  const path = join(shortDirectory(t), 's')
  const { ended } = await activate(t, 'systemd:b', ['--fdname=a'], path)
  connect({ path }).on('error', () => {})
  const { code, err } = await ended
  t.equal(code, 4)
  t.match(
    err,
    /^ListenError: cannot listen on systemd:b: no socket of that name was handed in, only "a"; /,
  )
})

t.test('a UDP socket is refused', { skip: missing }, async (t) => {
  const port = await freePort()
  const { ended } = await activate(t, 'systemd', ['-d'], `127.0.0.1:${port}`)
  const socket = createSocket('udp4')
  socket.send('x', port, '127.0.0.1')
  t.same(await ended, {
    code: 4,
    err: 'ListenError: cannot listen on systemd: descriptor 3 from LISTEN_FDS is a datagram socket; hand in a stream socket (ListenStream= in a socket unit)',
  })
  await soon(new Promise<void>((resolve) => socket.close(resolve)))
})

t.test('a connection (Accept=yes) is refused', { skip: missing }, async (t) => {
  const path = join(shortDirectory(t), 's')
  // With -a the activator goes on listening, and its own children end one by one: it says how each did.
  const started = spawn(
    activator,
    [
      ...['-a', '-l', path, '-E', 'ADDRESSES=systemd'],
      ...[process.execPath, '--input-type=module', '-e', program],
    ],
    { cwd: new URL('../..', import.meta.url), env: {}, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  t.teardown(() => started.kill('SIGKILL'))
  let err = ''
  started.stderr.on('data', (bytes) => {
    err += bytes
  })
  await until(() => err.includes('Listening on '))
  const peer = connect({ path }).on('error', () => {})
  await until(() => err.includes('ListenError: '))
  t.match(err, /descriptor 3 from LISTEN_FDS is a connection and not a listener; .*Accept=no/)
  const gone = new Promise((resolve) => started.once('close', resolve))
  peer.destroy()
  started.kill('SIGTERM')
  await soon(gone)
})

t.test('no descriptor is left open', async (t) => {
  await until(() => openDescriptors().length === before.length)
  t.same(openDescriptors(), before)
})
