/** Starts a program that ends when the bench does, however that ends; used for servers and proxies. */

import { type ChildProcess, spawn } from 'node:child_process'
import { findLauncher, launchArguments } from '../../src/system/launcher.js'

/** Which output is read: the other goes nowhere, or where the bench's own goes. */
export type Outputs = ['ignore' | 'pipe', 'pipe' | 'inherit']

/** Its environment is `env` and nothing else: nothing of ours changes what is measured. */
export function startBound(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  outputs: Outputs,
): ChildProcess {
  const launch = {
    descriptors: 3,
    umask: undefined,
    chdir: undefined,
    reads: [],
    identity: undefined,
  }
  const words = launchArguments(launch, program, args)
  return spawn(findLauncher(), words, { env, stdio: ['ignore', ...outputs] })
}
