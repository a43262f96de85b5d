/** A client that connects, says something or nothing, and tells what became of it; every connection has a time limit. */

import { connect, type Socket } from 'node:net'
import type { SocketAddress } from 'preforkd'

/** How long a connection may take altogether, in milliseconds, unless a test says otherwise. */
const patience = 10_000

/** `ok`: an answer and a proper end; `closed`: a proper end without one. */
export type Result = 'ok' | 'reset' | 'closed' | 'refused' | 'timeout'

/** What became of a connection; times in milliseconds since it was begun. */
export interface Outcome {
  readonly result: Result
  readonly text: string
  /** When the first byte came; undefined when none did. */
  readonly answeredAfter: number | undefined
  readonly endedAfter: number
  /** When it ended, by `performance.now()`. */
  readonly endedAt: number
}

export interface ClientOptions {
  /** Said at once. */
  readonly send?: string
  readonly timeout?: number
  /** Sends the end of file right after `send`. */
  readonly halfClose?: boolean
}

export class Client {
  readonly socket: Socket
  /** Settles when it is over, however it went; never rejects. */
  readonly outcome: Promise<Outcome>
  /** Settles when the kernel has taken the connection into its queue, or it is over. */
  readonly connected: Promise<void>
  /** Settles at the first byte; rejects when it is over without one. */
  readonly answered: Promise<string>
  #text = ''
  #waiting: { pattern: RegExp; resolve: () => void }[] = []

  constructor(address: SocketAddress | undefined, options: ClientOptions = {}) {
    if (address === undefined) throw new Error('the server has no address')
    const begun = performance.now()
    const { send, timeout = patience, halfClose = false } = options
    const socket = connect(
      address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port },
    )
    this.socket = socket
    let result: Result = 'closed'
    let answeredAfter: number | undefined
    this.connected = new Promise((resolve) => {
      socket.once('connect', () => resolve())
      socket.once('close', () => resolve())
    })
    this.answered = new Promise((resolve, reject) => {
      socket.once('data', () => resolve(this.#text))
      socket.once('close', () => reject(new Error(`no answer: ${result}`)))
    })
    // Whoever does not ask is not told.
    this.answered.catch(() => {})
    socket.setEncoding('utf8')
    socket.prependListener('data', (text: string) => {
      answeredAfter ??= performance.now() - begun
      this.#text += text
      this.#waiting = this.#waiting.filter(({ pattern, resolve }) => {
        if (!pattern.test(this.#text)) return true
        resolve()
        return false
      })
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      result = ['ECONNREFUSED', 'ENOENT'].includes(error.code ?? '') ? 'refused' : 'reset'
    })
    const timer = setTimeout(() => {
      result = 'timeout'
      socket.destroy()
    }, timeout)
    this.outcome = new Promise((resolve) => {
      socket.once('close', () => {
        clearTimeout(timer)
        const endedAt = performance.now()
        if (result === 'closed' && this.#text !== '') result = 'ok'
        resolve({
          result,
          text: this.#text,
          answeredAfter,
          endedAfter: endedAt - begun,
          endedAt,
        })
      })
    })
    if (send !== undefined) socket.write(send)
    if (halfClose) socket.end()
  }

  /** Settles when what came so far matches. */
  heard(pattern: RegExp): Promise<void> {
    if (pattern.test(this.#text)) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const fail = () => reject(new Error(`never heard ${pattern}: ${this.#text}`))
      if (this.socket.closed) fail()
      this.#waiting.push({ pattern, resolve })
      this.socket.once('close', fail)
    })
  }

  say(text: string): void {
    this.socket.write(text)
  }

  /** Ends its half; the outcome comes when the server has ended its own. */
  end(): Promise<Outcome> {
    this.socket.end()
    return this.outcome
  }

  /** Drops the connection. */
  drop(): Promise<Outcome> {
    this.socket.destroy()
    return this.outcome
  }
}
