/** Runs the load client as a process of its own; used by every comparison. */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { LoadPlan, LoadResult } from './load-client.js'

/**
 * One client for a whole comparison: one that has just been started is slow at first, and its first connections would be
 * everybody's slowest.
 */
export class LoadClient {
  readonly #process: ChildProcess = fork(
    fileURLToPath(new URL('./load-client.js', import.meta.url)),
  )

  /** Makes a load; one at a time. */
  async run(plan: LoadPlan): Promise<LoadResult> {
    this.#process.send(plan)
    const [result] = (await once(this.#process, 'message')) as [LoadResult]
    return result
  }

  /** Ends it, once no load is being made. */
  close(): void {
    this.#process.disconnect()
  }
}
