/** Connections that live on without a slot: counted, asked for their status, told to end when the kid drains. */

import type { Detached } from '../handlers/handler.js'
import type { Held } from '../handlers/held.js'
import { MAX_REPORTED } from '../protocol/limits.js'
import { formatDetached, formatEnded, formatReported } from '../protocol/lines.js'
import type { StatusPipe } from './status-pipe.js'

interface Entry {
  readonly held: Held
  readonly detached: Detached
}

export class DetachedConnections {
  readonly #status: StatusPipe
  readonly #most: number
  readonly #onNone: () => void
  readonly #onError: (error: unknown, what: string) => void
  readonly #entries = new Map<number, Entry>()
  #lastId = 0
  /** Why they are to end, once they are. */
  #reason: string | undefined

  /** At most `most`. `onNone` is called whenever the last one has ended, `onError` with what a handler's function threw. */
  constructor(
    status: StatusPipe,
    most: number,
    onNone: () => void,
    onError: (error: unknown, what: string) => void,
  ) {
    this.#status = status
    this.#most = most
    this.#onNone = onNone
    this.#onError = onError
  }

  get count(): number {
    return this.#entries.size
  }

  /** Takes over a connection; returns what is to be called when it is complete. Throws Error when there are too many. */
  add(held: Held, detached: Detached): () => void {
    if (this.#entries.size >= this.#most) {
      throw new Error(
        `detach: this kid has ${this.#most} detached connections already, and maxDetached allows no more`,
      )
    }
    const id = ++this.#lastId
    this.#entries.set(id, { held, detached })
    // Deferred: the handler that has just detached it is not done with it yet.
    const reason = this.#reason
    if (reason !== undefined) setImmediate(() => this.#terminate(id, reason))
    return () => {
      this.#entries.delete(id)
      this.#status.say(formatEnded(1))
      if (this.#entries.size === 0) this.#onNone()
    }
  }

  /** Says what each is doing. */
  report(): void {
    let reported = 0
    for (const [id, { detached }] of this.#entries) {
      if (++reported > MAX_REPORTED) break
      let text = ''
      try {
        text = detached.status()
      } catch (error) {
        this.#onError(error, 'status of a detached connection failed')
      }
      this.#status.say(formatDetached(id, text))
    }
    this.#status.say(formatReported(this.#entries.size))
  }

  /** Tells all of them to end, those of the future too; only the first reason is told. */
  terminateAll(reason: string): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    for (const id of [...this.#entries.keys()]) this.#terminate(id, reason)
  }

  /** Drops all of them. */
  destroyAll(): void {
    for (const { held } of this.#entries.values()) held.destroy()
  }

  #terminate(id: number, reason: string): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    try {
      entry.detached.terminate(reason)
    } catch (error) {
      this.#onError(error, 'terminate of a detached connection failed; it is closed')
      entry.held.destroy()
    }
  }
}
