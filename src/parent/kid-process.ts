/** One kid as the parent holds it: its process, its two pipes and its output; made at spawn, closed when reaped. */

import type { ChildProcess } from 'node:child_process'
import { performance } from 'node:perf_hooks'
import type { Options } from '../options.js'
import { LineSplitter } from '../protocol/line-splitter.js'
import { parseStatus, type Status } from '../protocol/lines.js'
import { close, openPipe, read, setNonBlocking, writeText } from '../system/descriptors.js'
import { errnoName } from '../system/errno.js'
import type { Listener } from '../system/listeners.js'
import { Watch } from '../system/watch.js'
import { KidOutput, type OutputLine } from './kid-output.js'
import { spawnKid } from './spawn.js'

/*
 * One buffer for all kids: what is read is cut into lines before the next read. It holds as much as a pipe does, so one
 * read finds a pipe dry, and a kid that floods is heard once a turn like everybody else.
 */
const buffer = Buffer.allocUnsafe(65_536)

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
export interface KidEars {
  /** A whole line that is a status. */
  status(status: Status): void
  /** What came is not a line of the protocol. */
  broke(detail: string): void
  /** The status pipe was closed. */
  hangup(): void
  /** The process is dead; what it had written was told before. Comes once, and last but for output. */
  end(end: KidEnd): void
  output(line: OutputLine): void
}

export class KidProcess {
  readonly output: KidOutput
  readonly bornAt = performance.now()
  readonly #ears: KidEars
  readonly #process: ChildProcess | undefined
  readonly #commandFd: number
  readonly #statusFd: number
  readonly #watch: Watch
  readonly #lines: LineSplitter
  readonly #sent = new Set<NodeJS.Signals>()
  #ended = false

  /** Spawns it. Throws SystemError when there are no descriptors for its pipes; any later failure comes as `end`. */
  constructor(
    options: Options,
    listeners: readonly Listener[],
    number: number,
    generation: number,
    ears: KidEars,
  ) {
    this.#ears = ears
    this.output = new KidOutput((line) => ears.output(line))
    const command = openPipe()
    const status = openPipeOrClose(command.readFd, command.writeFd)
    this.#commandFd = command.writeFd
    this.#statusFd = status.readFd
    setNonBlocking(this.#commandFd, true)
    this.#lines = new LineSplitter(
      (line) => this.#hear(line),
      () => ears.broke('a line is longer than 64 bytes'),
    )
    this.#watch = new Watch(this.#statusFd, () => this.readDry())
    try {
      this.#process = spawnKid(options, listeners, number, generation, {
        commandFd: command.readFd,
        statusFd: status.writeFd,
      })
    } catch (error) {
      setImmediate(() => this.#end({ code: null, signal: null, spawnError: error as Error }))
    } finally {
      close(command.readFd)
      close(status.writeFd)
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
    this.#watch.start()
  }

  /** The process's number; undefined when it could not be spawned. */
  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** Writes a command: `sent`, or `full` when the kid does not read, or `gone` when nobody can read it any more. */
  send(line: string): 'sent' | 'full' | 'gone' {
    if (this.#ended) return 'gone'
    const result = writeText(this.#commandFd, line)
    if (result >= 0) return 'sent'
    return errnoName(result) === 'EAGAIN' ? 'full' : 'gone'
  }

  /** Reads all that the kid has said so far. */
  readDry(): void {
    if (this.#ended || this.#lines.stopped) return
    const bytes = read(this.#statusFd, buffer)
    if (bytes > 0) {
      this.#lines.feed(buffer, bytes)
      return
    }
    if (bytes < 0 && ['EAGAIN', 'EINTR'].includes(errnoName(bytes))) return
    this.#watch.stop()
    this.#ears.hangup()
  }

  /** Stops listening to the kid: whatever it says from now on is not read. */
  ignore(): void {
    this.#lines.stop()
    this.#watch.close()
  }

  /** Sends a signal, unless the process was reaped already: never to a number that may be somebody else's by now. */
  signal(signal: NodeJS.Signals): void {
    if (this.#process?.kill(signal)) this.#sent.add(signal)
  }

  #hear(line: string): void {
    const status = parseStatus(line)
    if (typeof status === 'string') this.#ears.broke(status)
    else this.#ears.status(status)
  }

  #end(end: KidEnd): void {
    if (this.#ended) return
    this.readDry()
    this.#ended = true
    this.ignore()
    close(this.#statusFd)
    close(this.#commandFd)
    this.#ears.end(end)
  }
}

function openPipeOrClose(...fds: number[]) {
  try {
    return openPipe()
  } catch (error) {
    for (const fd of fds) close(fd)
    throw error
  }
}
