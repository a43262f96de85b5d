/** The command line: what it asks for, and the options it gives as text; prints nothing and never exits. */

import { readFileSync } from 'node:fs'
import { Command, CommanderError, Option } from 'commander'
import { UsageError } from '../errors.js'
import { type OptionRow, optionTable } from '../options.js'
import { environmentNames } from '../protocol/limits.js'
import { conformCommand } from './conform-flags.js'
import { type HerdTexts, herdCommand } from './herd-flags.js'
import { type Showing, showingCommands } from './herd-showing-flags.js'

/** What the command line asks for, or only a text to print. */
export type Flags =
  | { action: 'print'; text: string }
  | { action: 'conform'; texts: Texts }
  | { action: 'herd'; asked: HerdTexts }
  | { action: 'herdShowing'; showing: Showing }
  | {
      action: 'serve' | 'check' | 'printConfig'
      /** Whether to reload when files change. */
      watch: boolean
      /** The configuration file; false for none, undefined where the usual ones are looked for. */
      config: string | false | undefined
      /** The options, unchecked. */
      texts: Texts
    }

/** The options one source has given, by name, as text; `listen` as several. */
export type Texts = ReadonlyMap<string, string | string[]>

/** Flags that are no options: they are about the command. */
// biome-ignore format: one a line
export const commandFlags: readonly (readonly [flag: string, meaning: string])[] = [
  ['--config <FILE>', 'Configuration file (default: preforkd.config.mjs, .js or .json in the working directory).'],
  ['--no-config', 'Read no configuration file.'],
  ['--check', 'Check configuration and handler, in a kid that does not listen where the server would, and stop.'],
  ['--print-config', 'Print the values in force and where each comes from, and stop.'],
  ['--watch', 'While developing: reload when the configuration, or a file beside the handler, changes.'],
]

/** Variables that mean something else to a kid, and so are never read as options. */
const reserved: ReadonlySet<string> = new Set(Object.values(environmentNames))

/** The flag of an option: `--start-kids` for startKids. */
export function flagName(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** The environment variable of an option, PREFORKD_START_KIDS for startKids; undefined where kids use that name. */
export function variableName(name: string): string | undefined {
  const variable = `PREFORKD_${name.replace(/[A-Z]/g, '_$&').toUpperCase()}`
  return reserved.has(variable) ? undefined : variable
}

/** Reads `argv`, without the program's own name. Throws UsageError for what is no flag of ours. */
export function parseFlags(argv: readonly string[]): Flags {
  let printed = ''
  let subcommand: Flags | undefined
  const program = createProgram().configureOutput({
    writeOut: (text) => {
      printed += text
    },
    // What goes to stderr is in the error that commander throws.
    writeErr: () => {},
  })
  const herd = herdCommand((texts) => {
    subcommand = { action: 'herd', asked: texts }
  })
  const showing = showingCommands((showing) => {
    subcommand = { action: 'herdShowing', showing }
  })
  for (const each of showing) herd.addCommand(each.copyInheritedSettings(program))
  const subcommands = [
    conformCommand((texts) => {
      subcommand = { action: 'conform', texts: new Map(Object.entries(texts)) }
    }),
    herd,
  ]
  for (const each of subcommands) program.addCommand(each.copyInheritedSettings(program))
  try {
    program.parse(argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return { action: 'print', text: printed }
    throw new UsageError(oneSentence(error))
  }
  if (subcommand !== undefined) return subcommand
  const stray = program.args[0]
  if (stray !== undefined) {
    throw new UsageError(
      `unexpected argument ${JSON.stringify(stray)}: the handler is given as --handler FILE`,
    )
  }
  return flagsOf(program)
}

function flagsOf(program: Command): Flags {
  const { config, check, printConfig, watch, ...texts } =
    program.opts<Record<string, string | string[] | boolean | undefined>>()
  const wanted = Object.entries({ check, printConfig, watch }).filter(([, value]) => value === true)
  const [one, other] = wanted.map(([name]) => flagName(name))
  if (other !== undefined) {
    throw new UsageError(`${one} and ${other} contradict each other: each says what to do`)
  }
  if (config === '') throw new UsageError('--config must be the path of a file, not ""')
  return {
    action: check === true ? 'check' : printConfig === true ? 'printConfig' : 'serve',
    watch: watch === true,
    config: config as string | false | undefined,
    texts: new Map(Object.entries(texts as Record<string, string | string[]>)),
  }
}

/** The command itself; others, such as `preforkd conform`, are added to it as subcommands. */
function createProgram(): Command {
  const program = new Command('preforkd')
    .description('A preforking TCP server: the parent commands, kids accept.')
    .usage('--handler FILE [options]')
    .version(version(), '--version', 'Print the version.')
    .helpOption('--help', 'Print this help.')
    .allowExcessArguments()
    .exitOverride()
    // The flags of a subcommand are its own, also where they are called the same.
    .enablePositionalOptions()
    .helpCommand(false)
    // Without a subcommand it serves, which is no error.
    .action(() => {})
  for (const row of optionTable) program.addOption(createOption(row))
  for (const [flag, meaning] of commandFlags) program.option(flag, meaning)
  return program.addHelpText(
    'after',
    `
TIME has a unit: 500ms, 5s, 2m, 1h; SIZE too: 300MB, 1GiB. In the reply \\r, \\n, \\t and \\\\
are understood. Each option but kid and protocol is read from the environment too, --start-kids
from PREFORKD_START_KIDS (lists separated by commas), and kids from WEB_CONCURRENCY.
A flag counts before the environment, and the environment before the configuration file.`,
  )
}

function createOption(row: OptionRow): Option {
  const standard = row.default === '' ? '' : ` (default: ${row.default})`
  // A placeholder in brackets: the flag alone is `on`.
  const isOptional = row.placeholder.startsWith('[')
  const option = new Option(
    `${flagName(row.name)} ${isOptional ? row.placeholder : `<${row.placeholder}>`}`,
    `${row.meaning}${standard}`,
  )
  if (isOptional) option.preset('on')
  return row.kind === 'list'
    ? option.argParser((text: string, before: string[] = []) => [...before, text])
    : option
}

function oneSentence(error: CommanderError): string {
  const missing = /'(--\S+) [^']*' argument missing/.exec(error.message)
  if (missing !== null) return `${missing[1]} must have a value`
  return error.message
    .replace(/^error: /, '')
    .replace(/\n\(Did you mean (one of )?(.*)\?\)$/, ', did you mean $1$2?')
}

function version(): string {
  // The same two steps up from src/cli and from dist/cli.
  const file = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
