/** Sends probes to a server on loopback, each on a connection of its own, and says what came of each. */

import { connect } from 'node:net'
import type { Probe } from './corpus.js'

/** What a server made of a probe. */
export interface Answer {
  /** All that it sent, a character for each byte, without the time of day. */
  readonly text: string
  /** Whether it has closed the connection; how is left out, since a reset may overtake an end of file. */
  readonly end: 'open' | 'closed'
}

export interface Pace {
  /** Connections at the same time. */
  readonly atOnce: number
  /** A connection on which nothing has happened for so long, in milliseconds, stays open. */
  readonly quiet: number
}

/** Between the parts of a probe, in milliseconds: so that they are read one by one. */
const pause = 30

/** A server that never stops sending is cut off after so long, in milliseconds. */
const patience = 10_000

/** The answers in the order of the probes. Rejects when a connection cannot be made: then there is no server. */
export async function sendAll(
  probes: readonly Probe[],
  port: number,
  { atOnce, quiet }: Pace,
): Promise<Answer[]> {
  const answers = new Array<Answer>(probes.length)
  let next = 0
  const sendOneByOne = async () => {
    for (let i = next++; i < probes.length; i = next++) {
      answers[i] = await send(probes[i] as Probe, port, quiet)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, sendOneByOne))
  return answers
}

function send(probe: Probe, port: number, quiet: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // Half-open: whoever sends a probe is not done when the server is.
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    const received: Buffer[] = []
    const unsent = [...probe.parts]
    let isConnected = false
    let timer: NodeJS.Timeout | undefined
    const finish = (end: Answer['end']) => {
      clearTimeout(timer)
      clearTimeout(limit)
      socket.removeAllListeners().on('error', () => {})
      // A reset: nothing that was left unread keeps the server busy.
      socket.resetAndDestroy()
      const text = withoutDate(Buffer.concat(received).toString('latin1'))
      resolve({ text, end })
    }
    const limit = setTimeout(finish, patience, 'open')
    const waitForMore = () => {
      clearTimeout(timer)
      timer = unsent.length > 0 ? setTimeout(sendPart, pause) : setTimeout(finish, quiet, 'open')
    }
    const sendPart = () => {
      socket.write(unsent.shift() as Buffer)
      waitForMore()
    }
    socket.on('connect', () => {
      isConnected = true
      sendPart()
    })
    socket.on('data', (data) => {
      received.push(data)
      // Not while parts are unsent, or an answer would hold them up.
      if (unsent.length === 0) waitForMore()
    })
    socket.on('end', () => finish('closed'))
    socket.on('error', (error) => {
      if (isConnected) return finish('closed')
      clearTimeout(limit)
      reject(new Error(`no server answers on port ${port}: ${error.message}`, { cause: error }))
    })
  })
}

function withoutDate(text: string): string {
  return text.replace(/^Date: [^\r\n]*/gim, 'Date: (now)')
}
