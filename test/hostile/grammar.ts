/** The status lines once more, as expressions made from docs/protocol.md: a second opinion on the decoder. */

const number = '(0|[1-9][0-9]{0,15})'
const text = '([!-~][ -~]*)'
const lines = {
  idle: new RegExp(`^idle ${number}$`),
  accepted: new RegExp(`^accepted ${number} ${number}$`),
  failed: new RegExp(`^failed ${number} ${number} (E[A-Z0-9]{1,15})$`),
  done: new RegExp(`^done ${number} ${number}$`),
  cut: new RegExp(`^cut ${number} ${number}$`),
  skip: new RegExp(`^skip ${number} ${number}$`),
  park: new RegExp(`^park ${number} ${number}$`),
  resume: new RegExp(`^resume ${number} ${number}$`),
  waiting: new RegExp(`^waiting ${number}$`),
  label: new RegExp(`^label ${number} ${text}$`),
  detach: new RegExp(`^detach ${number} ${number}$`),
  ended: new RegExp(`^ended ${number}$`),
  detached: new RegExp(`^detached ${number} ${text}$`),
  reported: new RegExp(`^reported ${number}$`),
  leaving: new RegExp(`^leaving ${text}$`),
  shutdown: /^shutdown (graceful|now)$/,
} as const

/** Which words of a line are counts, and the least that each may be; the other numbers are SEQ or ID. */
const counts: Readonly<Record<string, readonly [word: number, least: number]>> = {
  idle: [1, 1],
  accepted: [2, 0],
  failed: [2, 0],
  done: [2, 1],
  cut: [2, 1],
  skip: [2, 1],
  park: [2, 1],
  resume: [2, 1],
  waiting: [1, 0],
  detach: [2, 1],
  ended: [1, 1],
  reported: [1, 0],
}

const withoutSeq = new Set(['idle', 'ended', 'reported', 'waiting', 'leaving', 'shutdown'])
/** Those in which 0 stands for no order. */
const fromOne = new Set(['skip', 'park', 'resume'])

/** What kind of line it is; undefined for one that is none. */
export function kindOf(line: string): keyof typeof lines | undefined {
  if (line.length > 63) return undefined
  const kind = line.split(' ', 1)[0] as keyof typeof lines
  const found = Object.hasOwn(lines, kind) ? lines[kind].exec(line) : null
  if (found === null) return undefined
  const [word, least] = counts[kind] ?? [0, 0]
  const count = Number(word === 0 ? 1 : found[word])
  if (count < least || count > 65_535) return undefined
  if (withoutSeq.has(kind)) return kind
  if (fromOne.has(kind) && found[1] === '0') return undefined
  return BigInt(found[1] ?? '') <= 9_007_199_254_740_991n ? kind : undefined
}
