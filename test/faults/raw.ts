/** Connections of rows that say what they like, bytes and all: no id, no ledger, and nobody misses them. */

import { connect, type Socket } from 'node:net'
import type { SocketAddress } from 'preforkd'

/** How long, in milliseconds, one may take altogether. */
const patience = 10_000

/** A connection that is open, or has failed to be; it reads nothing until it is told to. */
export function rawClient(address: SocketAddress): Promise<Socket> {
  const socket =
    address.kind === 'unix'
      ? connect({ path: address.path, allowHalfOpen: true })
      : connect({ port: address.port, host: address.host, allowHalfOpen: true })
  socket.on('error', () => {})
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(socket))
    socket.once('close', () => resolve(socket))
  })
}

export interface Exchange {
  readonly text: string
  /** `timeout`: neither an end nor a reset came. */
  readonly how: 'end' | 'reset' | 'timeout'
  /** In milliseconds, from the beginning. */
  readonly took: number
}

/** Says all of it, ends its half unless it is to stay open, and hears what comes until the end. */
export async function exchange(
  address: SocketAddress,
  bytes: Buffer | string,
  { half = true }: { half?: boolean } = {},
): Promise<Exchange> {
  const begun = performance.now()
  const socket = await rawClient(address)
  let text = ''
  let how: Exchange['how'] = 'end'
  socket.setEncoding('latin1')
  socket.on('data', (piece) => {
    text += piece
  })
  socket.on('error', () => {
    how = 'reset'
  })
  const timer = setTimeout(() => {
    how = 'timeout'
    socket.destroy()
  }, patience)
  socket.on('end', () => socket.destroy())
  if (half) socket.end(bytes, 'latin1')
  else socket.write(bytes, 'latin1')
  await new Promise<void>((resolve) => {
    if (socket.destroyed) resolve()
    else socket.once('close', () => resolve())
  })
  clearTimeout(timer)
  return { text, how, took: performance.now() - begun }
}

/** Does it for each number below `count`, so many at a time. */
export async function inTurns(
  count: number,
  atOnce: number,
  body: (i: number) => Promise<void>,
): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < count) await body(next++)
    }),
  )
}
