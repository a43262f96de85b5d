/** The readability watch: when it calls, when it no longer does, and that it lets go. */

import { createServer } from 'node:net'
import t from 'tap'
import { accept, close, openPipe, read, writeText } from '../../src/system/descriptors.js'
import { negated } from '../../src/system/errno.js'
import { closeListener, openListener, waiting } from '../../src/system/listeners.js'
import { Watch } from '../../src/system/watch.js'
import {
  client,
  collectUntil,
  flagsOf,
  hangUp,
  openDescriptors,
  pollHandles,
  soon,
  turn,
  until,
} from './observe.js'

const before = openDescriptors()
const handlesBefore = pollHandles()
const buffer = Buffer.alloc(64)

/** A pipe with a watch on its reading end that counts its calls. */
function watched() {
  const { readFd, writeFd } = openPipe()
  const seen = { calls: 0, readFd, writeFd }
  const watch = new Watch(readFd, () => {
    seen.calls++
  })
  const end = () => {
    watch.close()
    close(readFd)
    close(writeFd)
  }
  return { seen, watch, readFd, writeFd, end }
}

/** Enough turns for an event to have come, had there been one. */
async function someTurns(): Promise<void> {
  for (let n = 0; n < 5; n++) await turn()
}

t.test('it calls while there is something to read, and no longer', async (t) => {
  const { seen, watch, readFd, writeFd, end } = watched()
  watch.start()
  await someTurns()
  t.equal(seen.calls, 0)
  writeText(writeFd, 'idle 1\n')
  await until(() => seen.calls >= 3)
  read(readFd, buffer)
  await turn()
  const { calls } = seen
  await someTurns()
  t.equal(seen.calls, calls)
  end()
})

t.test('a stopped watch is silent, and start takes up again', async (t) => {
  const { seen, watch, writeFd, end } = watched()
  writeText(writeFd, 'idle 1\n')
  await someTurns()
  t.equal(seen.calls, 0)
  t.equal(watch.started, false)
  watch.start()
  t.equal(watch.started, true)
  await until(() => seen.calls > 0)
  watch.stop()
  const { calls } = seen
  await someTurns()
  t.equal(seen.calls, calls)
  watch.start()
  await until(() => seen.calls > calls)
  end()
})

t.test('start, stop and close may be repeated, and close is for good', async (t) => {
  const { seen, watch, writeFd, end } = watched()
  writeText(writeFd, 'idle 1\n')
  watch.stop()
  watch.start()
  watch.start()
  watch.stop()
  watch.stop()
  watch.start()
  watch.close()
  watch.close()
  watch.start()
  watch.stop()
  watch.unref()
  watch.ref()
  t.equal(watch.started, false)
  await someTurns()
  t.equal(seen.calls, 0)
  end()
})

t.test('it may be closed inside its own callback, and its descriptor too', async (t) => {
  const { readFd, writeFd } = openPipe()
  let calls = 0
  const watch = new Watch(readFd, () => {
    calls++
    watch.close()
    close(readFd)
  })
  watch.start()
  writeText(writeFd, 'idle 1\n')
  await until(() => calls > 0)
  await someTurns()
  t.equal(calls, 1)
  close(writeFd)
})

t.test('one watch may close another that is ready in the same turn', async (t) => {
  const calls: string[] = []
  const pipes = [openPipe(), openPipe()]
  const watches = pipes.map(
    ({ readFd }, index) =>
      new Watch(readFd, () => {
        calls.push(`${index}`)
        for (const watch of watches) watch.close()
      }),
  )
  for (const watch of watches) watch.start()
  for (const { writeFd } of pipes) writeText(writeFd, 'idle 1\n')
  await until(() => calls.length > 0)
  await someTurns()
  t.equal(calls.length, 1)
  for (const { readFd, writeFd } of pipes) {
    close(readFd)
    close(writeFd)
  }
})

t.test('an end of file is readable', async (t) => {
  const { readFd, writeFd } = openPipe()
  const results: number[] = []
  const watch = new Watch(readFd, (status) => {
    t.equal(status, 0)
    results.push(read(readFd, buffer))
    watch.stop()
  })
  watch.start()
  close(writeFd)
  await until(() => results.length > 0)
  t.same(results, [0])
  watch.close()
  close(readFd)
})

t.test('an error state is told once, and the watch has stopped', async (t) => {
  const { readFd, writeFd } = openPipe()
  const statuses: number[] = []
  // A writing end whose reader has gone: the only error state that a pipe has.
  const watch = new Watch(writeFd, (status) => statuses.push(status))
  watch.start()
  close(readFd)
  await until(() => statuses.length > 0)
  await someTurns()
  t.same(statuses, [negated('EBADF')])
  t.equal(watch.started, false)
  watch.close()
  close(writeFd)
})

t.test('a listener is readable while connections wait', async (t) => {
  const address = { kind: 'tcp', name: 'web', host: '127.0.0.1', port: 0 } as const
  const listener = await openListener(address, 16)
  if (listener.address.kind !== 'tcp') throw new Error('not TCP')
  const { host, port } = listener.address
  const depths: number[] = []
  const watch = new Watch(listener.fd, () => {
    depths.push(waiting(listener))
    close(accept(listener.fd))
  })
  const sockets = [await client({ host, port }), await client({ host, port })]
  await until(() => waiting(listener) === 2)
  watch.start()
  await until(() => waiting(listener) === 0)
  t.same(depths, [2, 1])
  await hangUp(...sockets)
  watch.close()
  closeListener(listener)
})

t.test('ticks and microtasks run before the next callback', async (t) => {
  const order: string[] = []
  const pipes = [openPipe(), openPipe()]
  const watches = pipes.map(
    ({ readFd }, index) =>
      new Watch(readFd, () => {
        watches[index]?.stop()
        order.push(`watch ${index}`)
        process.nextTick(() => order.push('tick'))
        Promise.resolve().then(() => order.push('microtask'))
      }),
  )
  for (const watch of watches) watch.start()
  for (const { writeFd } of pipes) writeText(writeFd, 'idle 1\n')
  await until(() => order.length === 6)
  t.same(
    order.filter((_, index) => index % 3 !== 0),
    ['tick', 'microtask', 'tick', 'microtask'],
  )
  for (const watch of watches) watch.close()
  for (const { readFd, writeFd } of pipes) {
    close(readFd)
    close(writeFd)
  }
})

t.test('the descriptor becomes non-blocking', async (t) => {
  const { readFd, end } = watched()
  t.equal(flagsOf(readFd).nonBlocking, true)
  end()
})

t.test('what cannot be watched throws, and leaves no handle', async (t) => {
  const handles = pollHandles()
  t.throws(() => new Watch(9999, () => {}), { code: 'EBADF' })
  const server = createServer()
  await soon(new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
  const listening = openDescriptors().filter(
    (line) => !before.includes(line) && /socket/.test(line),
  )
  t.equal(listening.length, 1)
  t.throws(() => new Watch(Number.parseInt(listening[0] ?? '', 10), () => {}), { code: 'EEXIST' })
  await soon(new Promise((resolve) => server.close(resolve)))
  t.equal(pollHandles(), handles)
})

t.test('of two watches on a descriptor only one can be started', async (t) => {
  const { readFd, watch, end } = watched()
  const second = new Watch(readFd, () => {})
  watch.start()
  t.throws(() => second.start(), { code: 'EEXIST' })
  t.equal(second.started, false)
  watch.stop()
  second.start()
  second.close()
  end()
})

t.test('a closed watch gives back its handle and its closure', async (t) => {
  const handles = handlesBefore
  await until(() => pollHandles() === handles)
  const { readFd, writeFd } = openPipe()
  const refs: WeakRef<object>[] = []
  // A function of its own: the frame of this one would keep the last of them.
  const openAndClose = () => {
    const closure = () => {}
    refs.push(new WeakRef(closure))
    const watch = new Watch(readFd, closure)
    watch.start()
    watch.close()
  }
  for (let n = 0; n < 100; n++) openAndClose()
  await until(() => pollHandles() === handles)
  await collectUntil(() => refs.every((ref) => ref.deref() === undefined))
  t.pass('all are gone')
  close(readFd)
  close(writeFd)
})

t.test('a forgotten watch is collected with its handle; a started one lives on', async (t) => {
  const handles = handlesBefore
  const { readFd, writeFd } = openPipe()
  // One watch a descriptor: the end of a second would deafen the first.
  const pipes = Array.from({ length: 50 }, openPipe)
  let calls = 0
  let stop = () => {}
  const forget = () => {
    for (const pipe of pipes) new Watch(pipe.readFd, () => {})
    const started = new Watch(readFd, () => {
      calls++
    })
    started.start()
    const ref = new WeakRef(started)
    stop = () => ref.deref()?.close()
  }
  forget()
  t.equal(pollHandles(), handles + 51)
  await collectUntil(() => pollHandles() === handles + 1)
  writeText(writeFd, 'idle 1\n')
  await until(() => calls > 0)
  stop()
  await until(() => pollHandles() === handles)
  for (const pipe of pipes) {
    close(pipe.readFd)
    close(pipe.writeFd)
  }
  close(readFd)
  close(writeFd)
})

t.test('no descriptor and no handle is left', async (t) => {
  await until(() => pollHandles() === handlesBefore)
  t.same(openDescriptors(), before)
})
