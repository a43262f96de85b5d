/** What the servers of the lab do with a connection: what its kids do, as a handler. Loaded by preforkd's kids. */

import type { Socket } from 'node:net'
import { sleep } from '../system/herd-calls.js'
import { field, openCounts } from './shared-counts.js'

const counts = openCounts(process.env.HERD_MEMORY ?? '')
const kid = counts.claim()
const start = counts.start(kid)

/** Says that this kid is up. */
export function setup(): void {
  counts.announce(kid)
}

export default function handle(socket: Socket): void {
  counts.cells[start + field.accepted] = counts.of(kid, 'accepted') + 1
  // The client closes with a reset.
  socket.on('error', () => {})
  socket.once('data', (data) => {
    const work = data[0] as number
    if (work > 0) sleep(work * 1000)
    socket.end('x')
  })
}
