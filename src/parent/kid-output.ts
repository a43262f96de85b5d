/** What a kid writes to its standard output and error: cut into lines, kept back until it is up; one for each kid. */

import { performance } from 'node:perf_hooks'
import type { Readable } from 'node:stream'
import pTimeout from 'p-timeout'

/** Bytes after which a line is cut; what a kid writes is not trusted to end. */
const longestLine = 8_192
/** Lines kept back for a kid that is not up yet; the first ones, since the first complaint is usually the cause. */
const mostKept = 50
/** How long, in milliseconds, after a kid's death its output is still read: a grandchild may hold the pipe open. */
const afterlife = 500
/** What a kid may say in one window of so many milliseconds; the rest is counted, and not even decoded. */
const rateWindow = 1_000
const mostLines = 1_000
const mostBytes = 1_000_000

const newline = 0x0a

/** One line of a kid's output, without control characters but tabs. */
export interface OutputLine {
  readonly stream: 'stdout' | 'stderr'
  readonly text: string
}

/** A line as it comes in pieces. */
interface HalfLine {
  readonly name: OutputLine['stream']
  pieces: Buffer[]
  bytes: number
}

export class KidOutput {
  readonly #tell: (line: OutputLine) => void
  readonly #streams: Readable[] = []
  #kept: OutputLine[] | undefined = []
  #windowEnds = 0
  #lines = 0
  #bytes = 0
  #leftOut = 0
  #timer: NodeJS.Timeout | undefined

  /** `tell` gets each line once `release` was called, those kept back first. */
  constructor(tell: (line: OutputLine) => void) {
    this.#tell = tell
  }

  /** Begins to read a stream of bytes. */
  read(stream: Readable, name: OutputLine['stream']): void {
    this.#streams.push(stream)
    const half: HalfLine = { name, pieces: [], bytes: 0 }
    stream.on('data', (chunk: Buffer) => this.#feed(half, chunk))
    stream.on('end', () => {
      if (half.bytes > 0) this.#endLine(half)
    })
    // A kid's output that cannot be read is a kid that says nothing.
    stream.on('error', () => {})
  }

  /** Lets the lines through, now and from now on. */
  release(): void {
    const kept = this.#kept ?? []
    this.#kept = undefined
    for (const line of kept) this.#tell(line)
  }

  /** The lines kept back. */
  get kept(): readonly OutputLine[] {
    return this.#kept ?? []
  }

  /** The kid is dead: settles when its last words were read, or nobody has been found to end them; never rejects. */
  async end(): Promise<void> {
    const ended = Promise.all(
      this.#streams.map((stream) => {
        if (stream.closed || stream.destroyed) return undefined
        return new Promise((resolve) => stream.once('close', resolve))
      }),
    )
    await pTimeout(ended, { milliseconds: afterlife, fallback: () => undefined })
    for (const stream of this.#streams) stream.destroy()
    this.#sayLeftOut()
  }

  #feed(half: HalfLine, chunk: Buffer): void {
    let from = 0
    for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, from)) {
      this.#add(half, chunk.subarray(from, at))
      this.#endLine(half)
      from = at + 1
    }
    this.#add(half, chunk.subarray(from))
  }

  /** Of a line only its beginning is held; the rest is counted. */
  #add(half: HalfLine, piece: Buffer): void {
    if (piece.length === 0) return
    if (half.bytes < longestLine) half.pieces.push(piece.subarray(0, longestLine - half.bytes))
    half.bytes += piece.length
  }

  #endLine(half: HalfLine): void {
    const { name, pieces, bytes } = half
    half.pieces = []
    half.bytes = 0
    if (bytes === 0 || !this.#isWithinRate(bytes)) return
    const text = Buffer.concat(pieces).toString('utf8').replace(/\r$/, '')
    if (text === '') return
    const cut = bytes > longestLine ? ` (cut: ${bytes - longestLine} more bytes)` : ''
    this.#line({ stream: name, text: escapeControls(text) + cut })
  }

  #line(line: OutputLine): void {
    if (this.#kept === undefined) this.#tell(line)
    else if (this.#kept.length < mostKept) this.#kept.push(line)
  }

  /** Whether a line of so many bytes may pass; if not it is counted, and the count is said once the window is over. */
  #isWithinRate(bytes: number): boolean {
    const now = performance.now()
    if (now >= this.#windowEnds) {
      this.#sayLeftOut()
      this.#windowEnds = now + rateWindow
      this.#lines = 0
      this.#bytes = 0
    }
    this.#lines++
    this.#bytes += Math.min(bytes, longestLine)
    if (this.#lines <= mostLines && this.#bytes <= mostBytes) return true
    this.#leftOut++
    this.#timer ??= setTimeout(this.#onTimer, this.#windowEnds - now).unref()
    return false
  }

  readonly #onTimer = (): void => {
    // A timer may come a little early; the window it was set for is over all the same.
    this.#windowEnds = 0
    this.#sayLeftOut()
  }

  #sayLeftOut(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#leftOut === 0) return
    const lines = this.#leftOut === 1 ? 'line' : 'lines'
    const text = `(left out ${this.#leftOut} more ${lines} within a second)`
    this.#leftOut = 0
    this.#line({ stream: 'stderr', text })
  }
}

/** Control characters as \xNN, but tabs: whoever reads the log on a terminal shall not be told what to show. */
export function escapeControls(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is for
    /[\x00-\x08\x0a-\x1f\x7f-\x9f]/g,
    (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}
