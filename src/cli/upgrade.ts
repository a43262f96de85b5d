/** An upgrade: starts a new parent, from whatever is on disk now, that inherits the listeners; on USR2. */

import { type ChildProcess, spawn } from 'node:child_process'
import pTimeout from 'p-timeout'
import { type Bequeathed, bequeath, heirIsUp } from '../system/bequest.js'
import { close, openPipe, read } from '../system/descriptors.js'
import { errnoName } from '../system/errno.js'
import { Watch } from '../system/watch.js'

/** The new parent, until it is up. */
export class Heir {
  readonly #process: ChildProcess
  /** Settles when it says that it is up; rejects, with one sentence, when it ends before. */
  readonly #answer: Promise<void>
  /** Settles when it is no more, or never was. */
  readonly #gone: Promise<void>

  /**
   * Starts the same command again. `env` is what this parent was started with: the heir takes from it what concerns the
   * service manager. Throws when there are no descriptors or processes to be had.
   */
  constructor(left: readonly Bequeathed[], env: NodeJS.ProcessEnv) {
    const { readFd, writeFd } = openPipe()
    try {
      const { fds, env: bequest } = bequeath(left, writeFd)
      const command = [...process.execArgv, ...process.argv.slice(1)]
      this.#process = spawn(process.execPath, command, {
        env: { ...env, ...bequest },
        stdio: ['inherit', 'inherit', 'inherit', ...fds],
      })
    } catch (error) {
      close(readFd)
      throw error
    } finally {
      close(writeFd)
    }
    // It is to outlive us.
    this.#process.unref()
    this.#gone = new Promise((resolve) => {
      this.#process.once('exit', () => resolve())
      this.#process.once('error', () => resolve())
    })
    this.#answer = answerOf(this.#process, readFd)
    this.#answer.catch(() => {})
  }

  /** Its process; -1 when there is none. */
  get pid(): number {
    return this.#process.pid ?? -1
  }

  /** Settles once it is up. Rejects when it ends before, or is not up within `patience` milliseconds; then it is gone. */
  async up(patience: number): Promise<void> {
    try {
      await pTimeout(this.#answer, {
        milliseconds: patience,
        message: `the new parent was not up within ${patience} ms`,
      })
    } catch (error) {
      // What it holds, the lock of the pid file for one, is free only when it is gone.
      await this.end(false)
      throw error
    }
  }

  /** Ends it: gracefully, which finishes what its kids may have begun, or at once. Settles when it is gone. */
  end(graceful: boolean): Promise<void> {
    // From here on we do wait for it.
    this.#process.ref()
    this.#process.kill(graceful ? 'SIGTERM' : 'SIGKILL')
    return this.#gone
  }
}

function answerOf(heir: ChildProcess, readFd: number): Promise<void> {
  const buffer = Buffer.allocUnsafe(16)
  return new Promise<void>((resolve, reject) => {
    heir.once('error', reject)
    heir.once('exit', (code, signal) => {
      const how = signal === null ? `with exit code ${code}` : `by ${signal}`
      reject(new Error(`the new parent ended ${how} before it was up`))
    })
    const watch = new Watch(readFd, () => {
      const bytes = read(readFd, buffer)
      if (bytes < 0 && ['EAGAIN', 'EINTR'].includes(errnoName(bytes))) return
      watch.close()
      close(readFd)
      // The end of the file means that it is about to end, which says more.
      if (bytes > 0 && buffer.toString('latin1', 0, bytes) === heirIsUp) resolve()
    })
    watch.start()
  })
}
