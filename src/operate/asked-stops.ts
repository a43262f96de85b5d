/** Kids that ask for the end of the whole server: whether they may, and the line in the log; one for each server. */

import type { Logger } from 'pino'
import type { Options } from '../options.js'
import { identityOf } from '../system/identity.js'

/** What a kid asks for. */
interface Asked {
  readonly kid: number
  readonly graceful: boolean
}

/** Whether a kid may end the server: not if it was given less rights than the parent has, unless that was said. */
export function kidsMayStop(options: Options): boolean {
  const { kidShutdown } = options
  return kidShutdown === undefined ? identityOf(options)?.changes !== true : kidShutdown === 'on'
}

export class AskedStops {
  /** What was asked for so far, by kid. */
  readonly #asked = new Map<number, { graceful: boolean }[]>()

  /** Whether to stop now. A kid may ask as often as it likes: it is heard, and told of in the log, once. */
  asks({ kid, graceful }: Asked, options: Options, log: Logger): boolean {
    const before = this.#asked.get(kid) ?? []
    if (before.some((each) => each.graceful === graceful)) return false
    this.#asked.set(kid, [...before, { graceful }])
    const asks = `kid ${kid} asks the server to stop ${graceful ? 'gracefully' : 'at once'}`
    if (kidsMayStop(options)) {
      log.info({ kid }, asks)
      return true
    }
    log.warn({ kid }, `${asks}, which kids may not: see kidShutdown`)
    return false
  }

  /** The kid is dead. */
  forget(kid: number): void {
    this.#asked.delete(kid)
  }
}
