/** The file of the log: appended to without ever waiting, reopened for rotation; a stream for pino. */

import { close, closeSync, constants, write } from 'node:fs'
import { checkSafely, openSafely } from './safe-files.js'

/** Bytes that may wait to be written; what does not fit is dropped and counted. */
const mostWaiting = 1_048_576

const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT

const newline = 0x0a
const lineEnd = Buffer.from('\n')

const nameOf = (path: string) => `logFile ${path}`

/** Whether the file could be opened, without creating it. @throws UsageError with the reason */
export function checkLogFile(path: string): void {
  checkSafely(path, flags, nameOf(path))
}

/** What the owner of a log file is told. */
export interface LogFileEars {
  /** It can be written again, after so many lines were lost to a failure of this code. */
  recovered?(lines: number, code: string): void
}

/*
 * One write is under way at a time, of all that waits. A failed one (a full disk, a broken one) loses what it should
 * have written: kept, it would only keep out what comes next, and nobody knows for how long.
 */
export class LogFile {
  readonly path: string
  #fd: number
  /** Opened, and to be used as soon as no write to the old one is under way. */
  #nextFd: number | undefined
  readonly #ears: LogFileEars
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #writing = false
  /** A failed write may have left half a line behind: the next one begins on a line of its own. */
  #halfLine = false
  #dropped = 0
  #lostSince = 0
  #failure = ''
  #ended: (() => void) | undefined

  /** @param fd an open file, which is closed at the end; use `openLogFile` for a path */
  constructor(path: string, fd: number, ears: LogFileEars = {}) {
    this.path = path
    this.#fd = fd
    this.#ears = ears
  }

  /** Lines that were lost. */
  get dropped(): number {
    return this.#dropped
  }

  /** Writes a line, newline included, as soon as possible; never throws, never waits. */
  write(line: string): void {
    const bytes = Buffer.from(line)
    if (this.#ended !== undefined || this.#waitingBytes + bytes.length > mostWaiting) {
      this.#lose(1, 'too many lines at once')
      return
    }
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    this.#pump()
  }

  /**
   * Opens the path anew, for whoever has moved the file away; lines that wait go to the new one.
   * @throws UsageError with the reason; then the old file is written on
   */
  reopen(): void {
    const fd = openSafely(this.path, flags, nameOf(this.path))
    if (this.#nextFd !== undefined) closeSync(this.#nextFd)
    this.#nextFd = fd
    if (!this.#writing) this.#swap()
  }

  /** Writes what waits, then closes; never rejects. A write that is stuck keeps it waiting. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#ended = resolve
      this.#pump()
    })
  }

  #pump(): void {
    if (this.#writing) return
    if (this.#waiting.length === 0) {
      if (this.#ended !== undefined) this.#finish(this.#ended)
      return
    }
    const lines = this.#waiting.length
    const bytes = Buffer.concat(this.#halfLine ? [lineEnd, ...this.#waiting] : this.#waiting)
    this.#waiting = []
    this.#waitingBytes = 0
    this.#writing = true
    this.#write(bytes, lines)
  }

  #write(bytes: Buffer, lines: number): void {
    write(this.#fd, bytes, 0, bytes.length, null, (error, written) => {
      if (error === null && written > 0 && written < bytes.length) {
        // Usually the rest then fails, and says why.
        this.#halfLine = bytes[written - 1] !== newline
        const rest = bytes.subarray(written)
        this.#write(rest, count(rest))
        return
      }
      this.#writing = false
      if (error !== null || written === 0) {
        this.#lose(lines, error?.code ?? 'nothing written')
      } else {
        this.#halfLine = false
        this.#recover()
      }
      this.#swap()
      this.#pump()
    })
  }

  #lose(lines: number, failure: string): void {
    this.#dropped += lines
    this.#lostSince += lines
    this.#failure = failure
  }

  #recover(): void {
    if (this.#lostSince === 0) return
    const lost = this.#lostSince
    this.#lostSince = 0
    this.#ears.recovered?.(lost, this.#failure)
  }

  #swap(): void {
    if (this.#nextFd === undefined) return
    this.#closeOld()
    this.#fd = this.#nextFd
    this.#nextFd = undefined
    this.#halfLine = false
  }

  #finish(ended: () => void): void {
    this.#ended = () => {}
    this.#closeOld()
    ended()
  }

  #closeOld(): void {
    // Late failures of a disk (EIO) come here: what they lose cannot be known any more.
    close(this.#fd, () => {})
  }
}

/** Opens a log file, creating it if need be. @throws UsageError, one sentence that names the file and the reason */
export function openLogFile(path: string, ears?: LogFileEars): LogFile {
  return new LogFile(path, openSafely(path, flags, nameOf(path)), ears)
}

/** Lines that end in these bytes. */
function count(bytes: Buffer): number {
  let lines = 0
  for (let at = bytes.indexOf(newline); at !== -1; at = bytes.indexOf(newline, at + 1)) lines++
  return lines
}
