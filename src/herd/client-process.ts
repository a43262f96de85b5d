/** Runs the load client as a process of its own, asked for one load after another; used by the lab and by every comparison. */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import pTimeout from 'p-timeout'
import { InternalError } from '../errors.js'
import { connectionLimit, type LabLoad, type LabLoadResult } from './lab-load.js'

/** The client has ended, or does not answer: nothing more can be measured. */
export class ClientGone extends InternalError {}

const never = new AbortController().signal

/** One client for a whole run: one that has just been started is slow, and its first connections would be everybody's slowest. */
export class ClientProcess {
  readonly #process: ChildProcess

  constructor() {
    const program = fileURLToPath(new URL('./lab-client.js', import.meta.url))
    // An empty environment and no flags of ours: what we are run with must not change what is measured. What is typed
    // at the terminal is for the lab.
    const env = { PATH: process.env.PATH }
    this.#process = fork(program, { execArgv: [], env, detached: true })
  }

  /** Makes a load. One at a time. @throws ClientGone, or the signal's reason */
  async make(load: LabLoad, signal: AbortSignal = never): Promise<LabLoadResult> {
    signal.throwIfAborted()
    const over = new AbortController()
    const either = AbortSignal.any([signal, over.signal])
    try {
      const answer = once(this.#process, 'message', { signal: either })
      const end = once(this.#process, 'exit', { signal: either }).then(() => {
        throw new ClientGone('the load client has ended')
      })
      this.#process.send(load)
      const milliseconds = load.milliseconds + 2 * connectionLimit
      const message = new ClientGone('the load client did not answer in time')
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
