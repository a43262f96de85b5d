/** Parses the header of an SCGI request, however its bytes are cut: decisions only, no socket and no clock. */

/**
 * The parameters of a request by name. One character a byte (latin1), as in the headers of node:http, so that nothing is
 * lost: `Buffer.from(text, 'latin1').toString()` reads UTF-8. It has no prototype: any name is but a name.
 */
export interface ScgiEnv {
  readonly [name: string]: string | undefined
}

export interface HeaderLimits {
  /** Bytes of all names and values with their NULs. */
  readonly maxHeaderBytes: number
  /** Pairs of name and value, CONTENT_LENGTH and SCGI included. */
  readonly maxHeaders: number
}

/** What is known of a header after so many bytes. */
export type HeaderResult =
  | { readonly type: 'incomplete' }
  | {
      readonly type: 'complete'
      readonly env: ScgiEnv
      readonly contentLength: number
      /** What came behind the header in the last piece: the beginning of the body. */
      readonly rest: Buffer
    }
  | { readonly type: 'malformed'; readonly reason: string }

const ZERO = 0x30
const NINE = 0x39
const COLON = 0x3a
const COMMA = 0x2c

const incomplete: HeaderResult = { type: 'incomplete' }

/**
 * A netstring, `LENGTH:` then so many bytes then a comma, of names and values that each end in a NUL. What the
 * specification does not allow is refused at the first byte that tells. Holds no more than `maxHeaderBytes` and never throws.
 */
export class HeaderParser {
  readonly #limits: HeaderLimits
  #digits = 0
  #length = 0
  /** The bytes between colon and comma, once it is known how many they are. */
  #header: Buffer | undefined
  #filled = 0
  #end: HeaderResult | undefined

  constructor(limits: HeaderLimits) {
    this.#limits = limits
  }

  /** Takes the next piece. Once it has told the end, it tells the same whatever else is fed, with nothing as the rest. */
  feed(piece: Buffer): HeaderResult {
    if (this.#end !== undefined) {
      return this.#end.type === 'complete' ? { ...this.#end, rest: Buffer.alloc(0) } : this.#end
    }
    const result = this.#take(piece)
    if (result.type === 'incomplete') return result
    this.#end = result
    this.#header = undefined
    return result
  }

  #take(piece: Buffer): HeaderResult {
    let at = 0
    while (this.#header === undefined) {
      const byte = piece[at++]
      if (byte === undefined) return incomplete
      const reason = this.#takeLength(byte)
      if (reason !== undefined) return { type: 'malformed', reason }
    }
    const copied = piece.copy(this.#header, this.#filled, at)
    this.#filled += copied
    at += copied
    if (this.#filled < this.#length || at === piece.length) return incomplete
    if (piece[at] !== COMMA) return { type: 'malformed', reason: 'no comma ends the header' }
    const fields = parseFields(this.#header, this.#limits.maxHeaders)
    if (typeof fields === 'string') return { type: 'malformed', reason: fields }
    return { type: 'complete', ...fields, rest: piece.subarray(at + 1) }
  }

  /** One byte of the length, or the colon behind it; returns what is wrong with it. */
  #takeLength(byte: number): string | undefined {
    if (byte === COLON && this.#digits > 0) {
      this.#header = Buffer.allocUnsafe(this.#length)
      return undefined
    }
    if (byte < ZERO || byte > NINE) return 'it does not begin with a length and a colon'
    if (this.#digits === 1 && this.#length === 0) return 'the length has a leading zero'
    this.#digits++
    this.#length = this.#length * 10 + (byte - ZERO)
    // Known before the colon: whoever sends digits without end is told at once.
    if (this.#length > this.#limits.maxHeaderBytes) {
      return `the header is longer than ${this.#limits.maxHeaderBytes} bytes`
    }
    return undefined
  }
}

/*
 * The specification allows no name twice, but an nginx before 1.23 sends header lines that a client repeats as they are.
 * They are one value, as RFC 3875 has it of CGI.
 */
function separatorOf(name: string): string {
  return name === 'HTTP_COOKIE' ? '; ' : ', '
}

/** Names and values; or what is wrong, in words that repeat nothing the client said. */
function parseFields(
  header: Buffer,
  maxHeaders: number,
): { env: ScgiEnv; contentLength: number } | string {
  const env: Record<string, string> = Object.create(null)
  let contentLength: number | undefined
  for (let at = 0, count = 1; at < header.length; count++) {
    if (count > maxHeaders) return `there are more than ${maxHeaders} headers`
    const nameEnd = header.indexOf(0, at)
    if (nameEnd === -1) return 'the last name does not end in a NUL'
    if (nameEnd === at) return 'a name is empty'
    const valueEnd = header.indexOf(0, nameEnd + 1)
    if (valueEnd === -1) return 'the last value is missing or does not end in a NUL'
    const name = header.toString('latin1', at, nameEnd)
    const value = header.toString('latin1', nameEnd + 1, valueEnd)
    at = valueEnd + 1
    const before = env[name]
    if (before === undefined) env[name] = value
    else if (name.startsWith('HTTP_')) env[name] = before + separatorOf(name) + value
    else return 'a name appears twice'
    if (contentLength !== undefined) continue
    if (name !== 'CONTENT_LENGTH') return 'CONTENT_LENGTH is not the first header'
    if (!/^(0|[1-9]\d{0,15})$/.test(value)) return 'CONTENT_LENGTH is not a decimal number'
    contentLength = Number(value)
    if (!Number.isSafeInteger(contentLength)) return 'CONTENT_LENGTH is too large'
  }
  if (contentLength === undefined) return 'CONTENT_LENGTH is missing'
  if (env.SCGI !== '1') return 'there is no header SCGI with the value 1'
  return { env, contentLength }
}
