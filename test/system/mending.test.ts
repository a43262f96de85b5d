/** What can be undone of what another process does to a shared listener; run with the other tests. */

import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { binding } from '../../src/system/binding.js'
import { accept, close, isNonBlocking, read, setNonBlocking } from '../../src/system/descriptors.js'
import { errnoName } from '../../src/system/errno.js'
import { closeListener, type Listener, openListener, waiting } from '../../src/system/listeners.js'
import { backlogOf, lookAt, mend } from '../../src/system/mending.js'
import { until } from '../process/processes.js'
import { shortDirectory } from './observe.js'

const anyPort = { kind: 'tcp', name: 'web', host: '127.0.0.1', port: 0 } as const
const sound = { listens: true, nonBlocking: true, backlog: 8 }

/** What a connection has to read whose client has said nothing yet; the errno's name. */
async function readsFirst(listener: Listener): Promise<string> {
  const { address } = listener
  if (address.kind !== 'tcp') throw new Error('for TCP only')
  const client = connect(address.port, address.host)
  await once(client, 'connect')
  await until(() => waiting(listener) === 1, 'the connection to be in the queue')
  const fd = accept(listener.fd)
  const got = read(fd, Buffer.alloc(8))
  close(fd)
  client.destroy()
  return got < 0 ? errnoName(got) : `${got} bytes`
}

if (process.platform !== 'linux') {
  t.test('mending', { skip: 'Linux alone lets others shut a listener down' }, async () => {})
} else {
  for (const host of ['127.0.0.1', '::1']) {
    t.test(`${host}: shut down, it listens again on a port the system had chosen`, async (t) => {
      const listener = await openListener({ ...anyPort, host }, 8)
      t.strictSame(lookAt(listener), sound)
      binding.shutdownRead(listener.fd)
      t.match(lookAt(listener), { listens: false, backlog: undefined })
      // Twice, as by two kids.
      binding.shutdownRead(listener.fd)
      t.equal(mend(listener, 'shut', 8), undefined)
      t.strictSame(lookAt(listener), sound)
      t.equal(await readsFirst(listener), 'EAGAIN', 'a connection waits for its client')
      closeListener(listener)
    })
  }

  t.test('shut down, it listens again on a port that was asked for', async (t) => {
    const first = await openListener(anyPort, 8)
    closeListener(first)
    const listener = await openListener({ ...anyPort, ...portOf(first) }, 8)
    binding.shutdownRead(listener.fd)
    t.equal(mend(listener, 'shut', 8), undefined)
    t.strictSame(lookAt(listener), sound)
    t.equal(await readsFirst(listener), 'EAGAIN', 'a connection waits for its client')
    closeListener(listener)
  })

  t.test('moved to another port, it comes back', async (t) => {
    const listener = await openListener(anyPort, 8)
    binding.shutdownRead(listener.fd)
    binding.listen(listener.fd, 8)
    t.match(lookAt(listener), { listens: false, backlog: 8 })
    t.equal(mend(listener, 'shut', 8), undefined)
    t.strictSame(lookAt(listener), sound)
    closeListener(listener)
  })

  t.test('where somebody else has the port by now, it says so', async (t) => {
    const listener = await openListener(anyPort, 8)
    binding.shutdownRead(listener.fd)
    const thief = await openListener({ ...anyPort, ...portOf(listener) }, 8)
    t.equal(mend(listener, 'shut', 8), 'EADDRINUSE')
    t.equal(lookAt(listener).listens, false)
    closeListener(thief)
    closeListener(listener)
  })

  t.test('flags and backlog are set again', async (t) => {
    const listener = await openListener(anyPort, 8)
    setNonBlocking(listener.fd, false)
    binding.listen(listener.fd, 0)
    t.strictSame(lookAt(listener), { listens: true, nonBlocking: false, backlog: 0 })
    t.equal(mend(listener, 'blocking', 8), undefined)
    t.equal(mend(listener, 'backlog', 8), undefined)
    t.strictSame(lookAt(listener), sound)
    t.equal(isNonBlocking(listener.fd), true)
    closeListener(listener)
  })

  t.test('a Unix listener that was shut down is no listener, and stays so', async (t) => {
    const path = join(shortDirectory(t), 's')
    const listener = await openListener({ kind: 'unix', name: 'local', path }, 8)
    t.strictSame(lookAt(listener), { listens: true, nonBlocking: true, backlog: undefined })
    t.equal(backlogOf(listener), undefined)
    t.equal(mend(listener, 'backlog', 8), undefined)
    binding.shutdownRead(listener.fd)
    t.ok(waiting(listener) < 0, 'and not one at which somebody always waits')
    t.equal(mend(listener, 'shut', 8), 'EINVAL')
    closeListener(listener)
  })

  t.test('of a descriptor that is none, everything is wrong and nothing throws', async (t) => {
    const listener = await openListener(anyPort, 8)
    const lost = { ...listener, fd: 987_654 }
    t.strictSame(lookAt(lost), { listens: false, nonBlocking: false, backlog: undefined })
    for (const done of ['shut', 'blocking', 'backlog'] as const) {
      t.equal(mend(lost, done, 8), 'EBADF')
    }
    closeListener(listener)
  })
}

function portOf({ address }: Listener): { port: number } {
  if (address.kind !== 'tcp') throw new Error('for TCP only')
  return { port: address.port }
}
