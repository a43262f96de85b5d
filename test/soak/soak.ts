/** One soak: a server, its clients, faults and samples; and what to make of them when it is over. */

import { readFileSync } from 'node:fs'
import type { Bed } from '../faults/bed.js'
import type { LogLine, Server } from '../faults/server.js'
import { descriptorsOf, offspring, pass, until } from '../process/processes.js'
import { faults, type Scene } from './chaos.js'
import { type Death, type Failure, unexplained } from './explain.js'
import { Load } from './load.js'
import { type Line, type Sample, slopeOf } from './slope.js'

/** What the server is; a pool that grows, whose kids share slots among clients, and limits short enough to be met. */
const flags = [
  ...['--start-kids', '4', '--min-spare', '2', '--max-kids', '8', '--slots', '2'],
  ...['--connection-timeout', '8s', '--stop-timeout', '10s', '--log-level', 'debug'],
]
/** Milliseconds after which a connection that was not complete may have been closed by its kid, which no counter has. */
const connectionTimeout = 8_000
/** The share of the time in which the parent's memory may still find its size. */
const warmUp = 0.25
/** Milliseconds between two faults, at least and at most. */
const pauses = [500, 3_000] as const
/** Descriptors that a kid costs the parent: two pipes of the protocol, two of its output. */
const perKid = 4
/** How long, in milliseconds, the server may take to be at rest when it is left alone. */
const restLimit = 30_000

export interface Judged {
  readonly wrong: string[]
  readonly figures: Record<string, number | string>
}

export class Soak {
  readonly #bed: Bed
  readonly #memory: Sample[] = []
  readonly #counts = new Map<string, number>()
  #server: Server | undefined
  #load: Load | undefined
  #descriptors = { first: 0, last: 0, most: 0 }

  constructor(bed: Bed) {
    this.#bed = bed
  }

  /** Runs for so many seconds; settles when the clients have ended and the server is at rest. */
  async run(seconds: number, clients: number): Promise<void> {
    const server = await this.#bed.command(flags)
    this.#server = server
    const load = new Load(server, this.#bed.random)
    this.#load = load
    await load.ask('')
    await until(() => offspring(server.pid).length === 4, 'the first kids', restLimit)
    this.#descriptors.first = ownDescriptors(server.pid)
    load.start(clients)
    const begun = performance.now()
    const sampling = setInterval(() => this.#sample((performance.now() - begun) / 1_000), 1_000)
    try {
      await this.#harm(server, load, begun + seconds * 1_000)
    } finally {
      clearInterval(sampling)
    }
    await load.stop()
    await this.#comeToRest(server)
  }

  async #harm(server: Server, load: Load, end: number): Promise<void> {
    const { random } = this.#bed
    const pending = new Set<{ timer: NodeJS.Timeout; undo: () => void }>()
    const scene: Scene = {
      server,
      load,
      random,
      later(milliseconds, undo) {
        const entry = {
          undo,
          timer: setTimeout(() => pending.delete(entry) && undo(), milliseconds),
        }
        pending.add(entry)
      },
    }
    const names = Object.keys(faults)
    let told = performance.now()
    while (performance.now() < end && server.exit === undefined) {
      await pass(pauses[0] + random() * (pauses[1] - pauses[0]))
      const name = names[Math.floor(random() * names.length)] as string
      this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
      await faults[name]?.(scene)
      if (performance.now() - told < 60_000) continue
      told = performance.now()
      console.log(`${((end - told) / 60_000).toFixed(0)} min left: ${this.#progress(load)}`)
    }
    for (const { timer, undo } of pending) {
      clearTimeout(timer)
      undo()
    }
    if (server.exit !== undefined) throw new Error(`the server has ended with ${server.exit}`)
  }

  #progress({ offered, ok, failures }: Load): string {
    const memory = this.#memory.at(-1)?.value.toFixed(0)
    return `${offered} offered, ${ok} ok, ${failures.length} failed; parent ${memory} KiB, ${this.#descriptors.most} descriptors at most`
  }

  #sample(at: number): void {
    const pid = this.#server?.pid
    if (pid === undefined) return
    try {
      const text = readFileSync(`/proc/${pid}/status`, 'latin1')
      this.#memory.push({ at, value: Number(/^VmRSS:\s+(\d+)/m.exec(text)?.[1]) })
      this.#descriptors.most = Math.max(this.#descriptors.most, ownDescriptors(pid))
    } catch {
      // It has ended: whoever harms it says so.
    }
  }

  /** Left alone, it has after a while no descriptor but its own and those of its kids. */
  async #comeToRest({ pid }: Server): Promise<void> {
    const back = () => {
      this.#descriptors.last = ownDescriptors(pid)
      return this.#descriptors.last <= this.#descriptors.first
    }
    await until(back, 'descriptors', restLimit).catch(() => {})
  }

  /** What was wrong, and the figures; `ledger` is whom the handler has served. */
  judge(ledger: string): Judged {
    const [server, load] = [this.#server, this.#load]
    if (server === undefined || load === undefined) throw new Error('it has not run')
    const wrong: string[] = []
    const served = readLedger(ledger, new Set(load.failures.map(({ id }) => id)))
    const failures: Failure[] = load.failures.map((each) => ({
      ...each,
      pid: served.pids.get(each.id),
    }))
    // Closed by its kid for its time, which costs nobody else anything.
    const late = failures.filter(
      ({ begun, ended, how }) => ended - begun >= connectionTimeout && how !== 'timeout',
    )
    const deaths = deathsIn(server.log)
    const rest = unexplained(
      failures.filter((each) => !late.includes(each)),
      deaths,
    )
    const { first, last, most } = this.#descriptors
    const warm = this.#memory.slice(Math.floor(this.#memory.length * warmUp))
    const slope = slopeOf(warm)
    if (rest.length > 0)
      wrong.push(`${rest.length} clients failed and no death explains it: ${show(rest)}`)
    if (served.twice > 0) wrong.push(`${served.twice} clients were served twice`)
    if (served.ids < load.ok) wrong.push(`${load.ok} were answered, but ${served.ids} served`)
    if (last > first) wrong.push(`${last} descriptors of its own, ${first} at the start`)
    if (slope.grows) wrong.push(`the parent's memory grows: ${showSlope(slope)}`)
    const counts = [...this.#counts.values()].reduce((sum, count) => sum + count, 0)
    return {
      wrong,
      figures: {
        faults: counts,
        'kinds of faults': `${this.#counts.size} of ${Object.keys(faults).length}`,
        'kids that died holding connections': deaths.length,
        'connections offered': load.offered,
        'connections ok': load.ok,
        'connections dropped by the test itself': load.dropped,
        'connections lost, explained': failures.length - rest.length,
        'connections lost, unexplained': rest.length,
        'connections served twice': served.twice,
        'slowest answer': `${load.slowest} ms`,
        "parent's memory, warm": `${mib(warm[0])} MiB, at the end ${mib(warm.at(-1))} MiB`,
        'slope of that': showSlope(slope),
        'slope of its second half': showSlope(slope.secondHalf),
        "parent's descriptors beside its kids'": `${first} at the start, ${last} at the end, ${most} at most`,
      },
    }
  }
}

/** The descriptors of the parent but for those that each kid costs. */
function ownDescriptors(pid: number): number {
  return descriptorsOf(pid).length - perKid * offspring(pid).length
}

function mib(sample: Sample | undefined): string {
  return ((sample?.value ?? Number.NaN) / 1_024).toFixed(1)
}

function showSlope({ perHour, error }: Line): string {
  return `${(perHour / 1_024).toFixed(2)} MiB/h, standard error ${(error / 1_024).toFixed(2)}`
}

function show(failures: readonly Failure[]): string {
  return failures
    .slice(0, 10)
    .map(({ id, how, begun, ended, pid }) => {
      const kid = pid === undefined ? '' : ` by ${pid}`
      return `${id} ${how} after ${ended - begun} ms at ${new Date(ended).toISOString()}${kid}`
    })
    .join('; ')
}

/** How many ids there are, how many of them more than once, and who served those that are asked for. */
function readLedger(ledger: string, wanted: ReadonlySet<number>) {
  const ids = new Set<number>()
  const pids = new Map<number, number>()
  let twice = 0
  for (const line of ledger.split('\n')) {
    if (line === '') continue
    const [id = 0, pid = 0] = line.split(' ').map(Number)
    if (ids.has(id)) twice++
    ids.add(id)
    if (wanted.has(id)) pids.set(id, pid)
  }
  return { ids: ids.size, twice, pids }
}

/** Deaths that cost connections, from the lines about them. */
function deathsIn(log: readonly LogLine[]): Death[] {
  const pids = new Map<number, number>()
  const deaths: Death[] = []
  for (const { msg, kid, kidPid, stream, time, lost, unanswered } of log) {
    if (kid === undefined || stream !== undefined) continue
    if (typeof kidPid === 'number') pids.set(kid, kidPid)
    if (!/^kid \d+ died: /.test(msg)) continue
    const pid = pids.get(kid) ?? 0
    deaths.push({ at: Number(time), pid, lost: Number(lost) + Number(unanswered) })
  }
  return deaths
}
