/** One kid as the parent holds it: its process, its channel and its output; made at spawn, closed when reaped. */

import type { ChildProcess } from 'node:child_process'
import { performance } from 'node:perf_hooks'
import type { Options } from '../options.js'
import { formatLeave } from '../protocol/lines.js'
import type { Listener } from '../system/listeners.js'
import { Channel, type ChannelEars } from './channel.js'
import { KidOutput, type OutputLine } from './kid-output.js'
import { type KidNumbers, spawnKid } from './spawn.js'

/** How a kid ended. */
export interface KidEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** Why there never was a process; undefined when there was. */
  readonly spawnError?: Error
  /** It ended by a signal that we sent. */
  readonly asked?: boolean
}

/** What a kid's process tells the parent. */
export interface KidEars extends ChannelEars {
  /** The process is dead; what it had written was told before. Comes once, and last but for output. */
  end(end: KidEnd): void
  output(line: OutputLine): void
}

export class KidProcess {
  readonly output: KidOutput
  readonly bornAt = performance.now()
  readonly #ears: KidEars
  readonly #process: ChildProcess | undefined
  /** None where a server takes no commands. */
  readonly #channel: Channel | undefined
  readonly #sent = new Set<NodeJS.Signals>()
  #ended = false

  /** Spawns it. Throws SystemError when there are no descriptors for its pipes; any later failure comes as `end`. */
  constructor(
    options: Options,
    listeners: readonly Listener[],
    numbers: KidNumbers,
    ears: KidEars,
  ) {
    this.#ears = ears
    this.output = new KidOutput((line) => ears.output(line))
    this.#channel = options.server === undefined ? new Channel(ears) : undefined
    try {
      const fds = this.#channel?.kidFds
      this.#process = spawnKid(options, listeners, numbers, fds)
    } catch (error) {
      setImmediate(() => this.#end({ code: null, signal: null, spawnError: error as Error }))
    } finally {
      this.#channel?.closeKidFds()
    }
    if (this.#process === undefined) return
    const { stdout, stderr } = this.#process
    if (stdout !== null) this.output.read(stdout, 'stdout')
    if (stderr !== null) this.output.read(stderr, 'stderr')
    this.#process.once('error', (spawnError) => {
      // Also emitted when a signal cannot be sent; only the failure to spawn ends anything.
      if (this.pid === undefined) this.#end({ code: null, signal: null, spawnError })
    })
    this.#process.once('exit', (code, signal) => {
      this.#end({ code, signal, asked: signal !== null && this.#sent.has(signal) })
    })
    this.#channel?.start()
  }

  /** The process's number; undefined when it could not be spawned. */
  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** Writes a command: `sent`, or `full` when the kid does not read, or `gone` when nobody can read it any more. */
  send(line: string): 'sent' | 'full' | 'gone' {
    return this.#channel?.send(line) ?? 'gone'
  }

  /** Tells it to leave: a kid by a command, a server that takes none by SIGTERM. As `send`. */
  leave(): 'sent' | 'full' | 'gone' {
    if (this.#channel !== undefined) return this.#channel.send(formatLeave())
    this.signal('SIGTERM')
    return 'sent'
  }

  /** Closes its command pipe, as the parent's death would. */
  endCommands(): void {
    this.#channel?.endCommands()
  }

  /** Reads all that the kid has said so far. */
  readDry(): void {
    this.#channel?.readDry()
  }

  /** Stops listening to the kid: whatever it says from now on is not read. */
  ignore(): void {
    this.#channel?.ignore()
  }

  /** Sends a signal, unless the process was reaped already: never to a number that may be somebody else's by now. */
  signal(signal: NodeJS.Signals): void {
    if (this.#process?.kill(signal)) this.#sent.add(signal)
  }

  #end(end: KidEnd): void {
    if (this.#ended) return
    this.#channel?.close()
    this.#ended = true
    this.#ears.end(end)
  }
}
