/** The clients of the soak: so many at once, each one connection after another, until they are told to stop. */

import { Asked } from '../faults/asked.js'
import type { Server } from '../faults/server.js'
import { within } from '../process/processes.js'
import type { Failure } from './explain.js'

/** How long, in milliseconds, a client may take altogether; one that takes longer was forgotten. */
const patience = 30_000

export class Load {
  offered = 0
  ok = 0
  /** By the soak itself. */
  dropped = 0
  /** The longest that anybody waited for an answer, in milliseconds. */
  slowest = 0
  readonly failures: Omit<Failure, 'pid'>[] = []
  readonly #server: Server
  readonly #random: () => number
  readonly #open = new Set<Asked>()
  /** Far from those that the bed gives to its own clients. */
  #lastId = 1_000_000
  #ending = false
  #clients: Promise<void>[] = []

  constructor(server: Server, random: () => number) {
    this.#server = server
    this.#random = random
  }

  /** So many clients, each of which asks, is served, and thinks for up to 200 ms. */
  start(clients: number): void {
    this.#clients = Array.from({ length: clients }, async () => {
      while (!this.#ending) {
        await this.ask('')
        await new Promise((resolve) => setTimeout(resolve, this.#random() * 200))
      }
    })
  }

  /** One connection more; `what` the handler is to do with it. */
  async ask(what: string): Promise<void> {
    await this.#follow(this.#client(what))
  }

  /** A client that resets its connection, or closes it, before or after it has spoken. */
  async askAndGo(silent: boolean, how: 'reset' | 'close'): Promise<void> {
    const client = this.#client('', silent)
    const over = this.#follow(client)
    await client.connected
    if (how === 'reset') client.leave(() => client.socket.resetAndDestroy())
    else client.leave(() => client.socket.destroy())
    await over
  }

  /** Settles when the last client has ended. */
  async stop(): Promise<void> {
    this.#ending = true
    await within(Promise.all(this.#clients), 'the clients to end', patience + 5_000)
    while (this.#open.size > 0) await [...this.#open][0]?.ended
  }

  #client(what: string, silent = false): Going {
    const client = new Going(this.#server.address(), ++this.#lastId, what, {
      silent,
      timeout: patience,
    })
    this.#open.add(client)
    this.offered++
    return client
  }

  async #follow(client: Going): Promise<void> {
    const begun = Date.now()
    const end = await client.ended
    this.#open.delete(client)
    const ended = Date.now()
    if (client.left) this.dropped++
    else if (end === 'ok') {
      this.ok++
      this.slowest = Math.max(this.slowest, ended - begun)
    } else this.failures.push({ id: client.id, begun, ended, how: end })
  }
}

/** A client that may go by itself. */
class Going extends Asked {
  /** It has gone by itself, before it had its answer. */
  left = false

  leave(how: () => void): void {
    this.left = !this.socket.destroyed
    how()
  }
}
