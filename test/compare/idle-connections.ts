/** Many connections that have made a request and are left alone: what the bench of idle connections holds against a server. */

import { readFileSync } from 'node:fs'
import { Connection, type NoReply } from './connection.js'
import { type Held, type OpenIdle, patience } from './loads.js'

/** Connections that are being opened at once: more would only wait in the backlog. */
const atOnce = 64
/** Connections from one address, at most: the kernel has some 28,000 ports for each. */
const perAddress = 4_000
/** Descriptors a process needs besides. */
const besides = 100

export class Idle {
  #connections: Connection[] = []

  /** Opens so many more and settles with how many are open once the last has had its response. @throws Error where the limit of descriptors is too low */
  async open({ port, connections, request, run }: OpenIdle): Promise<Held> {
    const limit = descriptorLimit()
    const before = this.#connections.length
    if (before + connections + besides > limit) {
      throw new Error(
        `${before + connections} connections need a higher limit of descriptors than ${limit}`,
      )
    }
    const failed: Record<string, number> = {}
    const count = (why: string) => {
      failed[why] = (failed[why] ?? 0) + 1
    }
    let next = before
    const openSome = async () => {
      while (next < before + connections) {
        const address = Math.floor(next++ / perAddress)
        // 127.0.0.0/8 is all ours; the first is where the servers listen.
        const from = `127.0.${1 + (run % 200)}.${1 + (address % 200)}`
        const connection = new Connection({ port, from, patience })
        this.#connections.push(connection)
        try {
          const { kept } = await connection.ask(request)
          if (!kept) count('said close')
        } catch (error) {
          count((error as NoReply).code)
          connection.drop()
        }
      }
    }
    await Promise.all(Array.from({ length: atOnce }, openSome))
    return { open: this.#open(), failed }
  }

  /** Settles with how many were still open; none is afterwards. */
  async close(): Promise<Held> {
    const open = this.#open()
    for (const connection of this.#connections) if (connection.usable) connection.drop()
    this.#connections = []
    return { open, failed: {} }
  }

  #open(): number {
    return this.#connections.filter(({ usable }) => usable).length
  }
}

function descriptorLimit(): number {
  const limits = readFileSync('/proc/self/limits', 'latin1')
  return Number(/^Max open files +(\d+)/m.exec(limits)?.[1])
}
