/** Starts the kids of a strategy, and its parent where it has one, and stops them; used for every measurement. */

import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { KidError } from '../errors.js'
import { close, openPipe, setNonBlocking } from '../system/descriptors.js'
import { openLabListener, queueDepth, reservePort } from '../system/herd-calls.js'
import { LabProcess } from './lab-process.js'
import { createCounts, type SharedCounts } from './shared-counts.js'
import { type StrategyName, strategyOf } from './strategies.js'

/** How long, in milliseconds, a herd may take to be ready, and to be gone. */
const patience = 30_000
const beat = 5

/** As much as the kernel usually allows: what overflows is shown. */
const backlog = 4096

/** The kids of a strategy, ready. */
export interface Herd {
  readonly port: number
  readonly counts: SharedCounts
  readonly kidPids: readonly number[]
  /** Undefined where the kids need nobody. */
  readonly parentPid: number | undefined
  /** Connections that wait; undefined where the listener is the server's own. */
  depth(): number | undefined
  /** @throws KidError when a process has ended */
  check(): void
  stop(): Promise<void>
}

/** Starts a strategy; resolves when all its kids are ready. @throws KidError, SystemError; nothing is left then */
export async function startHerd(
  strategy: StrategyName,
  kids: number,
  signal: AbortSignal,
): Promise<Herd> {
  const building = new Building(strategy, kids)
  try {
    building.start()
    await building.ready(signal)
    return building.herd()
  } catch (error) {
    await building.stop()
    throw error
  }
}

class Building {
  readonly #strategy: StrategyName
  readonly #kids: number
  readonly #memory = createCounts()
  readonly #processes: LabProcess[] = []
  readonly #listeners: number[] = []
  /** Descriptors that only others need, once they are started. */
  readonly #lent: number[] = []
  #parent: LabProcess | undefined
  #port = 0
  #stopped: Promise<void> | undefined

  constructor(strategy: StrategyName, kids: number) {
    this.#strategy = strategy
    this.#kids = kids
  }

  start(): void {
    switch (this.#strategy) {
      case 'accept':
      case 'flock':
        this.#startKids(() => [this.#listen({ blocking: true })])
        break
      case 'poll':
      case 'epoll':
      case 'epollexclusive':
        this.#startKids(() => [this.#listen({ blocking: false })])
        break
      case 'reuseport':
        this.#startKids(() => [this.#listenAgain()])
        break
      case 'command':
      case 'queue':
        this.#startCommanded()
        break
      case 'preforkd':
        this.#startPreforkd()
        break
      case 'cluster-rr':
      case 'cluster-none':
        this.#parent = this.#launch(
          './lab-cluster.js',
          [this.#strategy, `${this.#kids}`],
          [this.#listen({ blocking: false })],
        )
        break
      case 'cluster-reuseport':
        this.#startClusterWithPort()
        break
    }
    for (const fd of this.#lent.splice(0)) close(fd)
  }

  #launch(file: string, args: readonly string[], fds: readonly number[]): LabProcess {
    const launched = new LabProcess(file, args, fds, { HERD_MEMORY: this.#memory.path })
    this.#processes.push(launched)
    return launched
  }

  /** The one listener that all share. */
  #listen({ blocking }: { blocking: boolean }): number {
    const [first] = this.#listeners
    if (first !== undefined) return first
    const { fd, port } = openLabListener(0, backlog, { reusePort: false })
    this.#listeners.push(fd)
    this.#port = port
    setNonBlocking(fd, !blocking)
    return fd
  }

  /** One more listener at the same port. */
  #listenAgain(): number {
    const { fd, port } = openLabListener(this.#port, backlog, { reusePort: true })
    this.#listeners.push(fd)
    this.#port = port
    setNonBlocking(fd, false)
    return fd
  }

  #startKids(descriptors: (kid: number) => number[]): void {
    for (let kid = 0; kid < this.#kids; kid++) {
      this.#launch('./lab-kid.js', [this.#strategy, this.#memory.path, `${kid}`], descriptors(kid))
    }
  }

  #startCommanded(): void {
    const listener = this.#listen({ blocking: false })
    const lend = () => {
      const pipe = openPipe()
      this.#lent.push(pipe.readFd, pipe.writeFd)
      return pipe
    }
    const statuses = lend()
    const commands = Array.from({ length: this.#kids }, lend)
    this.#startKids((kid) => [listener, commands[kid]?.readFd as number, statuses.writeFd])
    this.#parent = this.#launch(
      './lab-parent.js',
      [this.#strategy],
      [listener, statuses.readFd, ...commands.map(({ writeFd }) => writeFd)],
    )
  }

  #startPreforkd(): void {
    const handler = new URL('./lab-handler.js', import.meta.url).pathname
    const flags = ['--no-config', '--handler', handler, '--listen', 'fd:3', '--log-level', 'warn']
    const args = [...flags, '--kids', `${this.#kids}`]
    this.#parent = this.#launch('../cli/main.js', args, [this.#listen({ blocking: false })])
  }

  #startClusterWithPort(): void {
    const { fd, port } = reservePort()
    this.#lent.push(fd)
    this.#port = port
    this.#parent = this.#launch(
      './lab-cluster.js',
      [this.#strategy, `${this.#kids}`, `${port}`],
      [fd],
    )
  }

  async ready(signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + patience
    const { counts } = this.#memory
    while (counts.ready(this.#kids) < this.#kids) {
      signal.throwIfAborted()
      this.#check()
      if (performance.now() > deadline) {
        const sentence = `only ${counts.ready(this.#kids)} of ${this.#kids} kids of ${this.#strategy} were ready after ${patience / 1000} s`
        throw new KidError(sentence)
      }
      await pause(beat)
    }
  }

  /** Of all kids that have begun. */
  #pids(): number[] {
    const { counts } = this.#memory
    const all = Array.from({ length: this.#kids }, (_, kid) => counts.of(kid, 'pid'))
    return all.filter((pid) => pid !== 0)
  }

  #check(): void {
    for (const each of this.#processes) each.check()
  }

  herd(): Herd {
    return {
      port: this.#port,
      counts: this.#memory.counts,
      kidPids: this.#pids(),
      parentPid: this.#parent?.pid,
      depth: () =>
        this.#listeners.length === 0
          ? undefined
          : this.#listeners.reduce((sum, fd) => sum + Math.max(0, queueDepth(fd)), 0),
      check: () => this.#check(),
      stop: () => this.stop(),
    }
  }

  /** Ends every process, and resolves when the last is gone. May be called again. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    // A server reaps its own kids, so it is asked first; the lab's processes have nothing to put in order.
    const polite = strategyOf(this.#strategy).kind === 'server'
    for (const each of this.#processes) each.kill(polite ? 'SIGTERM' : 'SIGKILL')
    const insist = setTimeout(() => {
      for (const each of this.#processes) each.kill('SIGKILL')
    }, patience / 6)
    await Promise.all(this.#processes.map(({ ended }) => ended))
    clearTimeout(insist)
    // Kids of a server that had to be killed end by their parent-death signal, or by the end of their channel.
    const deadline = performance.now() + patience
    while (this.#pids().some(isThere) && performance.now() < deadline) await pause(beat)
    for (const fd of [...this.#lent.splice(0), ...this.#listeners.splice(0)]) close(fd)
    this.#memory.close()
  }
}

/** Whether there is such a process that has not ended. */
function isThere(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return !/^\d+ \(.*\) [ZX]/s.test(stat)
  } catch {
    return false
  }
}
