/** Starts the servers that the keep-alive benches compare: a built preforkd, and node:cluster with the same app. */

import type { ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Contestant, type Running, running } from '../../src/herd/contestants.js'
import { kidsOf } from '../../src/herd/processes.js'
import { startBound } from './bound.js'
import { Counts } from './counts.js'

/** What a contestant is started with. */
export interface ServerPlan {
  /** The folder `dist` of the preforkd to be measured. */
  readonly dist: string
  readonly kids: number
  /** Where it knows slots. */
  readonly slots: number
  /** How long an idle connection is kept, in milliseconds. */
  readonly keepAlive: number
  /** Further flags of preforkd. */
  readonly flags: readonly string[]
}

/** A contestant that is up, and what its app counts. */
export interface Server extends Running {
  readonly name: Contestant
  readonly counts: Counts
  /** Its kids, or the processes of the cluster. */
  kids(): number[]
}

const beside = (file: string) => fileURLToPath(new URL(file, import.meta.url))

/** How long, in milliseconds, idle connections are kept where a bench does not say otherwise: the default of both. */
export const usualKeepAlive = 5_000

/** @throws Error where there is no such preforkd, or the contestant does not start */
export async function startServer(name: Contestant, plan: ServerPlan): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'preforkd-compare-'))
  const { PATH, COMPARE_CLOSES = '0' } = process.env
  const env = { PATH, COMPARE_CLOSES, COMPARE_COUNTS: folder }
  const remove = () => rmSync(folder, { recursive: true, force: true })
  let started: ChildProcess | undefined
  let up: Running
  try {
    started = name === 'preforkd' ? preforkd(plan, env) : nodeCluster(name, plan, env)
    up = await running(started, name)
  } catch (error) {
    started?.kill('SIGKILL')
    remove()
    throw error
  }
  return {
    ...up,
    name,
    counts: new Counts(folder),
    kids: () => kidsOf(up.pid),
    stop: async () => {
      try {
        await up.stop()
      } finally {
        // Nothing happens to one that has ended.
        started?.kill('SIGKILL')
        remove()
      }
    },
  }
}

function preforkd(plan: ServerPlan, env: NodeJS.ProcessEnv): ChildProcess {
  const command = join(plan.dist, 'cli/main.js')
  if (!existsSync(command)) throw new Error(`there is no built preforkd in ${plan.dist}`)
  const flags = [
    ...['--no-config', '--protocol', 'http', '--handler', beside('./app.mjs')],
    ...['--listen', '127.0.0.1:0', '--keep-alive-timeout', `${plan.keepAlive}ms`],
    ...['--kids', `${plan.kids}`, '--slots', `${plan.slots}`, ...plan.flags],
  ]
  return startBound(process.execPath, [command, ...flags], env, ['ignore', 'pipe'])
}

function nodeCluster(name: Contestant, plan: ServerPlan, env: NodeJS.ProcessEnv): ChildProcess {
  const policy = name === 'cluster-none' ? 'none' : 'rr'
  const args = [beside('./cluster-server.mjs'), policy, `${plan.kids}`, `${plan.keepAlive}`]
  return startBound(process.execPath, args, env, ['pipe', 'inherit'])
}

/** Nanoseconds of CPU of all its processes so far. */
export function cpuOf(server: Server): number {
  const { parent, kids } = server.cpu()
  return parent + kids
}
