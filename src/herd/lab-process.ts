/** Processes of the lab: started by the launcher, so that none outlives it however it ends; stopped and reaped. */

import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { KidError } from '../errors.js'
import { findLauncher, launchArguments } from '../system/launcher.js'

/** How much of what a process says on standard error is kept, in characters. */
const mostSaid = 2_000

/** One process, of ours: Node.js with a file beside this one. */
export class LabProcess {
  readonly #process: ChildProcess
  readonly #name: string
  #said = ''
  #over = false
  /** Resolves when it is reaped. */
  readonly ended: Promise<void>

  /** `fds` are its descriptors from 3 on. The environment is empty but for `env`: nothing of ours changes what is measured. */
  constructor(
    file: string,
    args: readonly string[],
    fds: readonly number[],
    env: NodeJS.ProcessEnv = {},
  ) {
    this.#name = file
    const launch = {
      descriptors: 3 + fds.length,
      umask: undefined,
      chdir: undefined,
      reads: [],
      identity: undefined,
    }
    const program = fileURLToPath(new URL(file, import.meta.url))
    const words = launchArguments(launch, process.execPath, [program, ...args])
    this.#process = spawn(findLauncher(), words, {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'ignore', 'pipe', ...fds],
      // What is typed at the terminal is for the lab, which ends its processes in order.
      detached: true,
    })
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-mostSaid)
    })
    this.ended = new Promise((resolve) => {
      const end = () => {
        this.#over = true
        resolve()
      }
      this.#process.once('close', end)
      this.#process.once('error', (error) => {
        this.#said += error.message
        end()
      })
    })
  }

  /** 0 where it could not be started: then it has ended already. */
  get pid(): number {
    return this.#process.pid ?? 0
  }

  /** Throws if it has ended, which none should before it is told to. @throws KidError with the sentence it has said as its cause */
  check(): void {
    if (!this.#over) return
    const { exitCode, signalCode } = this.#process
    const how = signalCode === null ? `code ${exitCode}` : signalCode
    const error = new KidError(`a process of the lab, ${this.#name}, ended with ${how}`)
    error.cause = sentenceIn(this.#said)
    throw error
  }

  kill(signal: NodeJS.Signals): void {
    if (!this.#over) this.#process.kill(signal)
  }
}

/** The error in what Node.js says when it ends for one: the rest is its source, stack and version. Else the last line. */
function sentenceIn(said: string): string {
  const lines = said.trim().split('\n')
  return [...lines].reverse().find((line) => /^\w*Error: /.test(line)) ?? lines.at(-1) ?? ''
}
