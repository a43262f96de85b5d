/** Servers to compare: each is started, loaded and stopped as a process of its own. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import pTimeout from 'p-timeout'
import type { HerdProtocol } from './load-client.js'
import { costOf, kidsOf } from './processes.js'

/** Who takes part. */
export const contestants = ['preforkd', 'cluster-rr', 'cluster-none'] as const
export type Contestant = (typeof contestants)[number]

/** How long, in milliseconds, a contestant may take to start or to stop. */
const patience = 20_000

/** A contestant that is up. */
export interface Running {
  readonly port: number
  readonly pid: number
  /** CPU in nanoseconds so far: of the parent or primary, and of the kids together. */
  cpu(): { parent: number; kids: number }
  stop(): Promise<void>
}

/** Starts a contestant with so many kids, of so many slots each where it knows slots. */
export async function startContestant(
  name: Contestant,
  kids: number,
  slots: number,
  protocol: HerdProtocol = 'tcp',
): Promise<Running> {
  const started =
    name === 'preforkd' ? preforkd(kids, slots, protocol) : clusterOf(name, kids, protocol)
  const port = await pTimeout(portOf(started, name), { milliseconds: patience })
  const pid = started.pid as number
  return {
    port,
    pid,
    cpu: () => ({
      parent: costOf(pid).cpu,
      kids: kidsOf(pid).reduce((sum, kid) => sum + costOf(kid).cpu, 0),
    }),
    stop: async () => {
      const exit = once(started, 'exit')
      started.kill('SIGTERM')
      await pTimeout(exit, { milliseconds: patience })
    },
  }
}

function beside(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url))
}

function preforkd(kids: number, slots: number, protocol: HerdProtocol): ChildProcess {
  const handler = beside(protocol === 'http' ? './http-app.js' : './handler.js')
  const flags = ['--handler', handler, '--protocol', protocol, '--listen', '127.0.0.1:0']
  const size = ['--kids', String(kids), '--slots', String(slots)]
  return spawn(process.execPath, [beside('../cli/main.js'), ...flags, ...size], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
}

function clusterOf(name: Contestant, kids: number, protocol: HerdProtocol): ChildProcess {
  const policy = name === 'cluster-none' ? 'none' : 'rr'
  const args = [beside('./cluster-server.js'), policy, String(kids), protocol]
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** The port a contestant tells when it is ready, in a line of JSON. */
async function portOf(started: ChildProcess, name: Contestant): Promise<number> {
  const output = started.stdout ?? started.stderr
  if (output === null) throw new Error(`${name} has no output`)
  for await (const line of createInterface({ input: output })) {
    const told = JSON.parse(line) as { port?: number; addresses?: string[] }
    const port = told.port ?? told.addresses?.[0]?.split(':').at(-1)
    if (port !== undefined) {
      output.resume()
      return Number(port)
    }
  }
  throw new Error(`${name} ended before it was ready`)
}
