/** What the lab runs on: machine, kernel, Node.js and our own commit; and what of its strategies it has not. */

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem, type } from 'node:os'
import { fileURLToPath } from 'node:url'
import { SystemError } from '../errors.js'
import { close } from '../system/descriptors.js'
import { openLabListener, reservePort, whyNoExclusive } from '../system/herd-calls.js'
import type { RunLine } from './results.js'
import type { StrategyName } from './strategies.js'

// The same two steps up lead there from src/herd and from dist/herd.
const root = fileURLToPath(new URL('../../', import.meta.url))

/** The first record of a run. */
export function describeRun(options: RunLine['options']): RunLine {
  const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { version: string }
  return {
    type: 'run',
    version,
    startedAt: new Date().toISOString(),
    machine: {
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      cores: availableParallelism(),
      memoryBytes: totalmem(),
    },
    kernel: `${type()} ${release()}`,
    node: process.version,
    commit: commitOf(),
    options,
  }
}

function commitOf(): string | null {
  // Installed, we are no checkout; the one we may lie within is somebody else's.
  if (!existsSync(`${root}.git`)) return null
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no') !== ''
    return git('rev-parse', '--short', 'HEAD').trim() + (changed ? '+' : '')
  } catch {
    return null
  }
}

/** Why a strategy cannot be run here; undefined where it can. */
export function whyUnavailable(strategy: StrategyName): string | undefined {
  switch (strategy) {
    case 'epollexclusive':
      return whyNoEpollExclusive()
    case 'reuseport':
      return whyNoReusePort()
    case 'cluster-reuseport':
      return whyNoClusterReusePort(process.versions.node) ?? whyNoReusePort()
    default:
      return undefined
  }
}

function whyNoEpollExclusive(): string | undefined {
  const { fd } = openLabListener(0, 1, { reusePort: false })
  try {
    return whyNoExclusive(fd)
  } finally {
    close(fd)
  }
}

function whyNoReusePort(): string | undefined {
  try {
    close(reservePort().fd)
    return undefined
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    return `the system has no SO_REUSEPORT (${error.code})`
  }
}

/** node:net has it from 22.12 and 23.1 on; those before ignore the option. */
export function whyNoClusterReusePort(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12)) return undefined
  return `Node.js ${version} has no listen({ reusePort }): 22.12 and 23.1 have`
}
