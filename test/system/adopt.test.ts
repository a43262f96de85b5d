/** Sockets handed in: which descriptors become listeners, which are refused and how, and what closing leaves alone. */

import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { existsSync, openSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ListenError } from '../../src/errors.js'
import { formatListenAddress, parseListenAddress } from '../../src/listen-address.js'
import { adoptListeners, type InheritedAddress } from '../../src/system/adopt.js'
import { binding } from '../../src/system/binding.js'
import { accept, close, openPipe, setNonBlocking } from '../../src/system/descriptors.js'
import type { HandedSocket } from '../../src/system/handed.js'
import {
  closeListener,
  type Listener,
  retireListener,
  waiting,
} from '../../src/system/listeners.js'
import { openListeners } from '../../src/system/open-listeners.js'
import { client, flagsOf, hangUp, openDescriptors, shortDirectory, soon, until } from './observe.js'

const before = openDescriptors()

function at(text: string): InheritedAddress {
  const address = parseListenAddress(text)
  if (address.kind !== 'fd' && address.kind !== 'handed') throw new Error(text)
  return address
}

/** As if systemd had handed them in. */
function handed(...sockets: (readonly [fd: number, name?: string])[]): HandedSocket[] {
  return sockets.map(([fd, name = '']) => ({ fd, name, source: 'LISTEN_FDS' }))
}

/** A TCP listener that somebody else has opened, in blocking mode. */
function tcp(host = '127.0.0.1'): number {
  const fd = binding.socket(host.includes(':') ? 6 : 4)
  binding.bindTcp(fd, host, 0)
  binding.listen(fd, 16)
  setNonBlocking(fd, false)
  return fd
}

function unix(path: string): number {
  const fd = binding.socket(1)
  binding.bindUnix(fd, path)
  binding.listen(fd, 16)
  return fd
}

/** The port, for clients. */
function portOf({ address }: Listener): number {
  if (address.kind !== 'tcp') throw new Error('not TCP')
  return address.port
}

function only(listeners: readonly Listener[]): Listener {
  const [first, ...more] = listeners
  if (first === undefined || more.length > 0) throw new Error(`${listeners.length} listeners`)
  return first
}

/** The sentence of the refusal; the descriptors are as before it. */
function refusal(t: Test, address: string, sockets: readonly HandedSocket[] = []): string {
  const open = openDescriptors()
  try {
    adoptListeners(at(address), sockets)
  } catch (error) {
    if (!(error instanceof ListenError)) throw error
    t.same(openDescriptors(), open, 'nothing was opened or closed')
    return error.message
  }
  return 'not refused'
}

t.test(
  'a descriptor is served from where it listens, non-blocking and close-on-exec',
  async (t) => {
    const fd = tcp()
    t.notOk(flagsOf(fd).nonBlocking)
    const listener = only(adoptListeners(at(`fd:${fd}`), []))
    const port = portOf(listener)
    t.same(listener, {
      fd,
      name: `127.0.0.1:${port}`,
      address: { kind: 'tcp', name: `127.0.0.1:${port}`, host: '127.0.0.1', port },
      depthKnown: process.platform === 'linux',
      file: undefined,
      inherited: true,
    })
    t.same(flagsOf(fd), { nonBlocking: true, closeOnExec: true })
    const socket = await client({ port })
    await until(() => waiting(listener) === 1)
    close(accept(listener.fd))
    await hangUp(socket)
    closeListener(listener)
  },
)

t.test('family and address come from the socket', async (t) => {
  const six = only(adoptListeners(at(`fd:${tcp('::1')}`), []))
  t.equal(formatListenAddress(six.address), `[::1]:${portOf(six)}`)
  closeListener(six)
  const path = join(shortDirectory(t), 's')
  const local = only(adoptListeners(at('systemd'), handed([unix(path)])))
  t.match(local, { name: `unix:${path}`, address: { kind: 'unix', path }, depthKnown: false })
  closeListener(local)
})

t.test(
  'a name given counts more than that of whoever handed it in, and that more than none',
  async (t) => {
    const [a, b] = [tcp(), tcp()]
    const sockets = handed([a, 'web'], [b])
    const names = (text: string) => adoptListeners(at(text), sockets).map(({ name }) => name)
    t.same(names('systemd:web'), ['web'])
    t.same(names('api=systemd:web'), ['api'])
    t.same(names(`fd:${a}`), ['web'])
    t.same(names(`api=fd:${b}`), ['api'])
    t.same(names('api=systemd'), ['api', 'api'])
    const [first, second] = names('systemd')
    t.equal(first, 'web')
    t.match(second, /^127\.0\.0\.1:\d+$/)
    close(a)
    close(b)
  },
)

t.test('all of a name are taken, in the order in which they were handed in', async (t) => {
  const [a, b, c] = [tcp(), tcp(), tcp()]
  const sockets = handed([a, 'web'], [b, 'api'], [c, 'web'])
  const fds = (text: string) => adoptListeners(at(text), sockets).map(({ fd }) => fd)
  t.same(fds('systemd:web'), [a, c])
  t.same(fds('systemd'), [a, b, c])
  for (const fd of [a, b, c]) close(fd)
})

t.test('where none was handed in, or none of that name, the sentence says so', async (t) => {
  t.equal(
    refusal(t, 'systemd'),
    'cannot listen on systemd: no socket was handed in; have systemd start preforkd itself (not through npm or a shell), or give an address',
  )
  t.match(refusal(t, 'systemd:web'), /^cannot listen on systemd:web: no socket was handed in; /)
  t.equal(
    refusal(t, 'systemd:web', handed([3, 'api'], [4])),
    'cannot listen on systemd:web: no socket of that name was handed in, only "api", descriptor 4 without a name; correct the name or the socket unit',
  )
  const many = Array.from({ length: 9 }, (_, i) => [i + 3, `n${i}`] as const)
  t.match(refusal(t, 'systemd:web', handed(...many)), /only "n0", .*"n7", \.\.\.; /)
})

t.test('what is no listener is refused by number, source and remedy, and left open', async (t) => {
  const directory = shortDirectory(t)
  const pipe = openPipe()
  const file = openSync(join(directory, 'f'), 'w')
  const folder = openSync(directory, 'r')
  const device = openSync('/dev/null', 'r')
  const bound = binding.socket(4)
  binding.bindTcp(bound, '127.0.0.1', 0)
  const datagrams = binding.datagramSocket()
  const listener = tcp()
  const { port } = binding.getSocketName(listener) as { port: number }
  const peer = await client({ port })
  const connection = accept(listener)
  const [used = 0] = [openSync('/dev/null', 'r')]
  close(used)

  for (const [fd, what] of [
    [used, 'is not open; whoever started preforkd must pass the socket on, open across exec'],
    [1_048_575, 'is not open; whoever started preforkd must pass the socket on, open across exec'],
    [file, 'is a file and not a socket; hand in a socket that listens'],
    [pipe.readFd, 'is a pipe and not a socket; hand in a socket that listens'],
    [folder, 'is a directory and not a socket; hand in a socket that listens'],
    [device, 'is a device and not a socket; hand in a socket that listens'],
    [datagrams, 'is a datagram socket; hand in a stream socket (ListenStream= in a socket unit)'],
    [bound, 'does not listen; whoever opened it must call listen before handing it in'],
    [
      connection,
      'is a connection and not a listener; hand in the listener (Accept=no in a socket unit, wait for inetd)',
    ],
  ] as const) {
    t.equal(refusal(t, `fd:${fd}`), `cannot listen on fd:${fd}: descriptor ${fd} ${what}`)
    // The good one before it is given back too.
    t.equal(
      refusal(t, 'systemd', handed([listener], [fd])),
      `cannot listen on systemd: descriptor ${fd} from LISTEN_FDS ${what}`,
    )
  }
  await hangUp(peer)
  for (const fd of [pipe.readFd, pipe.writeFd, file, folder, device, bound, datagrams]) close(fd)
  for (const fd of [listener, connection]) close(fd)
})

t.test('a UDP socket is refused', async (t) => {
  const open = new Set(openDescriptors())
  const socket = createSocket('udp4')
  await soon(new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve)))
  const added = openDescriptors().filter((line) => !open.has(line) && line.includes('socket:'))
  const fd = Number(added[0]?.split(' ')[0])
  t.match(refusal(t, `fd:${fd}`), new RegExp(`: descriptor ${fd} is a datagram socket; `))
  await soon(new Promise<void>((resolve) => socket.close(resolve)))
})

t.test('what was handed in is never unlinked and never shut down', async (t) => {
  const path = join(shortDirectory(t), 's')
  for (const end of [closeListener, retireListener]) {
    for (const open of [() => tcp(), () => unix(path)]) {
      // Two descriptors of one listener, as it is with whoever handed it in.
      const theirs = open()
      const listener = only(adoptListeners(at(`fd:${binding.duplicate(theirs, 3)}`), []))
      const { address } = listener
      end(listener)
      const socket = await client(
        address.kind === 'tcp' ? { port: address.port } : { path: address.path },
      )
      await until(() => binding.pollIn(theirs) === binding.POLLIN)
      close(accept(theirs))
      await hangUp(socket)
      close(theirs)
      if (address.kind === 'unix') {
        t.ok(existsSync(path))
        unlinkSync(path)
      }
    }
  }
})

t.test('several addresses are opened and adopted in their order', async (t) => {
  const path = join(shortDirectory(t), 's')
  const [a, b, c] = [tcp(), tcp(), tcp()]
  const addresses = ['own=0', 'systemd:web', `unix:${path}`, `fd:${c}`].map((text) =>
    parseListenAddress(text),
  )
  const listeners = await openListeners(addresses, 8, handed([a, 'web'], [b, 'web']))
  t.same(
    listeners.map(({ name, inherited }) => [name.replace(/\d+$/, 'N'), inherited]),
    [
      ['own', false],
      ['web', true],
      ['web', true],
      [`unix:${path}`, false],
      ['127.0.0.1:N', true],
    ],
  )
  t.same(
    listeners.map(({ fd }) => fd).filter((_, i) => [1, 2, 4].includes(i)),
    [a, b, c],
  )
  listeners.forEach(closeListener)
  t.notOk(existsSync(path))
})

t.test('all or nothing: what was opened is closed, what was handed in stays open', async (t) => {
  const path = join(shortDirectory(t), 's')
  const fd = tcp()
  const open = openDescriptors()
  for (const [texts, sentence] of [
    [['0', `unix:${path}`, `fd:${fd}`, 'fd:1048575'], /descriptor 1048575 is not open/],
    [['0', `unix:${path}`, 'systemd', 'unix:/nowhere/s'], /its directory does not exist/],
    [
      ['0', 'systemd', `fd:${fd}`],
      /on fd:\d+: descriptor \d+ is listened on already, as systemd asks$/,
    ],
    [
      ['systemd', 'systemd:a'],
      /on systemd:a: descriptor \d+ is listened on already, as systemd asks$/,
    ],
    [['0', 'systemd:b'], /no socket of that name was handed in, only "a"; /],
  ] as const) {
    const addresses = texts.map((text) => parseListenAddress(text))
    const error: unknown = await openListeners(addresses, 8, handed([fd, 'a'])).catch((e) => e)
    t.type(error, ListenError)
    t.match((error as Error).message, sentence)
    t.same(openDescriptors(), open)
    t.notOk(existsSync(path))
  }
  close(fd)
})

t.test(
  'a listener on standard input, as inetd has it, is moved out of the way of libuv',
  async (t) => {
    const program = `
    import { readdirSync, readFileSync } from 'node:fs'
    import { takeHanded } from './dist/system/handed.js'
    import { openListeners } from './dist/system/open-listeners.js'
    import { parseListenAddress } from './dist/listen-address.js'
    const flags = (fd) => /flags:\\s+(\\d+)/.exec(readFileSync('/proc/self/fdinfo/' + fd, 'utf8'))[1]
    const before = flags(0)
    const open = () => readdirSync('/proc/self/fd').length
    const count = open()
    const wrong = { fd: 999, name: '', source: 'UPSTART_FDS' }
    try {
      await openListeners([parseListenAddress('systemd')], 8, [{ ...wrong, fd: 0 }, wrong])
    } catch (error) {
      if (open() !== count) throw error
    }
    const [listener] = await openListeners([parseListenAddress('fd:0')], 8, takeHanded(process.env))
    console.log(JSON.stringify({ before, after: flags(listener.fd), listener }))
  `
    const fd = tcp()
    const { port } = binding.getSocketName(fd) as { port: number }
    const started = spawn(process.execPath, ['--input-type=module', '-e', program], {
      cwd: new URL('../..', import.meta.url),
      env: {},
      stdio: [fd, 'pipe', 'pipe'],
    })
    let [out, err] = ['', '']
    started.stdout?.on('data', (bytes) => {
      out += bytes
    })
    started.stderr?.on('data', (bytes) => {
      err += bytes
    })
    await soon(new Promise((resolve) => started.once('close', resolve))).finally(() =>
      started.kill('SIGKILL'),
    )
    t.equal(err, '')
    const { before, after, listener } = JSON.parse(out)
    t.equal(Number.parseInt(before, 8) & 0o4000, 0, 'libuv had made it blocking')
    t.equal(Number.parseInt(after, 8) & 0o2004000, 0o2004000)
    t.ok(listener.fd >= 3)
    t.match(listener, { address: { kind: 'tcp', host: '127.0.0.1', port }, inherited: true })
    close(fd)
  },
)

t.test('no descriptor is left open', async (t) => {
  await until(() => openDescriptors().length === before.length)
  t.same(openDescriptors(), before)
})
