/** The options of the command from all places where they can be given; read at the start and again at each reload. */

import { resolve } from 'node:path'
import { UsageError } from '../errors.js'
import {
  checkOption,
  type OptionName,
  type OptionRow,
  optionTable,
  type PreforkerOptions,
  parseOptions,
} from '../options.js'
import { absolute, findConfigurationFile, loadConfigurationFile } from './configuration-file.js'
import { flagName, parseFlags, type Texts, variableName } from './flags.js'

export type Environment = Readonly<Record<string, string | undefined>>

export type Origin = 'flag' | 'environment' | 'file' | 'default'

/** What is configured, and where each option comes from. */
export interface Configuration {
  /** Those that were given; good by themselves and together. */
  readonly options: PreforkerOptions
  /** Of every option, given or not. */
  readonly origins: ReadonlyMap<OptionName, Origin>
  /** The configuration file that was read. */
  readonly file: string | undefined
}

/** The options one place gives. */
type Values = ReadonlyMap<OptionName, unknown>

/** What an elastic pool is given by; a fixed one is given by `kids`. */
const poolOptions: readonly OptionName[] = ['startKids', 'minSpare', 'maxSpare', 'maxKids']

/** Of two that exclude each other the one from the stronger place counts. */
const rivals: readonly (readonly [OptionName, OptionName])[] = [
  ['handler', 'kid'],
  ['log', 'logFile'],
  ...poolOptions.map((name) => ['kids', name] as const),
]

/**
 * Reads everything: flags win over `PREFORKD_*` variables, these over the configuration file, and the file over
 * WEB_CONCURRENCY, which a platform sets for whatever it runs. Each value is checked where it is known what the user
 * called it, then all of them together. Call it again for a reload: it sees the file's new content.
 * @throws UsageError
 */
export async function readConfiguration(
  argv: readonly string[],
  env: Environment,
  cwd: string,
): Promise<Configuration> {
  const flags = parseFlags(argv)
  if (!('texts' in flags) || flags.action === 'conform') {
    throw new UsageError('--help, --version, conform and herd are not about options')
  }
  const flagged = readTexts(flags.texts, flagName, cwd)
  const variables = readTexts(textsIn(env), (name) => variableName(name) as string, cwd)
  const file = fileOf(flags.config, env, cwd)
  const filed = file === undefined ? new Map() : await loadConfigurationFile(file)
  const places: [Origin, Values][] = [
    ['flag', flagged],
    ['environment', variables],
    ['file', filed],
    ['environment', webConcurrency(env)],
  ]
  const origins = new Map<OptionName, Origin>()
  const options: Record<string, unknown> = {}
  for (const [origin, values] of places) {
    // Within one place rivals are left to contradict each other.
    const taken = new Set(origins.keys())
    for (const [name, value] of values) {
      if (taken.has(name) || hasRivalIn(name, taken)) continue
      options[name] = value
      origins.set(name, origin)
    }
  }
  checkTogether(options, file)
  for (const { name } of optionTable) if (!origins.has(name)) origins.set(name, 'default')
  return { options, origins, file }
}

function hasRivalIn(name: OptionName, taken: ReadonlySet<OptionName>): boolean {
  return rivals.some(
    ([one, other]) => (one === name && taken.has(other)) || (other === name && taken.has(one)),
  )
}

function fileOf(
  flag: string | false | undefined,
  env: Environment,
  cwd: string,
): string | undefined {
  if (flag === false) return undefined
  const given = flag ?? env.PREFORKD_CONFIG
  // Set but empty is how a variable is unset in many a service file.
  return given ? resolve(cwd, given) : findConfigurationFile(cwd)
}

function textsIn(env: Environment): Texts {
  const texts = new Map<string, string | string[]>()
  for (const { name, kind } of optionTable) {
    const variable = variableName(name)
    const text = variable === undefined ? undefined : env[variable]
    if (text) texts.set(name, kind === 'list' ? text.split(',') : text)
  }
  return texts
}

function readTexts(texts: Texts, called: (name: string) => string, cwd: string): Values {
  const values = new Map<OptionName, unknown>()
  for (const row of optionTable) {
    const text = texts.get(row.name)
    if (text === undefined) continue
    values.set(row.name, absolute(row.name, convert(row, text, called(row.name)), cwd))
  }
  return values
}

function webConcurrency(env: Environment): Values {
  const row = optionTable.find(({ name }) => name === 'kids') as OptionRow
  const values = new Map<OptionName, unknown>()
  const text = env.WEB_CONCURRENCY
  if (text) values.set('kids', convert(row, text, 'WEB_CONCURRENCY'))
  return values
}

/** The value that the text stands for, checked; a text that is no number is left for the check to refuse. */
export function convert(row: OptionRow, text: string | string[], called: string): unknown {
  const value =
    typeof text !== 'string'
      ? text
      : row.kind === 'integer' && /^-?\d+$/.test(text)
        ? Number(text)
        : row.name === 'overloadReply'
          ? decodeLineEnds(text)
          : text
  checkOption(row.name, value, called)
  return value
}

/** Line ends in a text, which neither a shell nor a service file can hold easily. */
export function decodeLineEnds(text: string): string {
  const ends: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t', '\\': '\\' }
  return text.replace(/\\([rnt\\])/g, (_, letter: string) => ends[letter] as string)
}

/** What is wrong with options together is said with the file, in which one of them may stand. */
function checkTogether(options: PreforkerOptions, file: string | undefined): void {
  try {
    parseOptions(options)
  } catch (error) {
    if (!(error instanceof UsageError) || file === undefined) throw error
    throw new UsageError(`${error.message} (configuration file: ${file})`)
  }
}
