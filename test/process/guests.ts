/** Many clients that say something and go, each in one of the ways in which clients do; for tests of what is left of them. */

import { connect, type Socket } from 'node:net'
import type { Served } from './harness.js'
import { within } from './processes.js'

/** In turns. Who resets at once does not hear an answer. */
const ways = ['ends', 'ends first', 'resets', 'resets at once', 'stays'] as const

type Way = (typeof ways)[number]

/** How many there are, what each says, and what it must hear. */
export interface Invitation {
  readonly count: number
  readonly words: string | Uint8Array
  readonly answer: RegExp
}

/** Those that came. */
export interface Guests {
  /** What went wrong, one line for each guest. */
  readonly failures: readonly string[]
  /** Ends the connections of those who stayed. */
  leave(): void
}

/** So many are there at once, besides those who stay. */
const atOnce = 40

/** Has them all come, and settles when each has been served to the end of the server's side. */
export async function receive(served: Served, invitation: Invitation): Promise<Guests> {
  const failures: string[] = []
  const stay: Socket[] = []
  let next = 0
  const comeInTurn = async () => {
    while (next < invitation.count) {
      const number = next++
      const way = ways[number % ways.length] as Way
      const { socket, failure } = await come(served, way, invitation)
      if (failure !== undefined) failures.push(`guest ${number}, who ${way}: ${failure}`)
      if (way === 'stays') stay.push(socket)
    }
  }
  const all = Promise.all(Array.from({ length: atOnce }, comeInTurn))
  await within(all, 'all guests to be served', 25_000)
  return {
    failures,
    leave() {
      for (const socket of stay) socket.destroy()
    },
  }
}

async function come(
  served: Served,
  way: Way,
  { words, answer }: Invitation,
): Promise<{ socket: Socket; failure: string | undefined }> {
  const { address } = served.server
  if (address?.kind !== 'tcp') throw new Error('the server has no port')
  // Half open, so that none ends its side but as it is told here.
  const socket = connect({ host: address.host, port: address.port, allowHalfOpen: true })
  let text = ''
  let error: string | undefined
  const over = new Promise<void>((resolve) => socket.once('end', resolve).once('close', resolve))
  socket.setEncoding('latin1').on('data', (piece: string) => {
    text += piece
    if (way === 'resets' && answer.test(text)) socket.resetAndDestroy()
  })
  socket.on('error', ({ message }) => {
    error = message
  })
  socket.write(words)
  if (way === 'ends first') socket.end()
  if (way === 'resets at once') socket.once('connect', () => socket.resetAndDestroy())
  await within(over, `a guest who ${way} to be served; it heard ${JSON.stringify(text)}`)
  if (way === 'ends') socket.end()
  if (way === 'resets at once') return { socket, failure: undefined }
  const wrong = answer.test(text) ? undefined : `heard ${JSON.stringify(text)}`
  return { socket, failure: error ?? wrong }
}
