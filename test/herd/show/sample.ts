/** Made-up lines of results.jsonl, the shape of what is measured: for tests of plots and of the report. */

import type {
  MeasurementLine,
  ResultLine,
  RunLine,
  TimelineLine,
} from '../../../src/herd/results.js'
import { type ShapeName, shapeNames, sweepKids } from '../../../src/herd/shapes.js'
import { type StrategyName, strategyNames, strategyOf } from '../../../src/herd/strategies.js'

/** The same numbers every time. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

export const run: RunLine = {
  type: 'run',
  version: '0.1.0',
  startedAt: '2026-11-21T12:00:00.000Z',
  machine: { cpu: 'AMD EPYC <&"\'>', cores: 2, memoryBytes: 8 * 1024 ** 3 },
  kernel: 'Linux 6.18.44',
  node: 'v20.20.2',
  commit: '0123abc+',
  options: {
    ...{ kids: [8], rounds: 3, seconds: 1, shapes: [...shapeNames], clients: 32, rate: 1000 },
    ...{ strategies: strategyNames, seed: 7, quick: false },
  },
}

/** Switches of kids and of the parent per connection, roughly those of the reference table. */
export function switchesOf(strategy: StrategyName, kids: number): [number, number] {
  switch (strategy) {
    case 'poll':
    case 'epoll':
      return [kids + 1, 0]
    case 'cluster-none':
      return [kids + 2, 0]
    case 'flock':
      return [1 + kids * 0.4, 0]
    case 'command':
    case 'queue':
    case 'preforkd':
    case 'cluster-rr':
      return [2, 2.9]
    default:
      return [1.2, 0]
  }
}

/** A measurement; `changes` go over what is made up. */
export function measurement(
  strategy: StrategyName,
  shape: ShapeName,
  kids = 8,
  round = 1,
  changes: Partial<MeasurementLine> = {},
): MeasurementLine {
  const next = random(round * 1000 + strategyNames.indexOf(strategy) * 17 + kids)
  const noise = () => 0.9 + 0.2 * next()
  const [ofKids, ofParent] = switchesOf(strategy, kids)
  const server = strategyOf(strategy).kind === 'server'
  const slow = shape === 'stall' && /reuseport/.test(strategy)
  const p50 = (server ? 250 : 50 + 3 * ofKids) * noise()
  const p99 = (slow ? 40_000 : 4 * p50) * noise()
  const counts = Array.from({ length: kids }, (_, kid) =>
    strategy === 'epollexclusive' ? (kid === 0 ? 880 : 0) : Math.round(100 * noise()),
  )
  const total = counts.reduce((a, b) => a + b, 0)
  return {
    ...{ type: 'measurement', round, order: round, strategy, shape, kids, seconds: 1 },
    ...{ connections: total, failed: 0, perSecond: 20_000 * noise() },
    latencyUs: { p50, p90: p50 * 2, p99, p999: p99 * 1.5, max: p99 * 2 },
    histogram: [
      [Math.round(p50 * 0.8), Math.round(total * 0.5)],
      [Math.round(p50 * 1.4), Math.round(total * 0.4)],
      [Math.round(p50 * 2.5), Math.round(total * 0.08)],
      [Math.round(p99), Math.max(1, Math.round(total * 0.015))],
      [Math.round(p99 * 2), 1],
    ],
    perConnection: {
      emptyAccepts: server ? null : 0.1,
      waits: server ? null : 1.1,
      kidSwitchesVoluntary: ofKids * noise(),
      kidSwitchesInvoluntary: 0,
      parentSwitchesVoluntary: ofParent * noise(),
      parentSwitchesInvoluntary: 0,
      kidCpuUs: (server ? 200 : 20 + 3 * ofKids) * noise(),
      parentCpuUs: ofParent * 6,
      kidRunDelayUs: 3 * noise(),
      parentRunDelayUs: ofParent,
    },
    kidsAccepted: counts,
    jain: total ** 2 / (kids * counts.reduce((sum, count) => sum + count ** 2, 0)),
    jainExpected: total / (total + kids - 1),
    largestShare: Math.max(...counts) / total,
    neverUsed: counts.filter((count) => count === 0).length,
    drain:
      shape === 'burst'
        ? {
            bursts: 20,
            lastReplyMs: { p50: 2 + ofKids / 10 + 0.2 * next(), p90: 3, max: 4 },
            curve: Array.from({ length: kids }, (_, i): [number, number] => [
              1 + (i * (1 + ofKids / 10)) / kids,
              i + 1,
            ]),
          }
        : null,
    // Node's own listeners tell nothing.
    queueDepth:
      strategy === 'cluster-reuseport'
        ? []
        : Array.from({ length: 101 }, (_, i) => [i * 10, Math.floor(noise() * i * ofKids * 0.1)]),
    ...{ overflows: 0, drops: 0, threads: server ? 'all' : 'main', warnings: [] },
    client: { cpuUsPerConnection: 12, busy: 0.4, saturated: false },
    ...changes,
  }
}

/** Connections 2 ms apart; under a herd all kids wake for each. */
export function timeline(strategy: StrategyName, kids: number, connections: number): TimelineLine {
  const herd = strategy === 'epoll' || strategy === 'poll'
  const wakes: [number, number, 0 | 1][] = []
  for (let i = 0; i < connections; i++) {
    const winner = (i * 5) % kids
    for (let kid = 0; kid < kids; kid++) {
      if (kid === winner) wakes.push([kid, i * 2000, 1])
      else if (herd) wakes.push([kid, i * 2000, 0])
    }
  }
  return { type: 'timeline', strategy, kids, wakes }
}

/** A whole run with all shapes. */
export function sampleRun(rounds = 3): [RunLine, ...ResultLine[]] {
  const lines: ResultLine[] = [
    {
      type: 'unavailable',
      strategy: 'cluster-reuseport',
      reason: 'Node.js v20.20.2 has no listen({ reusePort: true })',
    },
  ]
  const names = strategyNames.filter((name) => name !== 'cluster-reuseport')
  for (let round = 1; round <= rounds; round++) {
    for (const shape of shapeNames) {
      for (const name of names) {
        for (const kids of shape === 'sweep' ? sweepKids : [8]) {
          const isTooMuch = shape === 'saturate' && name === 'queue'
          const client = { cpuUsPerConnection: 12, busy: 0.97, saturated: true }
          const warnings = ['The client was the bottleneck: capacity is that of the client.']
          const changes = isTooMuch ? { client, warnings } : {}
          lines.push(measurement(name, shape, kids, round, changes))
        }
      }
    }
  }
  for (const name of ['accept', 'epoll', 'command'] as const) lines.push(timeline(name, 8, 40))
  return [run, ...lines]
}
