/** The sockets that handlers get: as Node.js makes them, but for the stack of a reset. */

import { once } from 'node:events'
import { openSync } from 'node:fs'
import { Socket } from 'node:net'
import { constants } from 'node:os'
import t, { type Test } from 'tap'
import { ConnectionSocket } from '../../src/handlers/connection-socket.js'
import { accept, close } from '../../src/system/descriptors.js'
import { closeListener, openListener, waiting } from '../../src/system/listeners.js'
import { client, soon, until } from '../system/observe.js'

const host = '127.0.0.1'

/** An accepted connection and its client. */
async function connection(t: Test) {
  const listener = await openListener({ kind: 'tcp', name: 'a', host, port: 0 }, 8)
  const theirs = await client({ host, port: (listener.address as { port: number }).port })
  await until(() => waiting(listener) === 1)
  const fd = accept(listener.fd)
  closeListener(listener)
  t.teardown(() => theirs.destroy())
  return { fd, theirs }
}

t.test('a socket is what Node.js makes of the same descriptor', async (t) => {
  const { fd } = await connection(t)
  const ours = new ConnectionSocket(fd)
  const plain = new Socket({ fd: (await connection(t)).fd, readable: true, writable: true })
  t.ok(ours instanceof Socket, 'what handlers ask for')
  const told = (socket: Socket) => ({
    allowHalfOpen: socket.allowHalfOpen,
    readable: socket.readable,
    readableHighWaterMark: socket.readableHighWaterMark,
    readableObjectMode: socket.readableObjectMode,
    readableFlowing: socket.readableFlowing,
    writable: socket.writable,
    writableHighWaterMark: socket.writableHighWaterMark,
    writableObjectMode: socket.writableObjectMode,
    readyState: socket.readyState,
    remoteFamily: socket.remoteFamily,
    timeout: socket.timeout,
    listeners: socket.eventNames(),
  })
  t.strictSame(told(ours), told(plain))
  for (const socket of [ours, plain]) socket.destroy()
  await soon(Promise.all([ours, plain].map((socket) => once(socket, 'close'))))
})

t.test('it ends when its client does, having served it', async (t) => {
  const { fd, theirs } = await connection(t)
  const ours = new ConnectionSocket(fd)
  ours.on('data', (data) => ours.write(`${data}!`))
  theirs.write('hello')
  t.equal(String((await soon(once(theirs, 'data')))[0]), 'hello!')
  const closed = once(ours, 'close')
  theirs.end()
  t.strictSame(await soon(closed), [false], 'without an error')
})

t.test('a reset is told with all that Node.js tells, and a stack of one line', async (t) => {
  const { fd, theirs } = await connection(t)
  const ours = new ConnectionSocket(fd)
  const failed = once(ours, 'error')
  const closed = new Promise((resolve) => ours.once('close', resolve))
  theirs.resetAndDestroy()
  const [error] = (await soon(failed)) as [NodeJS.ErrnoException]
  const { ECONNRESET } = constants.errno
  t.match(error, { code: 'ECONNRESET', syscall: 'read', message: 'read ECONNRESET' })
  t.equal(error.errno, -ECONNRESET)
  t.equal(error.stack, 'Error: read ECONNRESET')
  t.equal(await soon(closed), true)
})

t.test('any other error keeps its stack', async (t) => {
  const [errno, code] = [-constants.errno.ECONNRESET, 'ECONNRESET']
  for (const told of [
    { errno: -constants.errno.EISDIR, code: 'EISDIR', syscall: 'read' },
    { errno, code, syscall: 'write' },
    { code },
    { errno, code, syscall: 'read', query: 'of a database that the handler asked' },
  ]) {
    const { fd } = await connection(t)
    const ours = new ConnectionSocket(fd)
    const failed = once(ours, 'error')
    const error = Object.assign(new Error('of the handler'), told)
    ours.destroy(error)
    t.equal((await soon(failed))[0], error)
    t.match(error.stack, /connection-socket\.test/, JSON.stringify(told))
  }
})

t.test('destroy passes on whatever it is given', async (t) => {
  const { fd } = await connection(t)
  const ours = new ConnectionSocket(fd)
  await soon(new Promise((resolve) => Reflect.apply(ours.destroy, ours, [null, resolve])))
  t.ok(ours.destroyed, 'and Node.js called back')
})

t.test('a descriptor that is no socket is refused', async (t) => {
  const file = openSync('/dev/null', 'r')
  t.throws(() => new ConnectionSocket(file), { code: 'ERR_INVALID_FD_TYPE' })
  close(file)
  t.throws(() => new ConnectionSocket(file), { code: 'ERR_INVALID_FD_TYPE' }, 'nor a closed one')
})
