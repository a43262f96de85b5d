/** The preforker: starts, stops, tells; what a program that embeds preforkd holds in its hand. */

import { EventEmitter } from 'node:events'
import { isMainThread } from 'node:worker_threads'
import pTimeout from 'p-timeout'
import type { Logger } from 'pino'
import type { Effect } from './core/events.js'
import { exitCodes, KidStopError, type PreforkdError, SystemError, UsageError } from './errors.js'
import { formatListenAddress, type SocketAddress } from './listen-address.js'
import { AskedStops, kidsMayStop } from './operate/asked-stops.js'
import { EarlyDeaths, type EarlyEnd } from './operate/early-deaths.js'
import { eventOf, type PreforkerEvents, type Told, tellAll } from './operate/events.js'
import { attachHooks } from './operate/hooks.js'
import { refuseKidsPlaces } from './operate/kids-places.js'
import { borrowLog, type Log, openLog } from './operate/log.js'
import { type Narration, narrate, narrateEnd, narrateOutput } from './operate/narrate.js'
import { openAll } from './operate/open-all.js'
import { Reloading } from './operate/reloading.js'
import { type DetachedStatus, Reports } from './operate/reports.js'
import { readStatus, recordOf, type ServerStatus } from './operate/status.js'
import { type Options, type PreforkerOptions, parseOptions, show } from './options.js'
import type { KidEnd } from './parent/kid-process.js'
import { debuggerWarning } from './parent/node-arguments.js'
import { Parent } from './parent/parent.js'
import { checkServerCommand } from './parent/server-command.js'
import { type Bequeathed, Bequest } from './system/bequest.js'
import { identityOf, identityWarning } from './system/identity.js'
import { findLauncher } from './system/launcher.js'
import { descriptorsWarning } from './system/limits.js'
import { closeListener, type Listener } from './system/listeners.js'

/** Makes a preforker; nothing is opened or spawned before `start`. Throws UsageError for options that cannot be. */
export function createPreforker(options: PreforkerOptions): Preforker {
  return new Preforker(parseOptions(options))
}

export class Preforker extends EventEmitter<PreforkerEvents> {
  /** Settles when the server has stopped and every kid is gone, however that came about. Rejects if it could not start. */
  readonly closed: Promise<void>
  readonly #log: Log
  readonly #narration: Narration = {
    addressOf: (listener) => {
      const address = this.#listeners[listener]?.address
      return address === undefined ? '' : formatListenAddress(address)
    },
    recordOf: (kid) => recordOf(this.#parent, kid),
    // The last kid's death ends the stop in the same step.
    stopping: () => ['leaving', 'stopped'].includes(this.#parent?.state.phase ?? ''),
  }
  readonly #reloading = new Reloading()
  readonly #reports = new Reports()
  readonly #askedStops = new AskedStops()
  #detachHooks: () => void
  readonly #given: Options
  #parent: Parent | undefined
  #left: readonly Bequeathed[] = []
  #phase: 'new' | 'starting' | 'started' | 'stopped' = 'new'
  #upKids = 0
  readonly #earlyDeaths = new EarlyDeaths()
  /** Kids that were killed because they were not up in time. */
  readonly #tooSlow = new Set<number>()
  #failure: PreforkdError | undefined
  #stopWanted: { graceful: boolean } | undefined
  #settleReady: (error?: Error) => void = () => {}
  #settleClosed: (error?: Error) => void = () => {}

  /** Use `createPreforker`. */
  constructor(options: Options) {
    super()
    // Before anything is written there.
    refuseKidsPlaces(options)
    this.#given = options
    this.#log =
      options.log === undefined
        ? openLog(options.logLevel, options.logFile, options.name)
        : borrowLog(options.log, options.name)
    this.#detachHooks = attachHooks(this, options.hooks, this.#log.logger)
    this.closed = new Promise((resolve, reject) => {
      this.#settleClosed = (error) => (error === undefined ? resolve() : reject(error))
    })
    // Whoever waits for `closed` hears of a failed start; nobody has to, since `start` rejects too.
    this.closed.catch(() => {})
  }

  /** Options as they are in force: complete, and frozen. */
  get options(): Options {
    return this.#parent?.options ?? this.#given
  }

  /** Where the first listener listens; undefined before `start`. */
  get address(): SocketAddress | undefined {
    return this.#listeners[0]?.address
  }

  /** Where the listeners listen, in the order of the option; port 0 replaced by what the system chose. */
  get addresses(): SocketAddress[] {
    return this.#listeners.map(({ address }) => address)
  }

  /**
   * Listens, spawns the first kids, and settles when they are up, or after `readyTimeout` when at least one is.
   * Throws ListenError, KidError (not one kid came up) or SystemError; then nothing is left running or on disk.
   */
  async start(): Promise<void> {
    if (this.#phase !== 'new') throw new UsageError('a preforker starts only once: make another')
    if (!isMainThread) {
      throw new UsageError(
        'preforkd runs in the main thread only: when a worker thread ends, the kernel would end the kids it spawned',
      )
    }
    this.#phase = 'starting'
    const bequest = Bequest.take(process.env)
    try {
      // Whom kids are to be is known, and allowed, before anything is opened.
      identityOf(this.options)
      findLauncher()
      this.#left = await openAll(this.options, bequest)
      await this.#startParent()
    } catch (error) {
      bequest?.discard()
      await this.#close(error as Error)
      throw error
    }
    if (this.#phase !== 'starting') return
    this.#phase = 'started'
    bequest?.answer()
    const kids = this.#upKids
    const addresses = this.addresses.map(formatListenAddress)
    this.#log.logger.info(
      { addresses, kids },
      `ready: ${kids} ${kids === 1 ? 'kid' : 'kids'} on ${addresses.join(', ')}, pid ${process.pid}`,
    )
    const warnings = [identityWarning, descriptorsWarning, debuggerWarning]
    for (const warning of warnings.map((of) => of(this.options))) {
      if (warning !== undefined) this.#log.logger.warn(warning)
    }
    this.#tell('ready')
  }

  /**
   * Stops: gracefully, which serves what was queued and finishes what was begun, within `stopTimeout`; or with
   * `{ graceful: false }` at once, which hurries a graceful stop too; nothing slows a quick one. Settles as `closed`.
   */
  stop({ graceful = true }: { graceful?: boolean } = {}): Promise<void> {
    if (this.#phase === 'new') {
      this.#phase = 'stopped'
      void this.#close()
    } else if (this.#parent === undefined) {
      this.#stopWanted = { graceful: graceful && this.#stopWanted?.graceful !== false }
    } else {
      this.#stopParent(this.#parent, graceful)
    }
    return this.closed
  }

  /**
   * New kids in place of the old, under the same options or others; the old ones leave one by one as the new ones come up.
   * Settles when the last has been told to. When the new ones do not come up it rejects with KidError, and the old go on;
   * also UsageError for options that cannot be, or that have another `name` or other addresses to listen on. Reloads asked
   * for while one is under way become one more.
   */
  async reload(options?: PreforkerOptions): Promise<void> {
    const parsed = options === undefined ? this.options : parseOptions(options)
    const parent = this.#parent
    if (parent === undefined || this.#phase === 'stopped') {
      throw new UsageError('only a server that runs can be reloaded')
    }
    const before = this.options.listen.map(formatListenAddress).join(', ')
    const after = parsed.listen.map(formatListenAddress).join(', ')
    if (before !== after) {
      throw new UsageError(
        `a reload cannot change listen, from ${before} to ${after}: that takes a restart or an upgrade`,
      )
    }
    if (parsed.name !== this.options.name) {
      throw new UsageError(
        `a reload cannot change name, from ${show(this.options.name ?? 'none')} to ${show(parsed.name ?? 'none')}: that takes a restart or an upgrade`,
      )
    }
    identityOf(parsed)
    refuseKidsPlaces(parsed)
    checkServerCommand(parsed, this.#listeners)
    return this.#reloading.ask(() => {
      this.#log.logger.info(`reloads: generation ${parent.state.lastGeneration + 1} starts`)
      this.#earlyDeaths.beginReload()
      parent.reload(parsed)
    })
  }

  /** One kid more (1) or one less (-1): of a fixed pool its size, of an elastic one the most it may have. */
  resize(by: 1 | -1): void {
    this.#parent?.resize(by)
    this.#log.logger.info({ maxKids: this.#parent?.state.settings.maxKids }, 'resized')
  }

  /** The log, for the program's own lines. */
  get log(): Logger {
    return this.#log.logger
  }

  /** Opens the log file anew, after a rotation. */
  reopenLog(): void {
    this.#log.reopen()
  }

  /** Lets all kids go and keeps the listeners; what comes waits in the kernel's queue until a reload. */
  park(): void {
    this.#parent?.park()
  }

  /** What an heir is to inherit: see `handOver`. */
  get bequest(): readonly Bequeathed[] {
    return this.#left
  }

  /** Leaves the listeners to a parent that has inherited them and is up: finishes what it has, and stops. */
  handOver(): Promise<void> {
    this.#log.logger.info('hands over: finishes what it has')
    this.#parent?.handOver()
    return this.closed
  }

  /** The scoreboard and the counters, as of now. */
  status(): ServerStatus {
    return readStatus(this.#parent, this.#listeners, this.#log.dropped())
  }

  /**
   * What the connections are doing that live on without a slot (`kid.detach`): asks the kids, and settles when all have
   * answered, or after `acceptTimeout` with what was said by then. At most 512 for each kid.
   */
  async detached(): Promise<readonly DetachedStatus[]> {
    if (this.#parent === undefined) return []
    return this.#reports.ask(this.#parent, this.options.acceptTimeout)
  }

  /** Stops gracefully: `await using server = createPreforker(…)`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop().catch(() => {})
  }

  get #listeners(): readonly Listener[] {
    return this.#left.map(({ listener }) => listener)
  }

  async #startParent(): Promise<void> {
    checkServerCommand(this.options, this.#listeners)
    const parent = new Parent(this.options, this.#listeners, {
      effect: (effect) => this.#onEffect(effect),
      spawned: (kid, pid) => this.#tell('spawn', { kid, pid }),
      ended: (kid, pid, end) => this.#onEnd(kid, pid, end),
      output: (kid, { stream, text }) => {
        if (this.#reloading.active) this.#earlyDeaths.hear(text)
        narrateOutput(this.#log.logger, kid, stream, text, this.options.name)
      },
      round: () => this.#tell('round'),
    })
    this.#parent = parent
    const ready = new Promise<void>((resolve, reject) => {
      this.#settleReady = (error) => (error === undefined ? resolve() : reject(error))
    })
    parent.start()
    if (this.options.startKids === 0) this.#settleReady()
    if (this.#stopWanted !== undefined) this.#stopParent(parent, this.#stopWanted.graceful)
    await pTimeout(ready, {
      milliseconds: this.options.readyTimeout,
      // Some are up: that is a server. None is: then the parent is about to say why.
      fallback: () => (this.#upKids > 0 ? undefined : ready),
    })
  }

  #stopParent(parent: Parent, graceful: boolean): void {
    if (parent.state.phase === 'running') {
      this.#log.logger.info(graceful ? 'stops gracefully: finishes what it has' : 'stops at once')
    }
    parent.stop(graceful)
  }

  #onEffect(effect: Effect): void {
    const told = eventOf(effect)
    if (told !== undefined) this.#tell(...told)
    // These come once for each connection, and are worth no line.
    if (effect.type === 'order' || effect.type === 'done') return
    this.#reports.onEffect(effect)
    narrate(this.#log.logger, effect, this.#narration)
    switch (effect.type) {
      case 'up':
        this.#upKids++
        this.#narrateEnds(this.#earlyDeaths.release())
        if (this.#upKids >= this.options.startKids) this.#settleReady()
        return
      case 'reloaded':
        this.#log.logger.info(`reloaded: generation ${effect.generation} serves`)
        this.#detachHooks()
        this.#detachHooks = attachHooks(this, this.options.hooks, this.#log.logger)
        this.#reloading.settle()
        return
      case 'meddled':
        if (effect.code !== undefined) this.#stopForListener(effect.listener, effect.code)
        return
      case 'parked':
        // Of a reload that was under way, or asked for, nothing more will be heard.
        this.#reloading.abandon(new UsageError('the server was parked meanwhile'))
        return
      case 'reloadFailed':
        void this.#onReloadFailed(effect.kid)
        return
      case 'kill':
        if (effect.reason === 'ready timeout') this.#tooSlow.add(effect.kid)
        return
      case 'shutdownAsked':
        // Not within the step that asks for it.
        if (this.#askedStops.asks(effect, this.options, this.log))
          setImmediate(() => this.stop({ graceful: effect.graceful }))
        return
      case 'stopped':
        void this.#onStopped()
        return
    }
  }

  #onEnd(kid: number, pid: number | undefined, end: KidEnd): void {
    const wasUp = this.#parent?.state.kids.get(kid)?.slots !== 0
    this.#askedStops.forget(kid)
    // Who has not been up has met no client, so that is the handler's own word.
    if (end.code === exitCodes.doNotRestart && (!wasUp || kidsMayStop(this.options)))
      this.#stopFor(kid)
    this.#narrateEnds(this.#earlyDeaths.note({ kid, pid, end }, wasUp, this.#upKids > 0))
    this.#tell('gone', { kid, pid, code: end.code, signal: end.signal })
  }

  /** A kid said by its exit code that another would do no better: the server stops, and says why. */
  #stopFor(kid: number): void {
    const code = exitCodes.doNotRestart
    this.#failure ??= new KidStopError(
      `kid ${kid} ended with exit code ${code}, which asks for no restart: the server stops`,
    )
    this.#log.logger.error(this.#failure.message)
    setImmediate(() => this.stop())
  }

  /** A listener is lost, and a server that is deaf is none; whoever starts it again opens another. */
  #stopForListener(listener: number, code: string): void {
    const call = `listening again at ${this.#narration.addressOf(listener)}`
    this.#failure ??= new SystemError(call, code, 'some kid had shut it down: the server stops')
    this.#log.logger.error(this.#failure.message)
    setImmediate(() => this.stop())
  }

  #narrateEnds(ends: readonly EarlyEnd[]): void {
    for (const { kid, pid, end } of ends) narrateEnd(this.#log.logger, kid, pid, end)
  }

  async #onStopped(): Promise<void> {
    const parent = this.#parent
    await parent?.settled()
    if (parent !== undefined && !parent.state.everUp && parent.state.gaveUp) {
      const wordsOf = (kid: number) => parent.wordsOf(kid).map(({ text }) => text)
      const limit = this.#tooSlow.size > 0 ? this.options.readyTimeout : undefined
      this.#settleReady(this.#earlyDeaths.whyNobody(wordsOf, limit))
      return
    }
    this.#reloading.abandon(new UsageError('the server has stopped'))
    this.#settleReady()
    await this.#close(this.#failure)
  }

  /** The new kids did not come up: says so once their last words are read. */
  async #onReloadFailed(kid: number): Promise<void> {
    const serving = this.#parent?.state.generation ?? 0
    await this.#parent?.settled()
    const limit = this.#tooSlow.has(kid) ? this.options.readyTimeout : undefined
    const error = this.#earlyDeaths.whyNoReload(serving, limit)
    this.#log.logger.error(error.message)
    this.#reloading.settle(error)
  }

  async #close(error?: Error): Promise<void> {
    if (this.#parent === undefined) for (const listener of this.#listeners) closeListener(listener)
    const begun = this.#phase === 'started'
    this.#phase = 'stopped'
    if (error === undefined || begun) {
      this.#log.logger.info('stopped')
      this.#tell('stop')
    }
    await this.#log.close()
    this.#settleClosed(error)
  }

  #tell(...[name, ...told]: Told): void {
    if (this.listenerCount(name) === 0) return
    tellAll(this, name, told, (err) => {
      this.#log.logger.error({ err }, `a listener of '${name}' failed`)
    })
  }
}
