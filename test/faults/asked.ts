/** A client of a row: it has an id, asks the handler for something, and knows what its end means. */

import type { SocketAddress } from 'preforkd'
import { Client, type Outcome } from '../process/client.js'

export interface AskedOptions {
  readonly listener?: number
  /** Milliseconds that it may take altogether. */
  readonly timeout?: number
  /** Says nothing by itself. */
  readonly silent?: boolean
}

/** `eof`: an end without the whole answer; `dropped`: by the row itself. */
export type AskedEnd = 'ok' | 'rst' | 'eof' | 'refused' | 'timeout' | 'dropped'

export class Asked extends Client {
  readonly id: number
  #dropped = false

  constructor(address: SocketAddress, id: number, what: string, options: AskedOptions) {
    const { timeout, silent = false } = options
    super(address, {
      ...(silent ? {} : { send: `${id} ${what}\n` }),
      ...(timeout === undefined ? {} : { timeout }),
    })
    this.id = id
  }

  /** How it ended; never rejects. */
  get ended(): Promise<AskedEnd> {
    return this.outcome.then(({ result, text }) => {
      if (this.#dropped) return 'dropped'
      if (result === 'ok') return this.#isAnswer(text) ? 'ok' : 'eof'
      return ({ reset: 'rst', closed: 'eof' } as const)[result as 'reset' | 'closed'] ?? result
    })
  }

  /** The pid that answered, once it has. */
  async servedBy(): Promise<number> {
    const { text, result } = await this.outcome
    if (!this.#isAnswer(text))
      throw new Error(`client ${this.id} has no answer: ${result} '${text}'`)
    return Number(text.split(' ')[1])
  }

  override drop(): Promise<Outcome> {
    // An end that has come already is the server's doing.
    this.#dropped ||= !this.socket.destroyed && !this.socket.readableEnded
    return super.drop()
  }

  #isAnswer(text: string): boolean {
    return new RegExp(`^${this.id} \\d+\\n$`).test(text)
  }
}
