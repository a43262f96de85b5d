/** What hostile kids say: lines that are lawful, nearly lawful or nothing of the kind, drawn from a seed; for streams. */

/** A random number from 0 to below 1. */
export type Random = () => number

export function between(random: Random, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1))
}

export function oneOf<T>(random: Random, choices: readonly T[]): T {
  return choices[Math.floor(random() * choices.length)] as T
}

/** What a kid may know of itself: the order that is out to it, one of which it holds something, and what it has parked. */
export interface Knowledge {
  readonly order: { readonly seq: number; readonly count: number } | undefined
  readonly hold: { readonly seq: number; readonly count: number } | undefined
  /** How many it has parked, and how many slots are free. */
  readonly parked?: number
  readonly free?: number
}

/** Numbers that are not, or are not what was asked for: stale, from the future, negative, beyond doubles, in other words. */
function oddNumber(random: Random, right: number): string {
  const choices = [
    () => String(right - 1),
    () => String(right + 1),
    () => String(right + between(random, 2, 1_000)),
    () => String(between(random, 0, 9)),
    () => `-${right}`,
    () => `+${right}`,
    () => `0${right}`,
    () => `${right}.0`,
    () => `${right}e0`,
    () => `0x${right.toString(16)}`,
    () => '9007199254740991',
    () => '9007199254740992',
    () => '9007199254740993',
    () => '99999999999999999999999999',
    () => '65535',
    () => '65536',
    () => '4294967296',
    () => 'NaN',
    () => 'Infinity',
    () => 'null',
    () => '',
    () => ' ',
  ]
  return oneOf(random, choices)()
}

/** A number that is right most of the time. */
function number(random: Random, right: number): string {
  return random() < 0.7 ? String(right) : oddNumber(random, right)
}

const texts = [
  'GET /',
  'x',
  '__proto__',
  '{"__proto__":{"held":-1}}',
  '\x1b[2J',
  '%s%n',
  '-',
  ' x',
  '',
]

const codes = [
  'EAGAIN',
  'EMFILE',
  'ENFILE',
  'EINVAL',
  'EBADF',
  'ECONNABORTED',
  'EUNKNOWN',
  '24',
  'E',
]

/** A line as the protocol has them, with numbers that may be right. */
export function line(random: Random, { order, hold, parked = 0 }: Knowledge): string {
  const seq = order?.seq ?? between(random, 0, 9)
  const count = between(random, 0, order?.count ?? 2)
  const held = hold?.seq ?? between(random, 0, 9)
  const some = between(random, 1, hold?.count ?? 2)
  const kinds = [
    () => `idle ${number(random, 1)}`,
    () => `accepted ${number(random, seq)} ${number(random, count)}`,
    () => `accepted ${number(random, seq)} ${number(random, count)}`,
    () => `failed ${number(random, seq)} ${number(random, 0)} ${oneOf(random, codes)}`,
    () => `done ${number(random, held)} ${number(random, some)}`,
    () => `done ${number(random, held)} ${number(random, some)}`,
    () => `park ${number(random, held)} ${number(random, some)}`,
    () => `park ${number(random, held)} ${number(random, some)}`,
    () => `resume ${number(random, held)} ${number(random, between(random, 1, parked + 1))}`,
    () => `waiting ${number(random, between(random, 0, parked))}`,
    () => `done 0 ${number(random, parked)}`,
    () => `cut ${number(random, oneOf(random, [0, held]))} ${number(random, some)}`,
    () => `skip ${number(random, held)} ${number(random, some)}`,
    () => `label ${number(random, held)} ${oneOf(random, texts)}`,
    () => `detach ${number(random, held)} ${number(random, some)}`,
    () => `ended ${number(random, 1)}`,
    () => `detached ${number(random, 1)} ${oneOf(random, texts)}`,
    () => `reported ${number(random, 0)}`,
    () => `leaving ${oneOf(random, texts)}`,
  ]
  return oneOf(random, kinds)()
}

/** A line that is right, for all that the kid knows. */
export function lawfulLine(random: Random, knowledge: Knowledge): string {
  const { order, hold, parked = 0, free = 0 } = knowledge
  if (order !== undefined && random() < 0.5)
    return `accepted ${order.seq} ${between(random, 0, order.count)}`
  if (parked > 0 && random() < 0.5) {
    const most = Math.min(parked, free)
    const resume = `resume ${hold?.seq ?? 1} ${between(random, 1, Math.max(1, most))}`
    const some = between(random, 1, parked)
    const kept = [`waiting ${some}`, 'waiting 0', `done 0 ${some}`, `cut 0 1`]
    return oneOf(random, most > 0 ? [...kept, resume, resume, resume] : kept)
  }
  if (hold === undefined)
    return order === undefined ? 'shutdown graceful' : `failed ${order.seq} 0 EAGAIN`
  const some = between(random, 1, hold.count)
  const kinds = [
    `done ${hold.seq} ${some}`,
    `label ${hold.seq} x`,
    `detach ${hold.seq} 1`,
    `park ${hold.seq} ${some}`,
    `park ${hold.seq} 1`,
    `cut ${hold.seq} ${some}`,
    `skip ${hold.seq} 1`,
    'leaving x',
  ]
  return oneOf(random, kinds)
}

/** Some of it changed: bytes flipped, dropped, put in, lines joined or cut. */
export function mutated(random: Random, text: string): string {
  let now = text
  for (let edits = between(random, 1, 3); edits > 0; edits--) {
    const at = between(random, 0, now.length)
    const put =
      random() < 0.5
        ? String.fromCharCode(between(random, 0, 255))
        : oneOf(random, [...' \n\r\t\0-09'])
    const dropped = between(random, 0, 2)
    now = now.slice(0, at) + (random() < 0.6 ? put : '') + now.slice(at + dropped)
  }
  return now
}

/** Bytes of any kind, as Latin-1; short ones are likelier. */
export function noise(random: Random): string {
  const length = Math.ceil(4_096 ** random())
  const alphabet = oneOf(random, [
    undefined,
    ' 0123456789\n',
    'acceptdonidlefaileavingshutwrksumk 0123456789\n',
    '\n',
    'x',
  ])
  let bytes = ''
  for (let i = 0; i < length; i++) {
    bytes +=
      alphabet === undefined
        ? String.fromCharCode(Math.floor(random() * 256))
        : alphabet[Math.floor(random() * alphabet.length)]
  }
  return bytes
}
