/** TCP listeners: the queue's length, accepting, flags, families and what goes wrong. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import t from 'tap'
import { ListenError } from '../../src/errors.js'
import { binding } from '../../src/system/binding.js'
import { accept, close } from '../../src/system/descriptors.js'
import { negated } from '../../src/system/errno.js'
import {
  closeListener,
  describe,
  describeDescriptor,
  openListener,
  retireListener,
  waiting,
} from '../../src/system/listeners.js'
import { client, flagsOf, hangUp, openDescriptors, soon, until } from './observe.js'

const before = openDescriptors()

const anyPort = { kind: 'tcp', name: 'web', host: '127.0.0.1', port: 0 } as const

async function opened(host = '127.0.0.1') {
  const listener = await openListener({ ...anyPort, host }, 128)
  if (listener.address.kind !== 'tcp') throw new Error('not TCP')
  return { listener, host: listener.address.host, port: listener.address.port }
}

/** A process that inherits a descriptor and does nothing but hold it. */
async function sharing(fd: number) {
  const kid = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore', fd] })
  await soon(once(kid, 'spawn'))
  return {
    end: async () => {
      const gone = once(kid, 'close')
      kid.stdin?.end()
      await soon(gone)
    },
  }
}

t.test('port 0 becomes the real port, and the name stays', async (t) => {
  const { listener, port } = await opened()
  t.ok(port > 0)
  t.equal(listener.name, 'web')
  t.equal(describe(listener.address), `127.0.0.1:${port}`)
  t.equal(describeDescriptor(listener.fd), `127.0.0.1:${port}`)
  t.same(binding.getSocketName(listener.fd), { family: 'tcp4', host: '127.0.0.1', port, path: '' })
  closeListener(listener)
})

t.test('a listener is close-on-exec and non-blocking, and so is what it accepts', async (t) => {
  const { listener, host, port } = await opened()
  t.same(flagsOf(listener.fd), { nonBlocking: true, closeOnExec: true })
  const socket = await client({ host, port })
  await until(() => waiting(listener) === 1)
  const fd = accept(listener.fd)
  t.same(flagsOf(fd), { nonBlocking: true, closeOnExec: true })
  close(fd)
  await hangUp(socket)
  closeListener(listener)
})

t.test(
  'waiting is the length of the queue, up with each client and down with each accept',
  async (t) => {
    const { listener, host, port } = await opened()
    t.equal(listener.depthKnown, process.platform === 'linux')
    t.equal(waiting(listener), 0)
    const sockets = []
    for (let n = 1; n <= 20; n++) {
      sockets.push(await client({ host, port }))
      await until(() => waiting(listener) === n)
    }
    for (let n = 19; n >= 0; n--) {
      const fd = accept(listener.fd)
      t.ok(fd > 0)
      t.equal(waiting(listener), n)
      close(fd)
    }
    await hangUp(...sockets)
    closeListener(listener)
  },
)

t.test('connections are accepted in the order they were made, and then EAGAIN', async (t) => {
  const { listener, host, port } = await opened()
  const sockets = [
    await client({ host, port }),
    await client({ host, port }),
    await client({ host, port }),
  ]
  await until(() => waiting(listener) === 3)
  const accepted = sockets.map(() => accept(listener.fd))
  t.same(
    accepted.map((fd) => (binding.getPeerName(fd) as { port: number }).port),
    sockets.map((socket) => socket.localPort),
  )
  t.equal(accept(listener.fd), negated('EAGAIN'))
  accepted.forEach(close)
  await hangUp(...sockets)
  closeListener(listener)
})

t.test(
  'a connection that its client has reset still counts, and accept succeeds on it',
  async (t) => {
    const { listener, host, port } = await opened()
    const socket = await client({ host, port })
    await until(() => waiting(listener) === 1)
    const reset = new Promise((resolve) => socket.once('close', resolve))
    socket.resetAndDestroy()
    await reset
    t.equal(waiting(listener), 1)
    const fd = accept(listener.fd)
    t.ok(fd > 0)
    close(fd)
    closeListener(listener)
  },
)

t.test('where the length is not known, waiting is 1 or 0', async (t) => {
  const { listener, host, port } = await opened()
  const unknown = { ...listener, depthKnown: false }
  t.equal(waiting(unknown), 0)
  const sockets = [await client({ host, port }), await client({ host, port })]
  await until(() => waiting(unknown) === 1)
  await hangUp(...sockets)
  closeListener(listener)
})

t.test('waiting passes on the errno of what is no listener any more', async (t) => {
  const { listener } = await opened()
  closeListener(listener)
  t.equal(waiting(listener), negated('EBADF'))
  t.equal(waiting({ ...listener, depthKnown: false }), negated('EBADF'))
  const fd = binding.socket(4)
  t.equal(waiting({ ...listener, fd }), negated('EINVAL'))
  close(fd)
})

t.test('a retired listener is closed for those who share it too', async (t) => {
  if (process.platform !== 'linux') return t.pass('Linux only')
  const { listener, host, port } = await opened()
  // A second descriptor for the same socket, as a kid has it; no call of Node's own duplicates one.
  const kid = await sharing(listener.fd)
  const socket = await client({ host, port })
  await until(() => waiting(listener) === 1)
  const reset = new Promise((resolve) => socket.once('close', resolve))
  retireListener(listener)
  await soon(reset)
  await t.rejects(client({ host, port }), { code: 'ECONNREFUSED' })
  const again = await openListener({ ...anyPort, port }, 8)
  closeListener(again)
  await kid.end()
})

t.test('a host name is looked up', async (t) => {
  const { listener, host } = await opened('localhost')
  t.match(host, /^(127\.0\.0\.1|::1)$/)
  closeListener(listener)
})

t.test('an IPv6 listener leaves the port free for IPv4', async (t) => {
  const six = await opened('::')
  t.equal(describe(six.listener.address), `[::]:${six.port}`)
  t.equal(describeDescriptor(six.listener.fd), `[::]:${six.port}`)
  const four = await openListener({ ...anyPort, host: '0.0.0.0', port: six.port }, 8)
  const socket = await client({ host: '::1', port: six.port })
  await until(() => waiting(six.listener) === 1)
  t.equal(waiting(four), 0)
  await hangUp(socket)
  closeListener(six.listener)
  closeListener(four)
})

t.test('a port with connections of a former server in TIME_WAIT can be had', async () => {
  const first = await opened()
  const socket = await client({ host: first.host, port: first.port })
  await until(() => waiting(first.listener) === 1)
  const ended = new Promise((resolve) => socket.once('close', resolve))
  socket.resume()
  close(accept(first.listener.fd))
  await ended
  closeListener(first.listener)
  const again = await openListener({ ...anyPort, port: first.port }, 8)
  closeListener(again)
})

t.test(
  'each failure is one sentence with the address and a remedy, and leaves nothing open',
  async (t) => {
    const { listener, port } = await opened()
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const cases = [
      [
        { ...anyPort, port },
        'EADDRINUSE',
        /^cannot listen on 127\.0\.0\.1:\d+: another socket already listens there; .*port$/,
      ],
      [
        { ...anyPort, port: (other.address() as AddressInfo).port },
        'EADDRINUSE',
        /already listens/,
      ],
      [
        { ...anyPort, host: '192.0.2.1' },
        'EADDRNOTAVAIL',
        /^cannot listen on 192\.0\.2\.1:0: this machine has no address 192\.0\.2\.1; /,
      ],
      [
        { ...anyPort, host: 'nobody.invalid' },
        'ENOTFOUND|EAI_AGAIN',
        /^cannot listen on nobody\.invalid:0: .*nobody\.invalid.*numeric address$/,
      ],
      [{ ...anyPort, host: 'fe80::1%lo' }, 'EINVAL', /scope/],
    ] as const
    const before = openDescriptors()
    for (const [address, code, sentence] of cases) {
      const error = await openListener(address, 8).then(
        () => t.fail(`opened ${describe(address)}`),
        (error: Error) => error,
      )
      t.type(error, ListenError)
      t.match((error as Error).message, sentence)
      t.notMatch((error as Error).message, /\n/)
      t.match(((error as Error).cause as NodeJS.ErrnoException).code, new RegExp(code))
    }
    t.same(openDescriptors(), before)
    await new Promise((resolve) => other.close(resolve))
    closeListener(listener)
  },
)

t.test('the system calls trust their caller but refuse what does not convert', async (t) => {
  t.throws(() => binding.accept('3' as unknown as number), TypeError)
  t.throws(() => binding.read(0, 'text' as unknown as Uint8Array), TypeError)
  t.throws(() => (binding.listen as (fd: number) => number)(3), TypeError)
  t.equal(binding.socket(5 as 4), negated('EAFNOSUPPORT'))
  t.equal(binding.bindTcp(0, 'localhost', 1), negated('EINVAL'))
  t.equal(binding.setOption(0, 'SO_NONSENSE' as 'SO_REUSEADDR', 1), negated('ENOPROTOOPT'))
  t.equal(binding.getSocketName(-1), negated('EBADF'))
  t.equal(binding.getPeerName(-1), negated('EBADF'))
  t.throws(() => describeDescriptor(-1), { code: 'EBADF' })
})

t.test('no descriptor is left open', async (t) => {
  t.same(openDescriptors(), before)
})
