/** A run of the lab: all units one after another, their records handed out as they come. */

import { PreforkdError } from '../errors.js'
import { ClientGone, ClientProcess } from './client-process.js'
import { startHerd } from './herds.js'
import { describeRun, whyUnavailable } from './machine.js'
import { measure, warmServer } from './measure.js'
import { timeLeft, type Unit, unitsOf } from './plan.js'
import type { ResultLine, RunLine } from './results.js'
import { type StrategyName, strategyOf } from './strategies.js'
import { recordTimeline } from './timeline.js'

/** Milliseconds that a quick run takes at most; each unit that would go beyond is left out. */
const quickLimit = 52_000

/** How far a run has come. */
export interface Progress {
  readonly unit: Unit
  readonly done: number
  readonly of: number
  /** Milliseconds, a guess. */
  readonly left: number
}

export interface Listeners {
  /** A record; the first is the run's. */
  line(line: ResultLine): void
  /** Before each unit. */
  progress(progress: Progress): void
}

/**
 * Runs it. An abort ends it early with what it has; then, as when it ends by itself or throws, no process is left. A
 * strategy that fails here is left out from then on, by name.
 * @throws InternalError when the client fails
 */
export async function runLab(
  options: RunLine['options'],
  listeners: Listeners,
  signal: AbortSignal,
): Promise<void> {
  const missing = new Map<StrategyName, string>()
  for (const strategy of options.strategies) {
    const reason = whyUnavailable(strategy)
    if (reason !== undefined) missing.set(strategy, reason)
  }
  const strategies = options.strategies.filter((name) => !missing.has(name))
  listeners.line(describeRun({ ...options, strategies }))
  for (const [strategy, reason] of missing)
    listeners.line({ type: 'unavailable', strategy, reason })
  const client = new ClientProcess()
  try {
    await new Run({ ...options, strategies }, listeners, client, signal).all()
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    await client.stop()
  }
}

class Run {
  readonly #options: RunLine['options']
  readonly #listeners: Listeners
  readonly #client: ClientProcess
  readonly #signal: AbortSignal
  readonly #drawn = new Set<StrategyName>()
  readonly #failed = new Set<StrategyName>()
  readonly #begun = performance.now()
  #order = 0

  constructor(
    options: RunLine['options'],
    listeners: Listeners,
    client: ClientProcess,
    signal: AbortSignal,
  ) {
    this.#options = options
    this.#listeners = listeners
    this.#client = client
    this.#signal = signal
  }

  async all(): Promise<void> {
    const units = unitsOf(this.#options)
    const { seconds, quick } = this.#options
    for (const [i, unit] of units.entries()) {
      if (this.#failed.has(unit.strategy)) continue
      const elapsed = performance.now() - this.#begun
      const until = (rest: readonly Unit[]) => timeLeft(units.slice(0, i), rest, seconds, elapsed)
      if (quick && elapsed + until([unit]) > quickLimit) return
      const left = until(units.slice(i))
      this.#listeners.progress({ unit, done: i, of: units.length, left })
      await this.#measure(unit)
    }
  }

  async #measure(unit: Unit): Promise<void> {
    try {
      await this.#measureOrThrow(unit)
    } catch (error) {
      if (this.#signal.aborted || error instanceof ClientGone || !(error instanceof PreforkdError))
        throw error
      const { strategy } = unit
      this.#failed.add(strategy)
      const said = typeof error.cause === 'string' ? error.cause : ''
      const reason = said === '' ? error.message : `${error.message}: ${said}`
      this.#listeners.line({ type: 'unavailable', strategy, reason })
    }
  }

  async #measureOrThrow({ strategy, kids, round, shapes }: Unit): Promise<void> {
    const { seconds, clients, rate, seed } = this.#options
    const herd = await startHerd(strategy, kids, this.#signal)
    try {
      if (strategyOf(strategy).kind === 'server')
        await warmServer(herd, this.#client, this.#options, this.#signal)
      for (const shape of shapes) {
        this.#order++
        const wanted = { strategy, shape, kids, round, order: this.#order, seconds, clients, rate }
        // The same arrivals for every strategy of a round.
        const line = await measure(
          herd,
          this.#client,
          { ...wanted, seed: seed + round },
          this.#signal,
        )
        this.#listeners.line(line)
      }
      if (this.#draws(strategy, kids)) {
        this.#drawn.add(strategy)
        this.#listeners.line(await recordTimeline(herd, strategy, this.#signal))
      }
    } finally {
      await herd.stop()
    }
  }

  #draws(strategy: StrategyName, kids: number): boolean {
    return kids === this.#options.kids[0] && !this.#drawn.has(strategy)
  }
}
