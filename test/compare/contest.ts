/** Holds a contest of the keep-alive benches: contestants up and warm, measured in turns, their figures held against targets. */

import { type Contestant, contestants } from '../../src/herd/contestants.js'
import { type Figures, interleave, type Rounds } from '../../src/herd/rounds.js'
import { ratios, summarize } from '../../src/herd/statistics.js'
import type { Arguments } from './arguments.js'
import { wrk } from './programs.js'
import { type Server, type ServerPlan, startServer, usualKeepAlive } from './servers.js'

/** Connections that warm a server up. */
const warmers = 32

/** What preforkd is to come to in the median: by itself, or as a ratio to a contestant's figure of the same round. */
export interface Aim {
  readonly figure: string
  readonly to?: Contestant
  readonly least?: number
  readonly most?: number
}

export type Size = Pick<ServerPlan, 'kids' | 'slots'>

/** What a server of these sizes is started with. */
export function planOf(given: Arguments, { kids, slots }: Size): ServerPlan {
  return { dist: given.dist, kids, slots, keepAlive: usualKeepAlive, flags: given.flags }
}

/** One thing to measure. */
export interface Scene {
  readonly title: string
  readonly aims: readonly Aim[]
  readonly measure: (server: Server, round: number) => Promise<Figures>
}

/** Starts all, warms them up, prints for each scene what comes of it and how that stands to its aims, and stops them. */
export async function hold(given: Arguments, size: Size, scenes: readonly Scene[]): Promise<void> {
  const servers = new Map<Contestant, Server>()
  try {
    for (const name of contestants) {
      const server = await startServer(name, planOf(given, size))
      servers.set(name, server)
      await warmUp(server, given.warmUp)
    }
    for (const { title, aims, measure } of scenes) {
      const rounds = await interleave(title, given.rounds, (name, round) =>
        measure(servers.get(name) as Server, round),
      )
      judge(rounds, aims)
    }
  } finally {
    await Promise.all([...servers.values()].map((server) => server.stop()))
  }
}

/** Until V8 has compiled what a request takes. */
export async function warmUp({ port }: Server, seconds: number): Promise<void> {
  if (seconds > 0) await wrk({ port, path: '/fast', connections: warmers, seconds })
}

/** Prints what each aim has come to. */
export function judge(rounds: Rounds, aims: readonly Aim[]): void {
  const of = (name: Contestant, figure: string) =>
    (rounds.get(name) ?? []).map((each) => each[figure] ?? Number.NaN)
  for (const { figure, to, least, most } of aims) {
    const own = of('preforkd', figure)
    const { median } = summarize(to === undefined ? own : ratios(own, of(to, figure)))
    // What is no number has not been measured, so it meets nothing.
    const met = median >= (least ?? Number.NEGATIVE_INFINITY) && median <= (most ?? Infinity)
    const bound = least === undefined ? `at most ${most}` : `at least ${least}`
    const what = to === undefined ? figure : `${figure}, to ${to}`
    console.log(`  ${met ? 'met   ' : 'MISSED'} ${what}: ${bound}, is ${median.toPrecision(3)}`)
  }
}
