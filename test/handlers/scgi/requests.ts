/** SCGI requests for tests: good ones, and every kind of bad one with why it is refused. */

/** Name and value pairs as they are in a header. */
export type Pairs = readonly (readonly [name: string, value: string])[]

const NUL = '\0'

/** Names and values with their NULs. */
export function joined(pairs: Pairs): string {
  return pairs.map(([name, value]) => `${name}${NUL}${value}${NUL}`).join('')
}

/** Text, one byte a character, as a netstring. */
export function netstring(text: string): Buffer {
  return Buffer.from(`${text.length}:${text},`, 'latin1')
}

/** A good request: CONTENT_LENGTH and SCGI come first, by themselves. */
export function request(body: string | Buffer = '', env: Record<string, string> = {}): Buffer {
  const bytes = Buffer.from(body)
  const pairs: Pairs = [
    ['CONTENT_LENGTH', String(bytes.length)],
    ['SCGI', '1'],
    ...Object.entries(env),
  ]
  return Buffer.concat([netstring(joined(pairs)), bytes])
}

export interface BadRequest {
  readonly title: string
  readonly bytes: Buffer
  readonly reason: RegExp
}

const length = ['CONTENT_LENGTH', '0'] as const
const version = ['SCGI', '1'] as const
const good = joined([length, version])

function bad(title: string, bytes: string | Buffer, reason: RegExp): BadRequest {
  return { title, bytes: Buffer.from(bytes as string, 'latin1'), reason }
}

function badPairs(title: string, pairs: Pairs, reason: RegExp): BadRequest {
  return bad(title, netstring(joined(pairs)), reason)
}

const unbegun = /does not begin with a length and a colon/
const undecimal = /CONTENT_LENGTH is not a decimal number/

/** Refused by their header alone. */
export const badRequests: readonly BadRequest[] = [
  bad('no colon', 'GET / HTTP/1.0\r\n\r\n', unbegun),
  bad('a length without a colon', '24CONTENT_LENGTH', unbegun),
  bad('a colon without a length', ':,', unbegun),
  bad('a length of 99999999999', '99999999999:', /longer than 65536 bytes/),
  bad('a length that never ends', '1'.repeat(1000), /longer than 65536 bytes/),
  bad('a length just too large', '65537:', /longer than 65536 bytes/),
  bad('a negative length', '-1:', unbegun),
  bad('a length with a plus', '+24:', unbegun),
  bad('a length with a blank', ' 24:', unbegun),
  bad('a hexadecimal length', '0x18:', /leading zero|does not begin/),
  bad('a length with a leading zero', '007:', /leading zero/),
  bad('two zeros', '00:,', /leading zero/),
  bad('no comma', `${good.length}:${good};`, /no comma/),
  bad('a length one too small', `${good.length - 1}:${good},`, /no comma/),
  bad('a length one too large', `${good.length + 1}:${good},,`, /last name does not end in a NUL/),
  bad('nothing at all in the netstring', '0:,', /CONTENT_LENGTH is missing/),
  bad('an odd number of strings', netstring(`${good}ODD\0`), /last value is missing/),
  bad('no NUL', netstring('CONTENT_LENGTH 0 SCGI 1'), /last name does not end in a NUL/),
  bad('no NUL at the end', netstring(good.slice(0, -1)), /last value is missing or does not end/),
  badPairs('a name that is empty', [length, version, ['', 'x']], /a name is empty/),
  badPairs('no CONTENT_LENGTH', [version], /CONTENT_LENGTH is not the first/),
  badPairs('CONTENT_LENGTH second', [version, length], /CONTENT_LENGTH is not the first/),
  badPairs('content_length', [['content_length', '0'], version], /is not the first/),
  badPairs('two of CONTENT_LENGTH', [length, ['CONTENT_LENGTH', '1'], version], /twice/),
  badPairs('two alike of CONTENT_LENGTH', [length, version, length], /twice/),
  badPairs('two of a name', [length, version, ['A', '1'], ['A', '1']], /twice/),
  badPairs('two of __proto__', [length, version, ['__proto__', '1'], ['__proto__', '2']], /twice/),
  ...['', '-1', '+1', ' 1', '1 ', '1.0', '1e3', '0x10', '01', '00', 'NaN', 'one', '\u00b2'].map(
    (value) =>
      badPairs(
        `CONTENT_LENGTH ${JSON.stringify(value)}`,
        [['CONTENT_LENGTH', value], version],
        undecimal,
      ),
  ),
  badPairs(
    'CONTENT_LENGTH of 2^53',
    [['CONTENT_LENGTH', '9007199254740992'], version],
    /too large/,
  ),
  badPairs('CONTENT_LENGTH of 20 digits', [['CONTENT_LENGTH', '9'.repeat(20)], version], undecimal),
  badPairs('no SCGI', [length], /no header SCGI/),
  badPairs('SCGI 2', [length, ['SCGI', '2']], /no header SCGI/),
  badPairs('an empty SCGI', [length, ['SCGI', '']], /no header SCGI/),
  badPairs(
    'too many headers',
    [length, version, ...Array.from({ length: 255 }, (_, i) => [`H${i}`, ''] as const)],
    /more than 256 headers/,
  ),
]
