/** The parent's own log: pino, asynchronous, with a bounded buffer; opened unless the embedder brings a logger. */

import { isatty } from 'node:tty'
import pTimeout from 'p-timeout'
import { type DestinationStream, type Logger, pino } from 'pino'
import pretty from 'pino-pretty'
import { exitAtOnce } from '../system/process.js'
import { openLogFile } from './log-file.js'

/** Standard error, where the log goes without a file. */
const stderr = 2
/** Bytes that may wait to be written; what does not fit is dropped and counted. */
const mostWaiting = 1_048_576
/** How long, in milliseconds, the last lines may take when the log is closed. */
const closeTimeout = 1_000

export interface Log {
  readonly logger: Logger
  /** Lines that were dropped: nobody takes them, standard error is closed, or the disk is full. */
  dropped(): number
  /** Opens the file anew, after a rotation; says so, or why not, in the log. Without a file it does nothing. */
  reopen(): void
  /** Writes what is waiting, and nothing that comes later; settles also when that is not possible, and never rejects. */
  close(): Promise<void>
}

/**
 * Opens the log: in a file, or on standard error; one JSON object a line, or, on a terminal, a line made for people. The
 * parent's event loop never waits for it: a reader that does not read, or a full disk, costs log lines, not connections.
 * @throws UsageError if the file cannot be opened safely
 */
export function openLog(level: string, file?: string, name?: string): Log {
  return file === undefined ? openOnStderr(level, name) : openInFile(level, file, name)
}

function loggerOn(level: string, stream: DestinationStream, name: string | undefined): Logger {
  return pino({ level, base: { ...named(name), pid: process.pid } }, stream)
}

function named(name: string | undefined): { name?: string } {
  return name === undefined ? {} : { name }
}

function openInFile(level: string, path: string, name: string | undefined): Log {
  const file = openLogFile(path, {
    recovered: (lines, code) =>
      logger.warn({ lost: lines }, `log lines can be written again: ${lines} were lost (${code})`),
  })
  const logger = loggerOn(level, file, name)
  return {
    logger,
    dropped: () => file.dropped,
    reopen: () => {
      try {
        file.reopen()
        logger.info(`reopened log file ${path}`)
      } catch (error) {
        logger.error(`goes on with the old log file: ${(error as Error).message}`)
      }
    },
    close: () => {
      silence(logger)
      return within(file.close())
    },
  }
}

function openOnStderr(level: string, name: string | undefined): Log {
  let dropped = 0
  const destination = pino.destination({ dest: stderr, sync: false, maxLength: mostWaiting })
  destination.on('drop', () => dropped++)
  // Whoever read our standard error has gone: there is nobody left to tell.
  destination.on('error', () => dropped++)
  const stream = isatty(stderr)
    ? pretty({
        destination,
        colorize: true,
        singleLine: true,
        // Said in the words of the line itself.
        ignore: 'pid,hostname,addresses,kids,kidPid,stream',
        translateTime: 'SYS:HH:MM:ss.l',
      })
    : destination
  const logger = loggerOn(level, stream, name)
  return {
    logger,
    dropped: () => dropped,
    reopen: () => {},
    close: () => {
      silence(logger)
      const closed = new Promise<void>((resolve) => destination.once('close', resolve))
      stream.end()
      return within(closed)
    },
  }
}

/** What ends only after the server has, as an upgrade may, still has something to say: to a closed stream that would throw. */
function silence(logger: Logger): void {
  logger.level = 'silent'
}

/** Waits for the last lines, but not for ever: an exit that waited for a write that is stuck would never come. */
async function within(closed: Promise<void>): Promise<void> {
  // First of all: pino has a listener of its own, which would try to write the rest and block.
  const exitWithoutWaiting = () => void process.prependOnceListener('exit', exitAtOnce)
  await pTimeout(closed, { milliseconds: closeTimeout, fallback: exitWithoutWaiting })
}

/** A logger that was brought along: not ours to close or reopen, and it counts its own losses. */
export function borrowLog(brought: Logger, name?: string): Log {
  // Its owner may have lines of other servers in it, or of this one without a name.
  const logger = name === undefined ? brought : brought.child(named(name))
  return { logger, dropped: () => 0, reopen: () => {}, close: async () => {} }
}
