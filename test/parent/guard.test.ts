/** What the parent does about listeners that others have changed, without any kid; run with the other tests. */

import { connect } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { Guard } from '../../src/parent/guard.js'
import { shed } from '../../src/parent/shedding.js'
import { binding } from '../../src/system/binding.js'
import { isNonBlocking, setNonBlocking } from '../../src/system/descriptors.js'
import { closeListener, openListener } from '../../src/system/listeners.js'
import { shortDirectory } from '../system/observe.js'

const anyPort = { kind: 'tcp', name: 'web', host: '127.0.0.1', port: 0 } as const
const open = () => true

t.test('shedding never waits, whatever was done to the listener', async (t) => {
  const listener = await openListener(anyPort, 8)
  setNonBlocking(listener.fd, false)
  // Broken, this holds the whole process.
  t.strictSame(shed(listener, 1, undefined), { count: 0 })
  t.equal(isNonBlocking(listener.fd), true)
  closeListener(listener)
})

if (process.platform !== 'linux') {
  t.test('guarding', { skip: 'only Linux tells, and lets others do it' }, async () => {})
} else {
  t.test('what was changed is told once and put right; what is sound is not told', async (t) => {
    const listener = await openListener(anyPort, 8)
    const guard = new Guard([listener], 8, true)
    t.strictSame(guard.look(open), [])
    binding.listen(listener.fd, 0)
    const told = { listener: 0, done: ['backlog'], code: undefined }
    t.strictSame(guard.look(open), [told])
    t.strictSame(guard.look(open), [])
    closeListener(listener)
  })

  t.test('a listener that is lost is told once; one that is closed is not looked at', async (t) => {
    const path = join(shortDirectory(t), 's')
    const listener = await openListener({ kind: 'unix', name: 'local', path }, 8)
    const guard = new Guard([listener], 8, true)
    binding.shutdownRead(listener.fd)
    t.strictSame(
      guard.look(() => false),
      [],
    )
    t.strictSame(guard.look(open), [{ listener: 0, done: ['shut'], code: 'EINVAL' }])
    t.strictSame(guard.look(open), [])
    closeListener(listener)
  })

  t.test('the backlog of a Unix listener of ours is set again unseen', async (t) => {
    const path = join(shortDirectory(t), 's')
    const listener = await openListener({ kind: 'unix', name: 'local', path }, 8)
    const guard = new Guard([listener], 8, true)
    binding.listen(listener.fd, 0)
    t.strictSame(guard.look(open), [])
    // A queue of 0 takes one, and refuses the next with EAGAIN.
    const sockets = [1, 2, 3].map(() => connect(path))
    t.teardown(() => {
      for (const socket of sockets) socket.destroy()
      closeListener(listener)
    })
    await Promise.all(
      sockets.map(
        (socket) =>
          new Promise((done, failed) => {
            socket.once('connect', done).once('error', failed)
          }),
      ),
    )
    t.pass('three wait')
  })

  t.test('of a server that accepts by itself only that it listens is guarded', async (t) => {
    const listener = await openListener(anyPort, 8)
    const guard = new Guard([listener], 8, false)
    setNonBlocking(listener.fd, false)
    binding.listen(listener.fd, 3)
    t.strictSame(guard.look(open), [])
    t.equal(isNonBlocking(listener.fd), false)
    binding.shutdownRead(listener.fd)
    t.strictSame(guard.look(open), [{ listener: 0, done: ['shut'], code: undefined }])
    closeListener(listener)
  })
}
