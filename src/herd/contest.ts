/** A contest: all contestants up and warm, then measured in turns; used by the comparisons. */

import type { ClientProcess } from './client-process.js'
import {
  type Contestant,
  contestants,
  type HerdProtocol,
  type Running,
  requests,
  startContestant,
} from './contestants.js'
import { type Figures, interleave } from './rounds.js'

/**
 * How long, in milliseconds, a contestant is loaded before anything counts. V8 compiles for so long: in the first two
 * seconds a connection costs three times what it costs after ten, and servers live longer than that.
 */
const warmUp = 10_000

/** What warms up. */
export const closedLoop = {
  arrivals: { kind: 'loop', clients: 32, gapUs: 0 },
  workPart: 0,
} as const

/** What a contest is held in. */
export interface Contest {
  readonly title: string
  readonly protocol: HerdProtocol
  readonly kids: number
  readonly slots: number
  readonly rounds: number
}

/** Starts all, warms them up with `client`, prints what `measure` finds in each round, and stops them. */
export async function hold(
  { title, protocol, kids, slots, rounds }: Contest,
  client: ClientProcess,
  measure: (server: Running, round: number) => Promise<Figures>,
): Promise<void> {
  const servers = new Map<Contestant, Running>()
  try {
    for (const name of contestants) {
      const server = await startContestant(name, kids, slots, protocol)
      servers.set(name, server)
      const plan = { ...closedLoop, port: server.port, requests: requests[protocol], seed: 1 }
      await client.make({ ...plan, milliseconds: warmUp })
    }
    await interleave(title, rounds, (name, round) => measure(servers.get(name) as Running, round))
  } finally {
    await Promise.all([...servers.values()].map((server) => server.stop()))
  }
}

/** A latency of the client's in milliseconds; NaN where there is none. */
export function inMilliseconds(micros: number | null): number {
  return (micros ?? Number.NaN) / 1000
}
