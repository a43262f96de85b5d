/** The configuration file: finds it, loads it anew each time, checks what it exports. */

import { existsSync, statSync } from 'node:fs'
import { readFile, realpath } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import pTimeout from 'p-timeout'
import { UsageError } from '../errors.js'
import {
  checkOption,
  isOption,
  type OptionName,
  optionTable,
  show,
  unknownOption,
} from '../options.js'

/** Names that are looked for in the working directory. */
const usualNames = ['preforkd.config.mjs', 'preforkd.config.js', 'preforkd.config.json']
/** How long, in milliseconds, the file may take to say what it wants. */
const loadTimeout = 10_000

const require = createRequire(import.meta.url)
let loads = 0

/** The configuration file in a directory, if there is one. Throws UsageError if there are two. */
export function findConfigurationFile(directory: string): string | undefined {
  const found = usualNames.filter((name) => existsSync(resolve(directory, name)))
  const [one, other] = found
  if (one !== undefined && other !== undefined) {
    throw new UsageError(
      `${one} and ${other} are both in ${directory}: say with --config which one counts`,
    )
  }
  return one === undefined ? undefined : resolve(directory, one)
}

/**
 * The options in a configuration file, as they are now: each checked, paths absolute.
 * @throws UsageError, one sentence that names the file
 */
export async function loadConfigurationFile(file: string): Promise<Map<OptionName, unknown>> {
  const exported = await load(file)
  const options = new Map<OptionName, unknown>()
  for (const [name, value] of Object.entries(exported)) {
    if (!isOption(name)) throw unknownOption(name, ` in ${file}`)
    if (value === undefined) continue
    checkOption(name, value, `${name} in ${file}`)
    options.set(name, absolute(name, value, dirname(file)))
  }
  return options
}

/** A path is meant as seen from `directory`; a `file:` URL and whatever is no path stays as it is. */
export function absolute(name: OptionName, value: unknown, directory: string): unknown {
  const row = optionTable.find((each) => each.name === name)
  if (row?.kind !== 'path' || typeof value !== 'string' || value.startsWith('file:')) return value
  return resolve(directory, value)
}

async function load(file: string): Promise<object> {
  const stats = statSync(file, { throwIfNoEntry: false })
  if (stats === undefined) throw new UsageError(`configuration file ${file} does not exist`)
  if (!stats.isFile()) throw new UsageError(`configuration file ${file} is not a file`)
  let exported: unknown
  try {
    exported = extname(file) === '.json' ? await readJson(file) : await importAnew(file)
    if (typeof exported === 'function') exported = exported()
    exported = await inTime(file, Promise.resolve(exported))
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`configuration file ${file} does not load: ${firstLine(error)}`, {
      cause: error,
    })
  }
  if (typeof exported !== 'object' || exported === null || Array.isArray(exported)) {
    throw new UsageError(
      `configuration file ${file} must export an object of options, or a function that returns one, not ${show(exported)}`,
    )
  }
  return exported
}

async function readJson(file: string): Promise<unknown> {
  return JSON.parse(await readFile(file, 'utf8'))
}

/**
 * The default export of the module as it is on disk now. Node keeps each ES module that it has ever imported; a query
 * makes it another one. So each reload leaks one module, some kilobytes; and what the file itself imports is not read
 * anew.
 */
async function importAnew(file: string): Promise<unknown> {
  // CommonJS modules are kept by their path, whatever the query.
  delete require.cache[await realpath(file)]
  const url = `${pathToFileURL(file).href}?preforkd=${++loads}`
  const module = (await inTime(file, import(url))) as Record<string, unknown>
  if (!('default' in module)) {
    const names = Object.keys(module)
    throw new UsageError(
      `configuration file ${file} has no default export; it exports ${names.length === 0 ? 'nothing' : names.join(', ')}`,
    )
  }
  return module.default
}

/** A file that waits for ever would be a server that never starts and does not say why. */
function inTime<T>(file: string, promise: Promise<T>): Promise<T> {
  return pTimeout(promise, {
    milliseconds: loadTimeout,
    message: new UsageError(
      `configuration file ${file} does not load: it takes longer than ${loadTimeout / 1_000} s`,
    ),
  })
}

function firstLine(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return `${error.name}: ${error.message.split('\n', 1)[0]}`
}
