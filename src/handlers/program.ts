/** Runs a program for each connection, as inetd and tcpserver do, with the socket as its input and output. */

import { type ChildProcess, spawn } from 'node:child_process'
import { connectionEnds } from '../system/connection-ends.js'
import { close, setNonBlocking } from '../system/descriptors.js'
import { findLauncher, launchArguments, wordsOf } from '../system/launcher.js'
import type { Kid } from './handler.js'
import type { Held, HeldEars, Serve } from './held.js'
import { commonEnvironment, connectionEnvironment, nameClient } from './program-environment.js'

/** How long, in milliseconds, a program has from SIGTERM to SIGKILL when its connection is to end. */
const killAfter = 500

/** What the launcher, the shell and env(1) exit with where there is no such program, or it cannot be executed. */
const cannotStart: Readonly<Record<number, string>> = {
  126: 'it cannot be executed',
  127: 'there is no such program',
}

/** A shell's command line, or a program and its arguments. */
export type ProgramCommand = string | readonly string[]

/**
 * Makes ready to serve connections by a program.
 * @throws SystemError where the launcher that starts them is missing
 */
export function prepareProgram(command: ProgramCommand): {
  readonly serve: Serve
  readonly teardown: () => Promise<unknown>
} {
  findLauncher()
  const env = commonEnvironment(process.env)
  const running = new Set<Program>()
  // However the kid ends, short of SIGKILL: of that, on Linux, the kernel tells the programs themselves.
  process.once('exit', () => {
    for (const program of running) program.kill()
  })
  return {
    serve: (fd, kid) => new Program(command, env, fd, kid, running),
    // After a quick stop the kid ends at once when this has settled: programs have until then, or until SIGKILL.
    teardown: () => Promise.all([...running].map((program) => program.ended)),
  }
}

class Program implements Held {
  readonly ended: Promise<void>
  readonly #command: ProgramCommand
  readonly #env: NodeJS.ProcessEnv
  readonly #fd: number
  readonly #kid: Kid
  readonly #running: Set<Program>
  #end = () => {}
  #child: ChildProcess | undefined
  #client = 'a client'
  #killing: NodeJS.Timeout | undefined

  constructor(
    command: ProgramCommand,
    env: NodeJS.ProcessEnv,
    fd: number,
    kid: Kid,
    running: Set<Program>,
  ) {
    this.#command = command
    this.#env = env
    this.#fd = fd
    this.#kid = kid
    this.#running = running
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  start(ears: HeldEars): void {
    void this.ended.then(() => {
      ears.complete()
      ears.closed()
    })
    try {
      this.#spawn()
    } catch (error) {
      this.#failed(error as Error)
    } finally {
      // From here on the program alone has it, and its end is the connection's.
      close(this.#fd)
    }
  }

  /** Ends the program and all that it has started in its group: SIGTERM, and SIGKILL for what is left. */
  destroy(): void {
    if (this.#killing !== undefined) return
    this.#killing = setTimeout(() => this.kill(), killAfter)
    this.#signalGroup('SIGTERM')
  }

  kill(): void {
    this.#signalGroup('SIGKILL')
  }

  #spawn(): void {
    const ends = connectionEnds(this.#fd)
    if (ends === 'gone') {
      this.#end()
      return
    }
    this.#client = nameClient(ends)
    // Programs expect to wait where they read and write. The flag is one for all copies of the descriptor.
    setNonBlocking(this.#fd, false)
    const launch = { descriptors: 3, umask: undefined, chdir: undefined, reads: [] }
    const [program, args] = wordsOf(this.#command)
    const words = launchArguments({ ...launch, identity: undefined }, program, args)
    this.#child = spawn(findLauncher(), words, {
      env: { ...this.#env, ...connectionEnvironment(ends) },
      stdio: [this.#fd, this.#fd, 2],
      // In a session of its own, so that it has a group that can be ended as a whole.
      detached: true,
    })
    this.#running.add(this)
    this.#child.once('error', (error) => {
      if (this.#child?.pid === undefined) this.#failed(error)
    })
    this.#child.once('exit', (code, signal) => this.#exited(code, signal))
  }

  #failed(error: Error): void {
    this.#kid.log.error(
      `the program ${show(this.#command)} cannot be started for ${this.#client}: ${error.message}`,
    )
    this.#settle()
  }

  #exited(code: number | null, signal: NodeJS.Signals | null): void {
    // Its group may have others in it still; now, before its number can be another's, is the time to end them.
    if (this.#killing !== undefined) this.kill()
    this.#log(code, signal)
    this.#settle()
  }

  #log(code: number | null, signal: NodeJS.Signals | null): void {
    const { log } = this.#kid
    const how = signal === null ? `exit status ${code}` : signal
    if (this.#killing !== undefined) {
      const level = this.#kid.signal.aborted ? 'info' : 'warn'
      log[level](`the program for ${this.#client} was ended with its connection: ${how}`)
      return
    }
    const why = cannotStart[code ?? 0]
    if (why !== undefined) {
      log.error(
        `the program ${show(this.#command)} cannot be started for ${this.#client}: ${how}, which says that ${why}`,
      )
      return
    }
    // A client that leaves early ends a program that writes: no news, and nothing that clients should fill a log with.
    const level = code === 0 || signal === 'SIGPIPE' ? 'debug' : 'warn'
    log[level](`the program for ${this.#client} ended: ${how}`)
  }

  #settle(): void {
    clearTimeout(this.#killing)
    this.#running.delete(this)
    this.#end()
  }

  #signalGroup(signal: NodeJS.Signals): void {
    const pid = this.#child?.pid
    if (pid === undefined) return
    try {
      process.kill(-pid, signal)
    } catch (error) {
      // ESRCH: all have ended. EPERM: what is left has become another user, and is beyond us.
      if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    }
  }
}

function show(command: ProgramCommand): string {
  return JSON.stringify(typeof command === 'string' ? command : command.join(' '))
}
