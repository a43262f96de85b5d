/** Tells the service manager how the server is doing (sd_notify); used by the parent when one has asked to be told. */

import { UsageError } from '../errors.js'
import { openDatagramSocket, sendDatagram } from '../system/datagrams.js'
import { close } from '../system/descriptors.js'
import { errnoName } from '../system/errno.js'

/** The longest status text, in characters: a line that people read. */
const longestStatus = 256
/** The longest wait that a timer takes, in milliseconds. */
const longestTimer = 2_147_483_647

/** Each call sends one message and says whether it was taken; it never waits or throws, and what failed is counted. */
export class Notify {
  /**
   * How often `watchdog` is to be called, in milliseconds: half of what the service manager allows. Undefined when it
   * does not watch this process. To be called from the main loop only: a loop that is stuck must fall silent.
   */
  readonly watchdogEvery: number | undefined
  readonly #socket: string
  readonly #watchdogUsec: string | undefined
  readonly #path: string
  #fd: number | undefined
  #closed = false
  #failures = 0
  #lastFailure = ''

  /** Use `fromEnvironment`. `socket` begins with / or @; `watchdogUsec` is a number of microseconds. */
  constructor(socket: string, watchdogUsec?: string) {
    this.#socket = socket
    this.#path = socket.startsWith('@') ? `\0${socket.slice(1)}` : socket
    this.#watchdogUsec = watchdogUsec
    if (watchdogUsec !== undefined) {
      const half = Math.floor(Number(watchdogUsec) / 2000)
      this.watchdogEvery = Math.min(Math.max(1, half), longestTimer)
    }
  }

  /**
   * Whom to tell, by NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, which are taken out of `env`: kids must not speak
   * for the server. Undefined when nobody wants to be told.
   * @throws UsageError naming the variable and its value
   */
  static fromEnvironment(env: NodeJS.ProcessEnv, pid: number = process.pid): Notify | undefined {
    const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: usec, WATCHDOG_PID: watched } = env
    delete env.NOTIFY_SOCKET
    delete env.WATCHDOG_USEC
    delete env.WATCHDOG_PID
    // Empty means the same as not set, as for sd_notify.
    if (socket === undefined || socket === '') return undefined
    if (!/^(\/|@.)[^\0]*$/s.test(socket) || Buffer.byteLength(socket) > 107) {
      refuse('NOTIFY_SOCKET', 'be an absolute path or @NAME, of at most 107 bytes', socket)
    }
    if (watched !== undefined && !/^\d{1,10}$/.test(watched)) {
      refuse('WATCHDOG_PID', 'be the number of a process', watched)
    }
    const forUs = watched === undefined || Number(watched) === pid
    if (usec === undefined || !forUs) return new Notify(socket)
    if (!/^(?=.*[1-9])\d{1,16}$/.test(usec)) {
      refuse('WATCHDOG_USEC', 'be a number of microseconds from 1 on', usec)
    }
    return new Notify(socket, usec)
  }

  /** Messages that were not taken. */
  get failures(): number {
    return this.#failures
  }

  /** Why the last of them was not, as ENOENT; '' when all were taken. */
  get lastFailure(): string {
    return this.#lastFailure
  }

  /** The server serves: at the start, and again after `reloading`. */
  ready(status?: string): boolean {
    return this.#send('READY=1', ...statusLine(status))
  }

  /** The server begins to reload; `ready` is to follow, also when it goes on as before. */
  reloading(): boolean {
    // The service manager takes only a `ready` that comes after this point of its own clock.
    return this.#send('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`)
  }

  /** The server begins to stop. */
  stopping(): boolean {
    return this.#send('STOPPING=1')
  }

  /** One line for people; longer ones are cut, control characters become spaces. */
  status(text: string): boolean {
    return this.#send(...statusLine(text))
  }

  /** Another process is now the server: from here on the service manager heeds that one. */
  mainPid(pid: number): boolean {
    return this.#send(`MAINPID=${pid}`)
  }

  /** The main loop turns. */
  watchdog(): boolean {
    return this.#send('WATCHDOG=1')
  }

  /** What to put into the environment of a process that is to take our place: it then tells the same service manager. */
  forSuccessor(): Record<string, string> {
    return {
      NOTIFY_SOCKET: this.#socket,
      // Without WATCHDOG_PID, which would have to be its pid: what is not said is meant for everybody.
      ...(this.#watchdogUsec === undefined ? {} : { WATCHDOG_USEC: this.#watchdogUsec }),
    }
  }

  /** Sends nothing any more. May be called again. */
  close(): void {
    this.#closed = true
    if (this.#fd !== undefined) close(this.#fd)
    this.#fd = undefined
  }

  #send(...lines: string[]): boolean {
    if (this.#closed) return false
    // At the first message, and again as long as there is no descriptor to be had.
    this.#fd ??= this.#open()
    if (this.#fd === undefined) return false
    return this.#judge(sendDatagram(this.#fd, this.#path, Buffer.from(lines.join('\n'))))
  }

  #open(): number | undefined {
    const fd = openDatagramSocket()
    return this.#judge(fd) ? fd : undefined
  }

  #judge(result: number): boolean {
    if (result >= 0) return true
    this.#failures++
    this.#lastFailure = errnoName(result)
    return false
  }
}

function statusLine(text: string | undefined): string[] {
  if (text === undefined) return []
  const line = [...text.slice(0, 2 * longestStatus)].slice(0, longestStatus).join('')
  return [`STATUS=${line.replaceAll(/\p{Cc}/gu, ' ')}`]
}

function refuse(name: string, must: string, text: string): never {
  const shown = text.length > 120 ? `${text.slice(0, 120)}...` : text
  throw new UsageError(`${name} must ${must}, not ${JSON.stringify(shown)}`)
}
