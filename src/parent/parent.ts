/** The parent: feeds what happens to the core's step function and performs what it answers; one for each server. */

import { performance } from 'node:perf_hooks'
import { overdueKids } from '../core/deadlines.js'
import type { Effect, Event } from '../core/events.js'
import { step } from '../core/round.js'
import { mayAsk, newState, type State, wantsDepth } from '../core/scoreboard.js'
import { InternalError } from '../errors.js'
import type { Options } from '../options.js'
import {
  formatAccept,
  formatPressure,
  formatReport,
  formatRoom,
  formatUnpark,
} from '../protocol/lines.js'
import { Alarm } from '../system/alarm.js'
import { close } from '../system/descriptors.js'
import { closeListener, type Listener, retireListener, waiting } from '../system/listeners.js'
import { Watch } from '../system/watch.js'
import { Guard, guardEvery } from './guard.js'
import type { OutputLine } from './kid-output.js'
import { type KidEnd, KidProcess } from './kid-process.js'
import { residentBytes, watchMemory } from './memory.js'
import { settingsOf } from './settings.js'
import { shed } from './shedding.js'
import { type KidNumbers, keepDescriptors } from './spawn.js'

/** What the parent tells its owner: every effect of the core, and what only processes know. */
export interface ParentEars {
  /** Told after it was performed. */
  effect(effect: Effect): void
  spawned(kid: number, pid: number): void
  /** Told before the effects of the death. */
  ended(kid: number, pid: number | undefined, end: KidEnd): void
  output(kid: number, line: OutputLine): void
  /** A turn has ended; called in every turn in which anything happened. */
  round(): void
}

/*
 * How one turn of the event loop goes: timers and the poller's callbacks feed events in; the first of them asks for the
 * check phase; there `#turn` runs once, after all of them. That order is the second rule of the round (see core/round.ts).
 */
export class Parent {
  readonly state: State
  /** Options by generation: those of one that is on its way out serve until it is gone. */
  readonly #options = new Map<number, Options>()
  readonly #listeners: readonly Listener[]
  readonly #watches: readonly Watch[]
  readonly #ears: ParentEars
  #reply: Buffer | undefined
  readonly #processes = new Map<number, KidProcess>()
  /** Dead kids whose last words are still on their way. */
  readonly #lastWords = new Set<Promise<void>>()
  readonly #depths: number[]
  #immediate: NodeJS.Immediate | undefined
  readonly #alarm = new Alarm(() => this.#ask())
  #alarmAt = Number.POSITIVE_INFINITY
  #over = false
  readonly #guard: Guard
  #everySecond: NodeJS.Timeout | undefined
  #endMemoryWatch: () => void = () => {}

  /** Takes over the listeners: it closes them when the server stops. */
  constructor(options: Options, listeners: readonly Listener[], ears: ParentEars) {
    this.#listeners = listeners
    this.#ears = ears
    this.#options.set(1, options)
    this.#adopt(options)
    this.state = newState(settingsOf(options, listeners))
    this.#depths = listeners.map(() => 0)
    this.#guard = new Guard(listeners, options.backlog, options.server === undefined)
    this.#watches = listeners.map(
      ({ fd }, listener) =>
        // An error state of the poller's ends the watch; the queue's length then says what it is.
        new Watch(fd, () => this.#feed({ type: 'readable', listener })),
    )
  }

  /** Begins: the first turn spawns the first kid. */
  start(): void {
    // Parked, it watches nothing and has no kids: this timer keeps that from being the end of the process.
    this.#everySecond = setInterval(() => this.#lookAfterListeners(), guardEvery)
    keepDescriptors()
    this.#ask()
  }

  /** Begins a stop, or hurries one; effect `stopped` tells of its end. */
  stop(graceful: boolean): void {
    const now = performance.now()
    this.#measure(() => true)
    this.#feed({ type: 'stop', graceful, depths: this.#depths }, now)
  }

  /**
   * New kids in place of the old, under `options` if the reload succeeds; effects `reloaded` and `reloadFailed` tell.
   * One at a time: call again only after one of them.
   */
  reload(options: Options): void {
    const before = this.state.lastGeneration
    const settings = settingsOf(options, this.#listeners)
    const now = performance.now()
    // Known before the step that spawns: it may not, and then nobody asks for them.
    this.#options.set(before + 1, options)
    this.#feed({ type: 'reload', settings }, now)
  }

  /** One kid more or less. */
  resize(by: 1 | -1): void {
    this.#feed({ type: 'resize', by })
  }

  /** The kids with detached connections that can be asked what those are doing. */
  askable(): number[] {
    return [...this.state.kids.values()].filter(mayAsk).map(({ number }) => number)
  }

  /** Asks one of them; effects `detached` and, at the end, `reported` tell. */
  ask(kid: number): void {
    this.#feed({ type: 'ask', kid })
  }

  /** Lets all kids go and keeps the listeners, until a reload. */
  park(): void {
    this.#feed({ type: 'park' })
  }

  /** Lets all kids go and leaves the listeners to another parent; effect `stopped` tells of the end. */
  handOver(): void {
    this.#feed({ type: 'handOver' })
  }

  /** The options in force: those of the newest generation that was not given up. */
  get options(): Options {
    const options = this.#options.get(this.state.generation)
    if (options === undefined) throw new InternalError(`no options for ${this.state.generation}`)
    return options
  }

  /** The pid of a kid, if it has a process. */
  pidOf(kid: number): number | undefined {
    return this.#processes.get(kid)?.pid
  }

  /** When a kid was spawned, by the clock of `performance.now`. */
  bornAt(kid: number): number | undefined {
    return this.#processes.get(kid)?.bornAt
  }

  /** What a dead or living kid wrote before it was up. */
  wordsOf(kid: number): readonly OutputLine[] {
    return this.#processes.get(kid)?.output.kept ?? []
  }

  /** How many connections wait at each listener; -1 where it is closed. */
  depths(): number[] {
    return this.#listeners.map((listener, number) =>
      this.#isOpen(number) ? Math.max(0, waiting(listener)) : -1,
    )
  }

  /** Settles when nothing more will come, not even output of the dead. */
  async settled(): Promise<void> {
    await Promise.all(this.#lastWords)
  }

  /** Asks for a turn in this turn of the event loop. */
  #ask(): void {
    if (this.#over) return
    this.#immediate ??= setImmediate(this.#turn)
  }

  readonly #turn = (): void => {
    const now = performance.now()
    // Before anybody is blamed for a silence: what has been said since the poller was last asked?
    for (const kid of overdueKids(this.state, now)) this.#processes.get(kid)?.readDry()
    this.#immediate = undefined
    this.#measure((listener) => wantsDepth(this.state, listener, now))
    this.#perform(step(this.state, { type: 'turn', depths: this.#depths }, now))
    this.#setAlarm()
    this.#ears.round()
  }

  #feed(event: Event, now = performance.now()): void {
    this.#ask()
    this.#perform(step(this.state, event, now))
  }

  #isOpen(listener: number): boolean {
    return this.state.listeners[listener]?.open === true
  }

  #measure(wanted: (listener: number) => boolean): void {
    this.#listeners.forEach((listener, number) => {
      this.#depths[number] = this.#isOpen(number) && wanted(number) ? waiting(listener) : 0
    })
  }

  /** One alarm for all that will be due; it does nothing but ask for a turn. */
  #setAlarm(): void {
    const at = this.state.earliest
    if (this.#over || (this.#alarm.isSet && at === this.#alarmAt)) return
    this.#alarmAt = at
    if (at === Number.POSITIVE_INFINITY) this.#alarm.stop()
    else this.#alarm.set(at - performance.now())
  }

  #perform(effects: readonly Effect[]): void {
    for (const effect of effects) {
      this.#act(effect)
      this.#ears.effect(effect)
    }
  }

  #act(effect: Effect): void {
    switch (effect.type) {
      case 'order':
        this.#command(effect.kid, formatAccept(effect.seq, effect.listener, effect.count))
        return
      case 'watch':
        this.#watchOf(effect.listener).start()
        return
      case 'unwatch':
        this.#watchOf(effect.listener).stop()
        return
      case 'spawn':
        this.#spawn({ number: effect.kid, index: effect.index, generation: effect.generation })
        return
      case 'reloaded':
      case 'reloadFailed':
        this.#adopt(this.options)
        return
      case 'leave':
        this.#told(effect.kid, this.#processes.get(effect.kid)?.leave())
        return
      case 'pressure':
        this.#command(effect.kid, formatPressure())
        return
      case 'report':
        this.#command(effect.kid, formatReport())
        return
      case 'room':
        this.#command(effect.kid, formatRoom())
        return
      case 'unpark':
        this.#command(effect.kid, formatUnpark())
        return
      case 'quit':
        this.#processes.get(effect.kid)?.signal('SIGQUIT')
        return
      case 'kill': {
        const process = this.#processes.get(effect.kid)
        process?.ignore()
        process?.signal('SIGKILL')
        return
      }
      case 'up':
        this.#processes.get(effect.kid)?.output.release()
        this.#forgetTheDead()
        return
      case 'shed': {
        const listener = this.#listeners[effect.listener]
        if (listener === undefined) throw new InternalError(`no listener ${effect.listener}`)
        const result = shed(listener, effect.count, this.#reply)
        this.#feed({ type: 'shed', listener: effect.listener, ...result })
        return
      }
      case 'closeListener':
        this.#closeListener(effect.listener, effect.handedOver)
        return
      case 'again':
        this.#ask()
        return
      case 'stopped':
        this.#end()
        return
    }
  }

  #command(number: number, line: string): void {
    this.#told(number, this.#processes.get(number)?.send(line))
  }

  #told(number: number, result: 'sent' | 'full' | 'gone' = 'gone'): void {
    if (result !== 'sent') this.#feed({ type: 'unsent', kid: number, why: result })
  }

  #watchOf(listener: number): Watch {
    const watch = this.#watches[listener]
    if (watch === undefined) throw new InternalError(`no listener ${listener}`)
    return watch
  }

  #spawn(numbers: KidNumbers): void {
    const { number, generation } = numbers
    const ears = {
      status: (status: Extract<Event, { type: 'status' }>['status']) =>
        this.#feed({ type: 'status', kid: number, status }),
      broke: (detail: string) => this.#feed({ type: 'broke', kid: number, detail }),
      hangup: () => this.#feed({ type: 'hangup', kid: number }),
      end: (end: KidEnd) => this.#reap(number, end),
      output: (line: OutputLine) => this.#ears.output(number, line),
    }
    let process: KidProcess
    try {
      const options = this.#options.get(generation)
      if (options === undefined) throw new InternalError(`no options for generation ${generation}`)
      process = new KidProcess(options, this.#listeners, numbers, ears)
    } catch (error) {
      // Short of descriptors. Deferred, because this runs in the middle of a turn's effects.
      const end = { code: null, signal: null, spawnError: error as Error }
      setImmediate(() => this.#reap(number, end))
      return
    }
    this.#processes.set(number, process)
    if (process.pid !== undefined) this.#ears.spawned(number, process.pid)
  }

  #reap(number: number, end: KidEnd): void {
    const process = this.#processes.get(number)
    this.#ears.ended(number, process?.pid, end)
    if (process !== undefined) {
      // While nobody has ever been up, what the dead said is kept for the one sentence that tells why.
      if (this.state.everUp) process.output.release()
      const words = process.output.end().finally(() => {
        this.#lastWords.delete(words)
        if (this.state.everUp) this.#processes.delete(number)
      })
      this.#lastWords.add(words)
    }
    this.#feed({ type: 'reaped', kid: number })
  }

  /** Somebody is up: what those said who died before that is no longer the reason why nobody starts, but news. */
  #forgetTheDead(): void {
    for (const [number, process] of this.#processes) {
      if (this.state.kids.has(number)) continue
      process.output.release()
      this.#processes.delete(number)
    }
  }

  #closeListener(number: number, handedOver: boolean): void {
    const listener = this.#listeners[number]
    if (listener === undefined) throw new InternalError(`no listener ${number}`)
    // The watch first: kids keep the description alive, and the poller its entry.
    this.#watchOf(number).close()
    // A Unix socket's path, too, is the other parent's from now on.
    if (handedOver) close(listener.fd)
    else if (this.state.settings.commanded) retireListener(listener)
    // A server that accepts by itself ends that in its own time.
    else closeListener(listener)
  }

  /** Takes what concerns the parent itself from options that are in force from now on. */
  #adopt(options: Options): void {
    const { overloadReply, maxRss } = options
    this.#reply = overloadReply === undefined ? undefined : Buffer.from(overloadReply)
    this.#endMemoryWatch()
    if (maxRss !== undefined) this.#endMemoryWatch = watchMemory(() => this.#weigh(maxRss))
  }

  #lookAfterListeners(): void {
    const guarded = this.#guard.look((listener) => this.#isOpen(listener))
    for (const found of guarded) this.#feed({ type: 'meddled', ...found })
  }

  #weigh(most: number): void {
    for (const kid of this.state.kids.values()) {
      const pid = kid.outgoing === '' && kid.slots > 0 ? this.pidOf(kid.number) : undefined
      if (pid === undefined || (residentBytes(pid) ?? 0) <= most) continue
      this.#feed({ type: 'fat', kid: kid.number })
    }
  }

  #end(): void {
    this.#over = true
    this.#endMemoryWatch()
    clearInterval(this.#everySecond)
    this.#alarm.close()
    clearImmediate(this.#immediate)
  }
}
