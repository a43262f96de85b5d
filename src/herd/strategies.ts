/** The ways for kids to share a listener that the lab compares: their names and what each is. */

/** One way to share a listener. */
export interface Strategy {
  readonly name: string
  /** What it is, in a few words, for tables and plots. */
  readonly meaning: string
  /**
   * `lab`: a plain blocking kid over bare system calls, the same for all but for who wakes. `server`: something that
   * users really run, with Node.js around the connection: to be compared with other servers only.
   */
  readonly kind: 'lab' | 'server'
}

// biome-ignore format: one a line
export const strategies = [
  { name: 'accept', kind: 'lab', meaning: 'every kid blocks in accept' },
  { name: 'poll', kind: 'lab', meaning: 'every kid waits with poll, then accepts' },
  { name: 'epoll', kind: 'lab', meaning: 'every kid waits with level-triggered epoll, then accepts' },
  { name: 'epollexclusive', kind: 'lab', meaning: 'the same with EPOLLEXCLUSIVE' },
  { name: 'reuseport', kind: 'lab', meaning: 'a listener for each kid, by SO_REUSEPORT' },
  { name: 'flock', kind: 'lab', meaning: 'a file lock held around a blocking accept' },
  { name: 'command', kind: 'lab', meaning: 'a parent orders one idle kid at a time to accept' },
  { name: 'queue', kind: 'lab', meaning: 'a parent orders as many idle kids as connections wait' },
  { name: 'preforkd', kind: 'server', meaning: 'preforkd, with a trivial handler' },
  { name: 'cluster-rr', kind: 'server', meaning: 'node:cluster, round-robin: the primary accepts and passes' },
  { name: 'cluster-none', kind: 'server', meaning: 'node:cluster, SCHED_NONE: every kid watches one listener' },
  { name: 'cluster-reuseport', kind: 'server', meaning: 'node:cluster, listen({ reusePort: true })' },
] as const satisfies readonly Strategy[]

export type StrategyName = (typeof strategies)[number]['name']

export const strategyNames: readonly StrategyName[] = strategies.map(({ name }) => name)

/** What the ratios of the others are to. */
export const baseline: StrategyName = 'accept'

/** What is known of a strategy by its name. */
export function strategyOf(name: StrategyName): Strategy {
  return strategies.find((strategy) => strategy.name === name) as Strategy
}
