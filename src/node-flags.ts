/** Flags of Node.js itself: how they are read, and which no kid can have; asked by the options and before kids are spawned. */

import { UsageError } from './errors.js'

/** One flag, and its value where it has one. */
export interface NodeFlag {
  /** In full as it is written, but with dashes for underscores, which Node.js takes for the same. */
  readonly name: string
  readonly value: string | undefined
  /** As it was given: one word, or two. */
  readonly words: readonly string[]
}

const otherProgram = 'with it Node.js does not run the kid'

/** Flags that are not for kids, and why. */
// biome-ignore format: one row a line
const unfit: readonly { readonly name: RegExp; readonly because: string }[] = [
  { name: /^--(inspect|debug)(-|$)/, because: 'all kids would want one port, and inspectKids gives each its own' },
  { name: /^--watch(-|$)/, because: 'kids are replaced by a reload' },
  { name: /^--(experimental-)?test(-|$)/, because: otherProgram },
  { name: /^(-e|--eval|-p|-pe|--print|-c|--check|-i|--interactive|--input-type|--run)$/, because: otherProgram },
  { name: /^--(build-snapshot|snapshot-blob|build-sea|experimental-sea-config|prof-process)(-|$)/, because: otherProgram },
  { name: /^(-h|--help|-v|--version|--v8-options|--completion-bash|-|--)$/, because: otherProgram },
]

/** Flags in their order. A value that is a word of its own never begins with a dash: Node.js insists on that. */
export function readFlags(words: readonly string[]): NodeFlag[] {
  const flags: NodeFlag[] = []
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string
    const [, written = word, joined] = /^([^=]*)=(.*)$/s.exec(word) ?? []
    const name = written.startsWith('--') ? written.replaceAll('_', '-') : written
    const next = words[i + 1]
    const isValue = joined === undefined && next !== undefined && !next.startsWith('-')
    if (isValue) i++
    flags.push({ name, value: isValue ? next : joined, words: isValue ? [word, next] : [word] })
  }
  return flags
}

/** Why no kid can have a flag; undefined when it can. */
export function whyUnfit({ name }: NodeFlag): string | undefined {
  return unfit.find((row) => row.name.test(name))?.because
}

/** Throws UsageError, a predicate, for the first of the words that is no flag for kids. */
export function checkFlags(words: readonly string[]): void {
  for (const flag of readFlags(words)) {
    const because = !flag.name.startsWith('-')
      ? 'that is none, and Node.js would run it in place of the kid'
      : /\s/.test(flag.name)
        ? 'a value is a word of its own, or comes after a ='
        : whyUnfit(flag)
    if (because === undefined) continue
    throw new UsageError(`must have flags of Node.js for kids, not "${flag.words[0]}": ${because}`)
  }
}
