/** The two pipes between the parent and one kid, the parent's ends: commands down, statuses up; none for a server that takes no commands. */

import { LineSplitter } from '../protocol/line-splitter.js'
import { parseStatus, type Status } from '../protocol/lines.js'
import { close, openPipe, read, setNonBlocking, writeText } from '../system/descriptors.js'
import { errnoName } from '../system/errno.js'
import { Watch } from '../system/watch.js'

/*
 * One buffer for all kids: what is read is cut into lines before the next read. It holds as much as a pipe does, so one
 * read finds a pipe dry, and a kid that floods is heard once a turn like everybody else.
 */
const buffer = Buffer.allocUnsafe(65_536)

/** What comes up from a kid. */
export interface ChannelEars {
  /** A whole line that is a status. */
  status(status: Status): void
  /** What came is not a line of the protocol. */
  broke(detail: string): void
  /** The status pipe was closed. */
  hangup(): void
}

export class Channel {
  /** The kid's ends; to be closed here as soon as the kid has them. */
  readonly kidFds: { readonly commandFd: number; readonly statusFd: number }
  readonly #ears: ChannelEars
  readonly #commandFd: number
  readonly #statusFd: number
  readonly #watch: Watch
  readonly #lines: LineSplitter
  #commandsEnded = false
  #closed = false

  /** Opens the pipes. Throws SystemError when there are no descriptors for them. */
  constructor(ears: ChannelEars) {
    this.#ears = ears
    const command = openPipe()
    const status = openPipeOrClose(command.readFd, command.writeFd)
    this.#commandFd = command.writeFd
    this.#statusFd = status.readFd
    this.kidFds = { commandFd: command.readFd, statusFd: status.writeFd }
    setNonBlocking(this.#commandFd, true)
    this.#lines = new LineSplitter(
      (line) => this.#hear(line),
      () => ears.broke('a line is longer than 64 bytes'),
    )
    this.#watch = new Watch(this.#statusFd, () => this.readDry())
  }

  /** Begins to listen. */
  start(): void {
    this.#watch.start()
  }

  /** Writes a command: `sent`, or `full` when the kid does not read, or `gone` when nobody can read it any more. */
  send(line: string): 'sent' | 'full' | 'gone' {
    if (this.#commandsEnded) return 'gone'
    const result = writeText(this.#commandFd, line)
    if (result >= 0) return 'sent'
    return errnoName(result) === 'EAGAIN' ? 'full' : 'gone'
  }

  /** Reads all that the kid has said so far. */
  readDry(): void {
    if (this.#closed || this.#lines.stopped) return
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

  /** Closes the kid's ends, which it has by now, or never will. */
  closeKidFds(): void {
    close(this.kidFds.commandFd)
    close(this.kidFds.statusFd)
  }

  /** Closes the command pipe alone, which to the kid is the end of its parent, and goes on listening. */
  endCommands(): void {
    if (this.#commandsEnded) return
    this.#commandsEnded = true
    close(this.#commandFd)
  }

  /** Reads what is left, and closes our ends. */
  close(): void {
    if (this.#closed) return
    this.readDry()
    this.#closed = true
    this.ignore()
    close(this.#statusFd)
    this.endCommands()
  }

  #hear(line: string): void {
    const status = parseStatus(line)
    if (typeof status === 'string') this.#ears.broke(status)
    else this.#ears.status(status)
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
