/** The handler every contestant serves with: one byte in, one byte out, and for `b` a synchronous sleep in between. */

import type { Socket } from 'node:net'

/** How long, in milliseconds, a blocking connection blocks its kid. */
const blockFor = 50

const nobody = new Int32Array(new SharedArrayBuffer(4))

/** A sleep, not a computation: with it cores are not what is measured. */
export function block(): void {
  Atomics.wait(nobody, 0, 0, blockFor)
}

export default function handle(socket: Socket): void {
  socket.on('error', () => {})
  socket.once('data', (data) => {
    if (data[0] === 'b'.charCodeAt(0)) block()
    socket.end('x')
  })
}
