/** The pid file: tells scripts which process is the parent, and keeps a second server from starting beside it. */

import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { UsageError } from '../errors.js'
import { tryLock } from '../system/file-lock.js'
import { withPathLock } from '../system/socket-file.js'
import { checkSafely, openSafely } from './safe-files.js'

const nameOf = (path: string) => `pidFile ${path}`

/** Whether a pid file could be written there, whoever holds it now. @throws UsageError with the reason */
export function checkPidFile(path: string): void {
  checkSafely(path, constants.O_RDWR | constants.O_CREAT, nameOf(path))
}

/*
 * The file is written beside its place and renamed into it, so that nobody ever reads half a pid. It is open and locked
 * as long as its server lives: what the lock says is true even if the pid has been given to another process since. The
 * lock belongs to the file, not to its name, and so goes with it from `server.pid` to `server.pid.old`.
 */
export class PidFile {
  readonly path: string
  readonly #fd: number
  /** Where it is now. */
  #at: string

  private constructor(path: string, fd: number) {
    this.path = path
    this.#at = path
    this.#fd = fd
  }

  /**
   * Writes our pid there.
   * @throws UsageError if a running server holds the file, or if it cannot be written safely
   */
  static take(path: string): Promise<PidFile> {
    return withPathLock(path, async () => {
      refuseHeld(path)
      const beside = `${path}.${process.pid}`
      const fd = write(beside, path)
      try {
        renameSync(beside, path)
      } catch (error) {
        remove(beside)
        closeSync(fd)
        throw unusable(path, error)
      }
      return new PidFile(path, fd)
    })
  }

  /**
   * Makes room for the parent that is to follow us: the file is called `.old` from now on.
   * @throws UsageError if an older server still holds that name, or if it cannot be renamed
   */
  handOver(): void {
    const old = `${this.path}.old`
    if (this.#at === old) return
    refuseHeld(old)
    this.#rename(old)
  }

  /**
   * The parent that was to follow us has failed: takes the name back. Says whether it could: another server that holds
   * the name by now keeps it.
   */
  takeBack(): boolean {
    if (this.#at === this.path) return true
    try {
      refuseHeld(this.path)
      this.#rename(this.path)
      return true
    } catch {
      return false
    }
  }

  /** Removes the file, if it is still ours, and lets go of it. Never throws: nothing would be left to do about it. */
  remove(): void {
    if (isSame(this.#at, this.#fd)) remove(this.#at)
    closeSync(this.#fd)
  }

  #rename(to: string): void {
    try {
      if (!isSame(this.#at, this.#fd)) throw new UsageError('somebody has put another in its place')
      renameSync(this.#at, to)
      this.#at = to
    } catch (error) {
      throw unusable(this.#at, error)
    }
  }
}

/** Throws if what is there is in the way: a running server's file, or no pid file at all, which is nobody's to replace. */
function refuseHeld(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return
  const fd = openSafely(path, constants.O_RDWR, nameOf(path))
  try {
    const text = read(fd)
    if (!/^(\d{1,10}\n?)?$/.test(text)) {
      throw new UsageError(`${nameOf(path)} cannot be used: it holds something that is no pid`)
    }
    // Without locks nobody can say whose pid it is by now.
    if (tryLock(fd) === 'held') {
      throw new UsageError(
        `${nameOf(path)} is held by a running server, whose pid is ${text.trim() || 'not written yet'}`,
      )
    }
  } finally {
    closeSync(fd)
  }
}

/** A new file with our pid, locked. What a dead process of our pid has left in its place goes first. */
function write(beside: string, path: string): number {
  remove(beside)
  let fd: number | undefined
  try {
    const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
    fd = openSync(beside, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644)
    writeSync(fd, `${process.pid}\n`)
    tryLock(fd)
    return fd
  } catch (error) {
    if (fd !== undefined) {
      closeSync(fd)
      remove(beside)
    }
    throw unusable(path, error)
  }
}

function read(fd: number): string {
  const buffer = Buffer.alloc(32)
  return buffer.toString('latin1', 0, readSync(fd, buffer, 0, buffer.length, 0))
}

function isSame(path: string, fd: number): boolean {
  try {
    const there = lstatSync(path, { bigint: true })
    const ours = fstatSync(fd, { bigint: true })
    return there.dev === ours.dev && there.ino === ours.ino
  } catch {
    return false
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // Gone already, or not ours to remove: then opening it says so.
  }
}

function unusable(path: string, error: unknown): UsageError {
  const { code, message } = error as NodeJS.ErrnoException
  return new UsageError(`${nameOf(path)} cannot be written: ${code ?? message}`)
}
