/** Both ends of accepted connections as the kernel has them, and clients that are gone before anybody asks. */

import { join } from 'node:path'
import t from 'tap'
import { SystemError } from '../../src/errors.js'
import { binding } from '../../src/system/binding.js'
import { connectionEnds } from '../../src/system/connection-ends.js'
import { accept, close } from '../../src/system/descriptors.js'
import { negated } from '../../src/system/errno.js'
import { closeListener, openListener, waiting } from '../../src/system/listeners.js'
import { client, hangUp, shortDirectory, until } from './observe.js'

for (const [host, family] of [
  ['127.0.0.1', 'tcp4'],
  ['::1', 'tcp6'],
] as const) {
  t.test(`of a connection over ${family}`, async (t) => {
    const listener = await openListener({ kind: 'tcp', name: 'a', host, port: 0 }, 8)
    const { port } = listener.address as { port: number }
    const socket = await client({ host, port })
    await until(() => waiting(listener) === 1)
    const fd = accept(listener.fd)
    t.strictSame(connectionEnds(fd), {
      local: { family, host, port, path: '' },
      remote: { family, host, port: socket.localPort, path: '' },
      credentials: undefined,
    })
    close(fd)
    await hangUp(socket)
    closeListener(listener)
  })
}

t.test('of a Unix socket, with who its client is', async (t) => {
  const path = join(shortDirectory(t), 's')
  const listener = await openListener({ kind: 'unix', name: 'a', path }, 8)
  const socket = await client({ path })
  await until(() => waiting(listener) === 1)
  const fd = accept(listener.fd)
  const family = 'unix'
  t.strictSame(connectionEnds(fd), {
    local: { family, host: '', port: 0, path },
    remote: { family, host: '', port: 0, path: '' },
    credentials: { pid: process.pid, uid: process.geteuid?.(), gid: process.getegid?.() },
  })
  close(fd)
  await hangUp(socket)
  closeListener(listener)
})

t.test('a client that has reset its connection is gone', async (t) => {
  const host = '127.0.0.1'
  const listener = await openListener({ kind: 'tcp', name: 'a', host, port: 0 }, 8)
  const socket = await client({ host, port: (listener.address as { port: number }).port })
  await until(() => waiting(listener) === 1)
  const fd = accept(listener.fd)
  socket.resetAndDestroy()
  await until(() => connectionEnds(fd) === 'gone')
  close(fd)
  closeListener(listener)
  t.pass()
})

t.test('what is no connection is a defect of the caller', async (t) => {
  t.throws(() => connectionEnds(-1), SystemError)
  t.equal(binding.getPeerCredentials(-1), negated('EBADF'))
})
