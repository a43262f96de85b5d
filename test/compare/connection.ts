/** One HTTP/1.1 connection of a bench's client, which sends one request at a time and reads what the response says of the next. */

import { connect, type Socket } from 'node:net'

/** Where to, from where, and how long a response may take in milliseconds. */
export interface Target {
  readonly port: number
  /** An address of this machine, where the ports of one are not enough. */
  readonly from?: string
  readonly patience: number
}

export interface Reply {
  readonly status: number
  /** Whether the connection may be used again. */
  readonly kept: boolean
}

/** Why there was no response. */
export class NoReply extends Error {
  /** The code of the error; CLOSED where the server has closed, TIMEOUT where it said nothing, BROKEN for what is no HTTP. */
  readonly code: string

  constructor(code: string) {
    super(`no response: ${code}`)
    this.code = code
  }
}

interface Waiting {
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: NoReply) => void
  readonly limit: NodeJS.Timeout
}

export class Connection {
  readonly #socket: Socket
  readonly #patience: number
  #waiting: Waiting | undefined
  #received = ''
  #ended = false
  /** Requests that were answered. */
  answered = 0

  constructor({ port, from, patience }: Target) {
    const local = from === undefined ? {} : { localAddress: from }
    this.#patience = patience
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true, ...local })
    this.#socket.setEncoding('latin1')
    this.#socket.on('data', (text: string) => this.#hear(text))
    this.#socket.on('end', () => this.#end('CLOSED'))
    this.#socket.on('error', ({ code }: NodeJS.ErrnoException) => this.#end(code ?? 'ERROR'))
    this.#socket.on('close', () => this.#end('CLOSED'))
  }

  /** Whether another request may be sent on it, as far as is known. */
  get usable(): boolean {
    return !this.#ended
  }

  /** Sends a request and settles with its response. @throws NoReply */
  ask(request: string): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#ended) {
        reject(new NoReply('CLOSED'))
        return
      }
      const limit = setTimeout(() => this.#end('TIMEOUT'), this.#patience)
      this.#waiting = { resolve, reject, limit }
      this.#socket.write(request)
    })
  }

  /** Ends it with a reset, so that nothing of it stays in the kernel. */
  drop(): void {
    this.#ended = true
    this.#socket.resetAndDestroy()
  }

  #hear(text: string): void {
    this.#received += text
    const head = this.#received.indexOf('\r\n\r\n')
    if (head === -1) return
    const found = readHead(this.#received.slice(0, head))
    if (found === undefined) {
      this.#end('BROKEN')
      return
    }
    const { status, kept, length } = found
    // Without a length the body ends with the connection.
    if (length === undefined || this.#received.length < head + 4 + length) return
    this.#received = this.#received.slice(head + 4 + length)
    this.#reply({ status, kept })
  }

  #reply(reply: Reply): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (!reply.kept) this.#leave()
    if (waiting === undefined) return
    clearTimeout(waiting.limit)
    this.answered++
    waiting.resolve(reply)
  }

  #end(code: string): void {
    if (this.#ended) return
    const head = this.#received.indexOf('\r\n\r\n')
    const found = head === -1 ? undefined : readHead(this.#received.slice(0, head))
    if (code === 'CLOSED' && found !== undefined && found.length === undefined) {
      this.#reply({ status: found.status, kept: false })
      return
    }
    this.#leave()
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting === undefined) return
    clearTimeout(waiting.limit)
    waiting.reject(new NoReply(code))
  }

  #leave(): void {
    this.#ended = true
    this.#socket.destroy()
  }
}

/** What the head of a response says; undefined where it is none, or of a kind that these servers do not send. */
export function readHead(
  head: string,
): { status: number; kept: boolean; length: number | undefined } | undefined {
  const [first = '', ...lines] = head.split('\r\n')
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1])
  if (Number.isNaN(status)) return undefined
  const fields = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [
        line.slice(0, colon).toLowerCase(),
        line
          .slice(colon + 1)
          .trim()
          .toLowerCase(),
      ]
    }),
  )
  if (fields.has('transfer-encoding')) return undefined
  const told = fields.get('content-length')
  const length = told === undefined ? undefined : Number(told)
  const close = fields.get('connection') === 'close' || length === undefined
  const kept = !close && (first.startsWith('HTTP/1.1') || fields.get('connection') === 'keep-alive')
  return { status, kept, length }
}

/** The text of a request. */
export function requestFor(path: string, { body, close }: { body?: string; close?: boolean } = {}) {
  const length = body === undefined ? '' : `Content-Length: ${body.length}\r\n`
  const end = close === true ? 'Connection: close\r\n' : ''
  const method = body === undefined ? 'GET' : 'POST'
  return `${method} ${path} HTTP/1.1\r\nHost: compare\r\n${length}${end}\r\n${body ?? ''}`
}
