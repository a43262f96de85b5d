/** `preforkd --handler FILE`: serves until it is told to stop; resolves to the exit code. */

import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { exitCodes, KidError } from '../errors.js'
import { kidsPlacesWarning } from '../operate/kids-places.js'
import { Notify } from '../operate/notify.js'
import { PidFile } from '../operate/pid-file.js'
import { createPreforker, type Preforker } from '../preforker.js'
import { titleOf } from '../protocol/kid-settings.js'
import { forbidDump, yieldWhenWoken } from '../system/process.js'
import type { Configuration } from './configuration.js'
import { installSignals, type SignalDeeds, type SignalState } from './signals.js'
import { Heir } from './upgrade.js'
import { Watching } from './watching.js'

/** Of all files of ours one stands for the others. */
const program = fileURLToPath(import.meta.url)

/** What signals and changed files act upon. */
export interface Running {
  readonly server: Preforker
  /** The configuration as it was read last. */
  configuration: Configuration
  /** Reads it anew. Throws UsageError. */
  readonly readAgain: () => Promise<Configuration>
  pidFile: PidFile | undefined
  /** A new parent that is not up yet. */
  heir: Heir | undefined
  /** A signal has asked for the end. */
  stopping: boolean
  /** The environment we were started with, which an heir is started with too. */
  readonly env: NodeJS.ProcessEnv
  signalState: SignalState
}

/** What an heir may take, in milliseconds, beside readyTimeout: Node.js itself has to start. */
const startOfHeir = 5_000

/** Before the handlers are installed nobody tells them anything. */
const unset: SignalState = { now: () => {}, upgrading: () => {} }

/** Runs a server under the signals of a command (see docs/signals.md), and tells the service manager if there is one. */
export async function serve(
  configuration: Configuration,
  readAgain: () => Promise<Configuration>,
  { watch, env }: { watch: boolean; env: NodeJS.ProcessEnv },
): Promise<number> {
  const server = createPreforker(configuration.options)
  const { pidFile: path, user, scheduling, name } = server.options
  process.title = `${titleOf(name)}: parent`
  // Ours alone to decide, and not the library's: that runs in somebody else's process.
  if (user !== undefined) forbidDump()
  if (scheduling === 'batch') yieldWhenWoken()
  const notify = Notify.fromEnvironment(process.env)
  let watching: { close(): void } | undefined
  let watchdog: NodeJS.Timeout | undefined
  let statuses: NodeJS.Timeout | undefined
  const running: Running = {
    server,
    configuration,
    readAgain,
    env,
    pidFile: undefined,
    heir: undefined,
    stopping: false,
    signalState: unset,
  }
  const reloads = new Reloads(running)
  // Before anybody can read our pid: the first signal must not find the default action.
  running.signalState = installSignals(deedsOf(running, reloads, notify), () => isEnding(server))
  try {
    running.pidFile = path === undefined ? undefined : await PidFile.take(path)
    if (running.stopping) return exitCodes.stopped
    await server.start()
    running.signalState.now('running')
    const programs = [process.execPath, program, configuration.file].filter(
      (each) => each !== undefined,
    )
    const warning = kidsPlacesWarning(server.options, programs)
    if (warning !== undefined) server.log.warn(warning)
    if (notify !== undefined && !running.stopping) tellReady(notify, server)
    if (notify !== undefined) {
      statuses = setInterval(() => notify.status(summary(server)), statusEvery)
    }
    if (notify?.watchdogEvery !== undefined) {
      // From the main loop, so that one that is stuck falls silent.
      watchdog = setInterval(() => notify.watchdog(), notify.watchdogEvery)
    }
    if (watch) watching = reloadOnChange(running, reloads)
    await server.closed
  } finally {
    watching?.close()
    clearInterval(watchdog)
    clearInterval(statuses)
    notify?.close()
    await running.heir?.end(false)
    running.pidFile?.remove()
  }
  return exitCodes.stopped
}

/** How often, in milliseconds, the service manager is told how it does. */
const statusEvery = 10_000

/** How it does, in a line for the service manager. */
function summary(server: Preforker): string {
  const { kids, counters } = server.status()
  return `${kids.length} kids, ${counters.held} connections held, ${counters.accepted} accepted`
}

/** Under systemd's Type=notify a service whose READY is lost is killed; so it is sent until it is taken, for a minute. */
function tellReady(notify: Notify, server: Preforker, tries = 60): void {
  if (notify.ready(summary(server)) || tries === 0) return
  if (tries === 60) server.log.warn(`the service manager was not told: ${notify.lastFailure}`)
  setTimeout(() => tellReady(notify, server, tries - 1), 1_000).unref()
}

/** What each signal does; failures are told, and change nothing. */
function deedsOf(running: Running, reloads: Reloads, notify: Notify | undefined): SignalDeeds {
  const { server } = running
  const stop = (graceful: boolean) => {
    running.stopping = true
    notify?.stopping()
    // Whoever ends the server means the one that is to follow it, too.
    void running.heir?.end(graceful)
    void server.stop({ graceful }).catch(() => {})
  }
  return {
    stop: () => stop(true),
    quit: () => stop(false),
    reload: () => {
      notify?.reloading()
      void reloads.ask().then(() => notify?.ready(summary(server)))
    },
    reopenLog: () => server.reopenLog(),
    upgrade: () => void upgrade(running, notify),
    refuseUpgrade: () =>
      server.log.error(
        'no upgrade as process 1: its end would end the container; replace the container',
      ),
    more: () => reloads.resize(1),
    fewer: () => reloads.resize(-1),
    park: () => {
      reloads.forget()
      server.park()
    },
  }
}

/** Whether the server has begun to stop, for whatever reason. */
function isEnding(server: Preforker): boolean {
  return ['draining', 'leaving', 'stopped'].includes(server.status().phase)
}

/** Starts a new parent; when it is up this one finishes what it has, and when it is not, goes on as if nothing had been. */
async function upgrade(running: Running, notify: Notify | undefined): Promise<void> {
  const { server, pidFile, signalState, env } = running
  signalState.upgrading(true)
  server.log.info('upgrade: starts a new parent')
  try {
    pidFile?.handOver()
    // systemd's WATCHDOG_PID names us; without it the heir takes the watchdog for its own, as it should.
    const { WATCHDOG_PID: _, ...heirEnv } = { ...env, ...notify?.forSuccessor() }
    const heir = new Heir(server.bequest, heirEnv)
    running.heir = heir
    await heir.up(server.options.readyTimeout + startOfHeir)
    if (isEnding(server)) {
      await heir.end(true)
      throw new Error('this server was told to stop meanwhile')
    }
    running.heir = undefined
    server.log.info({ heir: heir.pid }, `upgrade: the new parent is up, pid ${heir.pid}`)
    notify?.mainPid(heir.pid)
    signalState.now('draining')
    void server.handOver().catch(() => {})
  } catch (error) {
    running.heir = undefined
    pidFile?.takeBack()
    const then = isEnding(server) ? '' : '; this parent goes on'
    server.log.error(`upgrade failed: ${(error as Error).message}${then}`)
  }
  signalState.upgrading(false)
}

/** What a reload leaves as it is, since it belongs to the parent itself. */
const unreloaded = ['backlog', 'logFile', 'pidFile'] as const

/** Reloads that were asked for: one at a time, and one more for all that are asked for meanwhile. */
class Reloads {
  readonly #running: Running
  #present: Promise<void> | undefined
  #wanted = false
  #reading = false
  /** Grows when what was asked for is taken back. */
  #forgotten = 0
  /** What was asked for after a reload that has not begun, and is to count for it. */
  #resizes: (1 | -1)[] = []

  constructor(running: Running) {
    this.#running = running
  }

  /** Settles when the server is reloaded, or is not; never rejects. */
  ask(): Promise<void> {
    this.#wanted = true
    this.#present ??= this.#run().finally(() => {
      this.#present = undefined
    })
    return this.#present
  }

  /** The server is parked: that counts, and not what was asked for before. */
  forget(): void {
    this.#wanted = false
    this.#forgotten++
  }

  /** One kid more or less, under the configuration that is in force when all reloads asked for so far have begun. */
  resize(by: 1 | -1): void {
    if (this.#wanted || this.#reading) this.#resizes.push(by)
    else this.#running.server.resize(by)
  }

  async #run(): Promise<void> {
    const { server, signalState } = this.#running
    while (this.#wanted) {
      this.#wanted = false
      await this.#tryToReload()
      const { phase } = server.status()
      if (phase === 'running' || phase === 'parked') signalState.now(phase)
    }
  }

  /** Reads the configuration and reloads with it; when that fails everything stays as it was, and the log says why. */
  async #tryToReload(): Promise<void> {
    const { server } = this.#running
    const before = server.options
    const forgotten = this.#forgotten
    this.#reading = true
    try {
      const configuration = await this.#running.readAgain()
      // Reading took a moment, in which the server may have been parked, or told to stop.
      if (forgotten !== this.#forgotten || isEnding(server)) return
      const reloaded = server.reload(configuration.options)
      this.#begun()
      await reloaded
      this.#running.configuration = configuration
      const changed = unreloaded.filter((name) => before[name] !== server.options[name])
      if (changed.length > 0) {
        server.log.warn(`a reload does not change ${changed.join(', ')}: that takes a restart`)
      }
      if (server.options.log === undefined) server.log.level = server.options.logLevel
    } catch (error) {
      // Of a generation that does not come up the server has told already; of what was read here nobody has.
      if (error instanceof KidError) return
      server.log.error(`no reload: ${(error as Error).message}`)
    } finally {
      this.#begun()
    }
  }

  #begun(): void {
    this.#reading = false
    if (this.#wanted) return
    for (const by of this.#resizes.splice(0)) this.#running.server.resize(by)
  }
}

/** Reloads whenever a file has changed that may matter; one reload at a time, and one more for all that came meanwhile. */
function reloadOnChange(running: Running, reloads: Reloads): { close(): void } {
  let watching = startWatching()
  let busy = false
  let again = false

  function startWatching(): Watching {
    const { handler, logFile, pidFile } = running.server.options
    const written = [logFile, pidFile, pidFile && `${pidFile}.old`]
    return new Watching(
      {
        directory: handler === undefined ? undefined : dirname(handler),
        files: [handler, running.configuration.file].filter((path) => path !== undefined),
        except: written.filter((path) => path !== undefined),
      },
      (path) => void changed(path),
    )
  }

  async function changed(path: string): Promise<void> {
    again = busy
    if (busy) return
    busy = true
    running.server.log.info(`${path} has changed`)
    await reloads.ask()
    // Another handler may be in another place. The new one watches before the old one ends, or a change could fall between.
    const next = startWatching()
    if (watching.close()) again = true
    watching = next
    busy = false
    if (again) await changed(path)
  }

  return { close: () => void watching.close() }
}
