/** The load client as the lab has it: one process for a whole run, asked for one load after another. */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import pTimeout from 'p-timeout'
import { KidError } from '../errors.js'
import { connectionLimit, type LabLoad, type LabLoadResult } from './lab-load.js'

export class ClientProcess {
  readonly #process: ChildProcess

  constructor() {
    const program = fileURLToPath(new URL('./lab-client.js', import.meta.url))
    // An empty environment and no flags of ours: what we are run with must not change what is measured.
    this.#process = fork(program, { execArgv: [], env: { PATH: process.env.PATH } })
  }

  /** Makes a load. One at a time. @throws KidError when it ends or does not answer in time; an abort's reason */
  async make(load: LabLoad, signal: AbortSignal): Promise<LabLoadResult> {
    signal.throwIfAborted()
    const over = new AbortController()
    const either = AbortSignal.any([signal, over.signal])
    try {
      const answer = once(this.#process, 'message', { signal: either })
      const end = once(this.#process, 'exit', { signal: either }).then(() => {
        throw new KidError("the lab's load client has ended")
      })
      this.#process.send(load)
      const milliseconds = load.milliseconds + 2 * connectionLimit
      const message = "the lab's load client did not answer in time"
      const [result] = await pTimeout(Promise.race([answer, end]), { milliseconds, message })
      return result as LabLoadResult
    } catch (error) {
      signal.throwIfAborted()
      throw error
    } finally {
      over.abort()
    }
  }

  /** Ends it, whatever it does; resolves when it is reaped. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const ended = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await ended
  }
}
