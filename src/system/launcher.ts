/** The launcher, which becomes the kid: where it is, and what it is told; asked by the parent for every spawn. */

import { accessSync, constants } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SystemError } from '../errors.js'
import type { Identity } from './identity.js'

/** What a program is to find when it starts, beyond its environment. */
export interface Launch {
  /** How many descriptors it keeps, from 0 on: all others are closed. */
  readonly descriptors: number
  /** Undefined: as the parent's. */
  readonly umask: number | undefined
  readonly chdir: string | undefined
  /** What the program is going to read: where its user may not, that is said before it begins. */
  readonly reads: readonly string[]
  /** Undefined: who the parent is. */
  readonly identity: Identity | undefined
}

let found: string | undefined

/**
 * The path of the launcher, which is built beside the addon. To be asked before anything is opened: what it throws is
 * no kid's fault.
 * @throws SystemError: one sentence that says what to do
 */
export function findLauncher(): string {
  // The same two steps up lead there from src/system and from dist/system.
  found ??= launcherIn(fileURLToPath(new URL('../../src/native', import.meta.url)))
  return found
}

/** The launcher built in `folder`. @throws SystemError */
export function launcherIn(folder: string): string {
  try {
    const { path } = createRequire(import.meta.url)('node-gyp-build') as {
      path(folder: string): string
    }
    const launcher = join(dirname(path(folder)), 'launch')
    accessSync(launcher, constants.X_OK)
    return launcher
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'no build found'
    const remedy =
      'run `npm rebuild preforkd --build-from-source`, which needs a C compiler, python3 and make'
    const error = new SystemError('finding the program that starts kids', code, remedy)
    error.cause = cause
    throw error
  }
}

/** The program and its arguments that a command is: a line for the shell, which becomes what it runs, or a list. */
export function wordsOf(command: string | readonly string[]): [string, readonly string[]] {
  if (typeof command === 'string') return ['/bin/sh', ['-c', `exec ${command}`]]
  const [program = '', ...args] = command
  return [program, args]
}

/** The launcher's arguments for a program; they are in its own words (src/native/launch.c). */
export function launchArguments(
  { descriptors, umask, chdir, reads, identity }: Launch,
  program: string,
  args: readonly string[],
): string[] {
  const words = ['-p', String(process.pid), '-k', String(descriptors)]
  if (umask !== undefined) words.push('-m', umask.toString(8))
  if (chdir !== undefined) words.push('-d', chdir)
  if (identity !== undefined) words.push('-n')
  if (identity?.changes) {
    words.push('-u', String(identity.uid), '-g', String(identity.gid))
    words.push('-G', identity.groups.join(','))
    // The directories that a process of root's may pass are not all open to others.
    for (const file of reads) words.push('-r', file)
  }
  return [...words, '--', program, ...args]
}
