/** The end of a connection whose client still sends: it is read from for a while, and never for ever. */

import { once } from 'node:events'
import type { Socket } from 'node:net'
import t, { type Test } from 'tap'
import { linger } from '../../../src/handlers/scgi/linger.js'
import { pass, until, within } from '../../process/processes.js'
import { Serving } from './serving.js'

const long = 60_000
const much = 1_000_000_000

/** A connection of which both ends are here; `begin` is what the server does with it. */
async function connection(t: Test, begin: (socket: Socket) => void, reads = true) {
  let ours: Socket | undefined
  const serving = await Serving.start(t, (socket) => {
    ours = socket
    socket.allowHalfOpen = true
    begin(socket)
  })
  const { socket: theirs } = serving.client()
  theirs.allowHalfOpen = true
  if (!reads) theirs.pause()
  await until(() => ours !== undefined, 'the connection to be accepted')
  return {
    ours: ours as unknown as Socket,
    theirs,
    closed: within(serving.complete[0] as Promise<void>, 'the end'),
  }
}

t.test('it ends when the client does', async (t) => {
  const { ours, theirs, closed } = await connection(t, (socket) =>
    linger(socket.end('bye'), long, much),
  )
  theirs.end('more')
  await closed
  t.equal(ours.bytesRead, 4)
})

t.test('a client that does not end is waited for so long and no longer', async (t) => {
  const { ours, theirs, closed } = await connection(t, (socket) =>
    linger(socket.end('bye'), 20, much),
  )
  await closed
  t.notOk(ours.readableEnded)
  theirs.destroy()
})

t.test('a client that sends and sends is read from so far and no further', async (t) => {
  const { ours, theirs, closed } = await connection(t, (socket) =>
    linger(socket.end('bye'), long, 1_000_000),
  )
  const piece = Buffer.alloc(100_000)
  const more = () => theirs.write(piece, (error) => error ?? more())
  more()
  await closed
  t.ok(ours.bytesRead > 1_000_000 && ours.bytesRead < 2_000_000, `${ours.bytesRead} bytes`)
})

t.test('while the response is on its way, what comes is read no longer than that', async (t) => {
  const large = Buffer.alloc(8_000_000)
  const begin = (socket: Socket) => linger(socket.end(large), 50, much)
  const { ours, theirs, closed } = await connection(t, begin, false)
  const more = () => theirs.write('x', (error) => error ?? setImmediate(more))
  more()
  await until(() => ours.isPaused(), 'reading to end')
  await pass(20)
  t.notOk(ours.destroyed, 'the response is not given up')
  t.ok(ours.writableLength > 0)
  let got = 0
  theirs.on('data', (piece: Buffer) => {
    got += piece.length
  })
  theirs.resume()
  await once(theirs, 'end')
  t.equal(got, large.length)
  await closed
})
