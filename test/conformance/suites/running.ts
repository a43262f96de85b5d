/** Runs a program of a suite: bounded in time, in a group of its own that is ended with it. */

import { spawn } from 'node:child_process'

export interface Running {
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** In milliseconds; after that it is killed, and has failed. */
  readonly timeout: number
}

/** Runs `node` with these arguments; settles with its exit code, or undefined when a signal has ended it. */
export function runNode(
  args: readonly string[],
  { cwd, env, timeout }: Running,
): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const program = spawn(process.execPath, args, {
      cwd,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
      stdio: 'ignore',
      // Suites start processes of their own, and what fails leaves them.
      detached: true,
    })
    const killGroup = () => {
      try {
        if (program.pid !== undefined) process.kill(-program.pid, 'SIGKILL')
      } catch {
        // Nobody is left in it.
      }
    }
    const timer = setTimeout(killGroup, timeout)
    process.once('exit', killGroup)
    program.once('error', reject)
    program.once('exit', (code) => {
      clearTimeout(timer)
      process.off('exit', killGroup)
      killGroup()
      resolve(code ?? undefined)
    })
  })
}
