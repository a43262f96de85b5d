/** Runs the benches' client as a process of its own, asked for one load after another; used by every bench. */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import pTimeout from 'p-timeout'
import type { CloseIdle, Held, Load, LoadResult, OpenIdle } from './loads.js'
import { patience } from './loads.js'

/** How long, in milliseconds, opening or ending a few ten thousand connections may take. */
const patienceToOpen = 120_000

type Answer = { readonly result: LoadResult | Held } | { readonly error: string }

export class CompareClient {
  readonly #process: ChildProcess = fork(
    fileURLToPath(new URL('./client.ts', import.meta.url)),
    // Of its own it knows no TypeScript. Nothing else of ours changes what is measured.
    { execArgv: ['--import', 'tsx'], env: { PATH: process.env.PATH } },
  )

  /** Makes a load, one at a time. @throws Error when it cannot, or does not answer in time */
  make(load: Exclude<Load, OpenIdle | CloseIdle>): Promise<LoadResult> {
    return this.#ask(load, load.milliseconds + 3 * patience) as Promise<LoadResult>
  }

  /** Opens connections that stay, or ends them: how many are, or were, open. */
  hold(load: OpenIdle | CloseIdle): Promise<Held> {
    return this.#ask(load, patienceToOpen) as Promise<Held>
  }

  async #ask(load: Load, milliseconds: number): Promise<LoadResult | Held> {
    const over = new AbortController()
    const { signal } = over
    try {
      const answer = once(this.#process, 'message', { signal })
      const end = once(this.#process, 'exit', { signal }).then(() => {
        throw new Error('the client of the bench has ended')
      })
      this.#process.send(load)
      const message = 'the client of the bench did not answer in time'
      const [said] = await pTimeout(Promise.race([answer, end]), { milliseconds, message })
      const told = said as Answer
      if ('error' in told) throw new Error(`the client of the bench failed: ${told.error}`)
      return told.result
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
