/** The stream a handler writes to: whom it blames when it fails. */

import { once } from 'node:events'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import t from 'tap'
import { Response } from '../../../src/handlers/scgi/response.js'
import { within } from '../../process/processes.js'

const never = Number.POSITIVE_INFINITY

/** A socket whose writes fail; it says so itself only after the writer was told. */
function failing(): Socket {
  const socket = new Duplex({
    read() {},
    write: (_chunk, _encoding, done) => done(new Error('write EPIPE')),
  })
  return socket.on('error', () => {}) as Socket
}

t.test('a write that fails before its socket does is the client that has gone', async (t) => {
  for (const corked of [false, true]) {
    const out = new Response(failing(), never)
    const closed = once(out, 'close')
    if (corked) out.cork()
    out.write('a')
    out.write('b')
    if (corked) out.uncork()
    await within(
      closed.catch(() => {}),
      'the stream to close',
    )
    t.match(out.failure, {
      code: 'ERR_SCGI_CLIENT_GONE',
      message: 'the connection closed before the response was whole: write EPIPE',
    })
  }
})

t.test('a response that its handler destroys is not the fault of the client', async (t) => {
  const socket = new Duplex({ read() {}, write() {} }) as Socket
  const out = new Response(socket, never)
  out.write('a')
  out.destroy()
  await within(once(socket, 'close'), 'the socket to close')
  t.equal(out.failure, undefined)
})

t.test('a response to a socket that has closed already fails at once', async (t) => {
  const socket = failing()
  socket.destroy()
  await within(once(socket, 'close'), 'the socket to close')
  const out = new Response(socket, never)
  t.ok(out.destroyed)
  t.match(out.failure, { code: 'ERR_SCGI_CLIENT_GONE' })
})
