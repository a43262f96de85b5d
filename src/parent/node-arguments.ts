/** The flags of Node.js that our own kids are started with: the parent's, those of `nodeArgs`, the debugger's; before a spawn. */

import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type NodeFlag, readFlags, whyUnfit } from '../node-flags.js'
import type { Options } from '../options.js'

/** Seen from here Node.js has read the flags of this process. */
const startedIn = workingDirectory()

/** The largest port there is. */
const lastPort = 65_535

const required = new Set(['-r', '--require'])
const imported = new Set(['--import', '--loader', '--experimental-loader'])
/** What these read, kids have in their environment already; and they may not be who may read it. */
const inEnvironment = new Set(['--env-file', '--env-file-if-exists'])
/** Flags whose value is a path. */
const withPath = new Set([
  ...inEnvironment,
  ...['--openssl-config', '--icu-data-dir', '--experimental-config-file', '--tls-keylog'],
  ...['--redirect-warnings', '--diagnostic-dir', '--report-dir', '--report-directory'],
  ...['--cpu-prof-dir', '--heap-prof-dir', '--trace-event-file-pattern', '--localstorage-file'],
])

/** What comes before the program of a kid on its command line, and which modules it loads by that. */
export interface NodeArguments {
  readonly words: readonly string[]
  /** Absolute paths. */
  readonly modules: readonly string[]
}

const known = new WeakMap<Options, NodeArguments>()

/** The flags for all kids of these options, looked up once for each options object. */
export function nodeArguments(options: Options): NodeArguments {
  let found = known.get(options)
  if (found === undefined) {
    const kidsStartIn = options.chdir ?? workingDirectory()
    found = argumentsFrom(process.execArgv, options.nodeArgs, startedIn, kidsStartIn)
    known.set(options, found)
  }
  return found
}

/** Where this process is; a directory that was removed is as good as any other, since no module is found there. */
function workingDirectory(): string {
  try {
    return process.cwd()
  } catch {
    return '/'
  }
}

/** The same for other flags: `inherited` are those of a parent that was started in `from`; kids start in `to`. */
export function argumentsFrom(
  inherited: readonly string[],
  given: readonly string[],
  from: string,
  to: string,
): NodeArguments {
  const fit = readFlags(inherited).filter(
    (flag) => whyUnfit(flag) === undefined && !inEnvironment.has(flag.name),
  )
  const flags = [...fit, ...readFlags(given)]
  const conditions = flags.filter(({ name }) => name === '-C' || name === '--conditions')
  const words = flags.flatMap((flag) => {
    const value = placed(flag, from, to, conditions)
    if (value === undefined || value === flag.value) return flag.words
    const [first = ''] = flag.words
    return flag.words.length === 2 ? [first, value] : [first.replace(/=.*$/s, `=${value}`)]
  })
  return {
    words,
    modules: readFlags(words)
      .flatMap(fileOf)
      .filter((file) => existsSync(file)),
  }
}

/** The value of a flag that is a place, as seen from anywhere. */
function placed(
  { name, value }: NodeFlag,
  from: string,
  to: string,
  conditions: readonly NodeFlag[],
): string | undefined {
  if (value === undefined) return undefined
  if (withPath.has(name)) return resolve(from, value)
  const isRelative = /^\.\.?(\/|$)/.test(value)
  const isPackage = !isRelative && !isAbsolute(value) && !/^[a-z][a-z\d+.-]*:/i.test(value)
  if (required.has(name)) {
    if (isRelative) return resolve(from, value)
    return isPackage && from !== to ? requiredFrom(from, value) : value
  }
  if (imported.has(name)) {
    if (isRelative) return new URL(value, pathToFileURL(join(from, '/'))).href
    return isPackage && from !== to ? importedFrom(from, value, conditions) : value
  }
  return value
}

/** Where `require` finds a package; what it does not find is left for Node.js to complain of. */
function requiredFrom(from: string, name: string): string {
  try {
    return createRequire(join(from, '/')).resolve(name)
  } catch {
    return name
  }
}

/**
 * Where `import` finds a package. Only a module in `from` can ask that, so there has to be one: a Node.js of its own, for
 * 50 ms, at the start and at each reload, and only where kids start elsewhere than the parent.
 */
function importedFrom(from: string, name: string, conditions: readonly NodeFlag[]): string {
  const program = 'process.stdout.write(import.meta.resolve(process.argv[1]))'
  const flags = conditions.flatMap(({ words }) => words)
  const { NODE_OPTIONS: _, ...env } = process.env
  try {
    return execFileSync(
      process.execPath,
      [...flags, '--input-type=module', '--eval', program, '--', name],
      { cwd: from, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 5_000 },
    )
  } catch {
    return name
  }
}

/** The file of a flag that loads a module, if it is said by its path. */
function fileOf({ name, value = '' }: NodeFlag): string[] {
  if (required.has(name) && isAbsolute(value)) return [value]
  if (!imported.has(name)) return []
  if (isAbsolute(value)) return [value]
  return value.startsWith('file:') ? [fileURLToPath(value)] : []
}

/** Where the debugger of the kid with this index listens; undefined without `inspectKids`, and where no port is left. */
export function debuggerOf(
  { inspectKids }: Options,
  index: number,
): { host: string; port: number } | undefined {
  if (inspectKids === undefined) return undefined
  const port = inspectKids.port + index
  // One kid more, by TTIN, is no reason to go without it.
  return port > lastPort ? undefined : { host: inspectKids.host, port }
}

/** What is worth a warning at the start: debuggers that not only this machine can reach. */
export function debuggerWarning({ inspectKids }: Options): string | undefined {
  if (inspectKids === undefined) return undefined
  const { host, port } = inspectKids
  if (/^(127\.[\d.]+|localhost|\[::1\])$/.test(host)) return undefined
  return `inspectKids opens debuggers on ${host}:${port} and the ports after it: whoever reaches them can run any code in kids`
}
