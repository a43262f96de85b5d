/** Servers to compare: each is started, loaded and stopped as a process of its own. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import pTimeout from 'p-timeout'
import { costOfAll } from './counters.js'
import type { Requests } from './lab-load.js'
import { kidsOf } from './processes.js'

/** Who takes part. */
export const contestants = ['preforkd', 'cluster-rr', 'cluster-none'] as const
export type Contestant = (typeof contestants)[number]

/** What they speak. */
export type HerdProtocol = 'tcp' | 'http'

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: herd\r\nConnection: close\r\n\r\n`

/** What their handlers are asked. */
export const requests = {
  tcp: { light: 'l', works: 'b' },
  http: { light: get('/fast'), works: get('/slow') },
} as const satisfies Record<HerdProtocol, Requests>

/** How long, in milliseconds, a contestant may take to start or to stop. */
const patience = 60_000

/** A contestant that is up. */
export interface Running {
  /** The first port, and all. */
  readonly port: number
  readonly ports: readonly number[]
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
  protocol: HerdProtocol,
): Promise<Running> {
  return name === 'preforkd'
    ? startPreforkd(flagsOf(kids, slots, protocol))
    : running(clusterOf(name, kids, protocol), name)
}

/** Starts the command with its flags and settles when it says that it is ready; `--listen` is 127.0.0.1:0 if not given. */
export async function startPreforkd(flags: readonly string[]): Promise<Running> {
  const listens = flags.includes('--listen') ? [] : ['--listen', '127.0.0.1:0']
  const started = spawn(process.execPath, [beside('../cli/main.js'), ...flags, ...listens], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  return running(started, 'preforkd')
}

/** Settles when a contestant that has been started tells its ports, in a line of JSON on its standard output or error. */
export async function running(started: ChildProcess, name: Contestant): Promise<Running> {
  const ports = await pTimeout(portsOf(started, name), { milliseconds: patience })
  const pid = started.pid as number
  return {
    port: ports[0] as number,
    ports,
    pid,
    cpu: () => ({
      parent: costOfAll([pid], 'all').cpuNs ?? 0,
      kids: costOfAll(kidsOf(pid), 'all').cpuNs ?? 0,
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

function flagsOf(kids: number, slots: number, protocol: HerdProtocol): string[] {
  const handler = beside(protocol === 'http' ? './http-app.js' : './handler.js')
  const size = ['--kids', String(kids), '--slots', String(slots)]
  return ['--handler', handler, '--protocol', protocol, ...size]
}

function clusterOf(name: Contestant, kids: number, protocol: HerdProtocol): ChildProcess {
  const policy = name === 'cluster-none' ? 'none' : 'rr'
  const args = [beside('./cluster-server.js'), policy, String(kids), protocol]
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** The ports a contestant tells when it is ready, in a line of JSON. */
async function portsOf(started: ChildProcess, name: Contestant): Promise<number[]> {
  const output = started.stdout ?? started.stderr
  if (output === null) throw new Error(`${name} has no output`)
  for await (const line of createInterface({ input: output })) {
    const told = JSON.parse(line) as { port?: number; addresses?: string[] }
    const ports = told.addresses?.map((address) => Number(address.split(':').at(-1))) ?? []
    if (told.port !== undefined) ports.push(told.port)
    if (ports.length === 0) continue
    output.resume()
    return ports
  }
  throw new Error(`${name} ended before it was ready`)
}
