/** What the cases are made of: one kid, two listeners of its own, and clients; begun anew for each kid that is started. */

import { formatDuration } from '../durations.js'
import type { Options } from '../options.js'
import type { KidEnd } from '../parent/kid-process.js'
import { isNonBlocking } from '../system/descriptors.js'
import { closeListener, type Listener, openListener, waiting } from '../system/listeners.js'
import { Client } from './client.js'
import { DrivenKid, describeEnd, Failure } from './driven-kid.js'

/** How long, in milliseconds, a kid may take, and what its clients say. */
export interface Limits {
  readonly ready: number
  readonly accept: number
  /** For a connection, from its client's last word; and for the kid's end, once it is to leave. */
  readonly done: number
  readonly send: string
}

/** An order that was answered, and the clients it was answered for. */
export interface Answered {
  readonly seq: number
  readonly clients: readonly Client[]
}

/** The second is there to see that a kid heeds the listener's number. */
const listenerCount = 2
/** How long, in milliseconds, a kid may take to park a connection whose client is silent. */
const parksWithin = 100
/** Between two tries to connect where nobody should listen, in milliseconds. */
const tryAgain = 20

/** A listener, and the clients in its queue, the first to be accepted first. */
interface Place {
  readonly listener: Listener
  readonly queue: Client[]
}

export class Trial {
  readonly kid: DrivenKid
  readonly limits: Limits
  readonly #places: readonly Place[]
  readonly #clients: Client[] = []
  /** Whether we hold the listeners too. */
  #open = true
  #nextSeq = 1

  /** Opens listeners on loopback, and starts a kid that is numbered `number`. Throws ListenError, SystemError. */
  static async begin(options: Options, number: number, limits: Limits): Promise<Trial> {
    const listeners: Listener[] = []
    try {
      for (let i = 0; i < listenerCount; i++) {
        const address = { kind: 'tcp', name: `conform${i}`, host: '127.0.0.1', port: 0 } as const
        listeners.push(await openListener(address, options.backlog))
      }
      return new Trial(new DrivenKid(options, listeners, number), listeners, limits)
    } catch (error) {
      for (const listener of listeners) closeListener(listener)
      throw error
    }
  }

  private constructor(kid: DrivenKid, listeners: readonly Listener[], limits: Limits) {
    this.kid = kid
    this.limits = limits
    this.#places = listeners.map((listener) => ({ listener, queue: [] }))
  }

  /** Settles once the kid is up. */
  async ready(): Promise<void> {
    const look = () => (this.kid.slots > 0 ? true : undefined)
    const hint =
      '; it is to be written to the descriptor in PREFORKD_STATUS_FD, with a newline and past any buffer, and a kid that is only slow needs a longer --ready-timeout'
    await this.kid.until(look, this.limits.ready, '"idle SLOTS"', { hint })
  }

  /** Settles once one more connection waits at listener `number`. */
  async connect(number = 0): Promise<Client> {
    const { listener, queue } = this.#place(number)
    const least = listener.depthKnown ? waiting(listener) + 1 : 1
    const client = this.#newClient(listener)
    const look = () => (client.connected && waiting(listener) >= least ? client : undefined)
    await this.kid.until(look, this.limits.accept, 'a connection to wait until it is ordered')
    queue.push(client)
    return client
  }

  /** A number for an order, another each time. */
  newSeq(): number {
    return this.#nextSeq++
  }

  /**
   * Gives an order and waits for the answer, which must be of as many connections as are gone from the queue, and of at
   * least one if any waits. `tell` writes the line of the order.
   */
  async order(
    { count = 1, number = 0, seq = this.newSeq(), least = 1 } = {},
    tell: (line: string) => void | Promise<void> = (line) => this.kid.send(line),
  ): Promise<Answered> {
    const { listener, queue } = this.#place(number)
    const before = waiting(listener)
    const most = Math.min(count, before)
    const expected =
      most > 1
        ? `"accepted ${seq} N" with N from 1 to ${most}`
        : `"accepted ${seq} ${most}"${least < most ? ' or 0' : ''}`
    await tell(this.kid.orderLine(seq, number, count))
    const look = () => {
      const found = this.kid.answers.get(seq)
      if (found === undefined) this.#notYetServed(expected)
      return found
    }
    const answer = await this.kid.until(look, this.limits.accept, expected)
    if (answer.type === 'failed') {
      throw new Failure(`expected ${expected}, but its accept failed with ${answer.code}`)
    }
    const gone = listener.depthKnown ? before - waiting(listener) : answer.count
    if (answer.count !== gone) {
      throw new Failure(
        `expected what it accepts to be gone from the queue, but it said "accepted ${seq} ${answer.count}", and ${gone} of ${before} are gone`,
      )
    }
    if (answer.count < Math.min(least, most)) {
      throw new Failure(`expected ${expected}, but it said "accepted ${seq} ${answer.count}"`)
    }
    return { seq, clients: queue.splice(0, answer.count) }
  }

  /** The clients of an order say all they have to say; settles when they are served and the kid has said so. */
  async finish({ seq, clients }: Answered): Promise<void> {
    for (const client of clients) client.say(this.limits.send)
    const closed = () => (clients.every((client) => client.closed) ? true : undefined)
    const expected = `the connection to be closed after its client had sent ${JSON.stringify(this.limits.send)} and ended its half`
    const hint = '; if it waits for something else from a client, say what with --send'
    // The end of a kid may be seen before that of its last connection.
    await this.kid.until(closed, this.limits.done, expected, { mayEnd: true, hint })
    await this.untilDone({ seq, clients })
  }

  /** Settles when the kid has said that the connections of an order are done. */
  async untilDone({ seq, clients }: Answered): Promise<void> {
    const look = () => (this.kid.ended.all(seq, clients.length) ? true : undefined)
    await this.kid.until(look, this.limits.done, `"done ${seq} ${clients.length}"`)
  }

  /** Whether the kid parks what it holds, silent as its clients are: it has a moment to say so. */
  async parks(): Promise<boolean> {
    const until = performance.now() + parksWithin
    const look = () => {
      if (this.kid.parked > 0) return true
      return performance.now() > until ? false : undefined
    }
    return this.kid.until(look, this.limits.accept + parksWithin, 'it to live on')
  }

  /** A connection from its beginning to its end. */
  async serve(order: { number?: number; seq?: number } = {}): Promise<void> {
    await this.connect(order.number)
    await this.finish(await this.order(order))
  }

  /** The kid is to leave by itself, and to have finished: how it ended. */
  async untilGone(limit = this.limits.done): Promise<KidEnd> {
    const end = await this.kid.until(() => this.kid.end, limit, 'the kid to end')
    if (this.kid.held > 0) {
      throw new Failure(
        `expected it to finish first, but it ${describeEnd(end)} with a connection in hand`,
      )
    }
    return end
  }

  /** Closes our copies of the listeners: from now on only the kid listens. */
  closeListeners(): void {
    if (!this.#open) return
    this.#open = false
    for (const { listener } of this.#places) closeListener(listener)
  }

  /** Settles when nobody listens any more; `when` says by when that is expected. Call `closeListeners` before. */
  async untilRefused(when: string): Promise<void> {
    const limit = performance.now() + this.limits.done
    for (const { listener } of this.#places) {
      for (;;) {
        const client = this.#newClient(listener)
        await client.settled
        if (client.error === 'ECONNREFUSED') break
        client.drop()
        if (performance.now() > limit) {
          const still = `somebody still listens after ${formatDuration(this.limits.done)}`
          throw new Failure(`expected the listeners to be closed ${when}, but ${still}`)
        }
        await new Promise((resolve) => setTimeout(resolve, tryAgain))
      }
    }
  }

  /** Throws Failure if the kid has made a listener block: for the parent and all other kids too. */
  checkListeners(): void {
    if (this.#places.some(({ listener }) => !isNonBlocking(listener.fd))) {
      throw new Failure('expected the listeners to stay non-blocking, but the kid has changed that')
    }
  }

  /** Ends everything; settles when nothing is left. */
  async dispose(): Promise<void> {
    for (const client of this.#clients) client.drop()
    this.closeListeners()
    await this.kid.dispose()
  }

  /** Throws Failure if a connection was served before the kid has said that it accepted it. */
  #notYetServed(expected: string): void {
    for (const { queue } of this.#places) {
      if (queue.some(({ received }) => received > 0)) {
        throw new Failure(`expected ${expected} first, but a client was served before the answer`)
      }
    }
  }

  #newClient(listener: Listener): Client {
    const client = new Client(listener.address, () => {
      // What it said before it served is in the pipe already.
      this.kid.readDry()
      this.kid.changed()
    })
    this.#clients.push(client)
    return client
  }

  #place(number: number): Place {
    return this.#places[number] as Place
  }
}
