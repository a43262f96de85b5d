/** The connections a kid holds: begun after the answer, told as done when complete. */

import { Socket } from 'node:net'
import type { Kid, KidListener } from '../handlers/handler.js'
import type { KidSettings } from '../protocol/kid-settings.js'
import { type HandleParts, KidHandle } from './kid-handle.js'
import { Title } from './title.js'

/** Serves one connection; settles when it is complete and never rejects. */
export type Serve = (socket: Socket, kid: Kid) => Promise<void>

export class Connections {
  readonly #serve: Serve
  readonly #parts: HandleParts
  readonly #settings: KidSettings
  readonly #onNone: () => void
  readonly #open = new Set<Socket>()
  readonly #title: Title

  /** `onNone` is called whenever the last connection is complete. */
  constructor(serve: Serve, parts: HandleParts, onNone: () => void) {
    this.#serve = serve
    this.#parts = parts
    this.#settings = parts.inheritance.settings
    this.#onNone = onNone
    this.#title = new Title(parts.inheritance.number)
  }

  /** The kid is up, with nothing to do yet. */
  ready(): void {
    this.#title.show(0)
  }

  get count(): number {
    return this.#open.size
  }

  /** Begins to serve an accepted descriptor, which from now on belongs to the socket. */
  begin(fd: number, seq: number, listener: KidListener): void {
    const socket = new Socket({ fd, readable: true, writable: true })
    const connection = { seq, listener, open: true }
    const limits = this.#limit(socket)
    this.#open.add(socket)
    this.#title.show(this.#open.size)
    this.#serve(socket, new KidHandle(this.#parts, connection)).then(() => {
      for (const timer of limits) clearTimeout(timer)
      connection.open = false
      this.#open.delete(socket)
      this.#title.show(this.#open.size)
      this.#parts.status.done(seq)
      if (this.#open.size === 0) this.#onNone()
    })
  }

  /** Drops everything at once. */
  destroyAll(): void {
    for (const socket of this.#open) socket.destroy()
  }

  #limit(socket: Socket): NodeJS.Timeout[] {
    const { firstByteTimeout, connectionTimeout } = this.#settings
    const limits: NodeJS.Timeout[] = []
    if (firstByteTimeout !== undefined) {
      const check = () => {
        if (socket.bytesRead === 0) socket.destroy()
      }
      limits.push(setTimeout(check, firstByteTimeout))
    }
    if (connectionTimeout !== undefined) {
      limits.push(setTimeout(() => socket.destroy(), connectionTimeout))
    }
    return limits
  }
}
