/** Loads the handler module; in a kid only, at its start. */

import { pathToFileURL } from 'node:url'
import { KidError } from '../errors.js'
import type { HandlerModule } from './handler.js'

/** A handler module before anybody looked at its default export. */
export type LoadedModule = Omit<HandlerModule, 'default'> & { default: unknown }

/**
 * Imports a handler module and checks its shape, but for what its default export must be, which depends on the protocol.
 * Throws KidError, one sentence that names the file and what is wrong.
 */
export async function loadModule(path: string): Promise<LoadedModule> {
  const exported = shape(await load(path))
  if (!('default' in exported)) {
    throw new KidError(`handler ${path} has no default export; it exports ${listOf(exported)}`)
  }
  for (const name of ['setup', 'teardown']) {
    const hook = exported[name]
    if (hook !== undefined && typeof hook !== 'function') {
      throw new KidError(
        `handler ${path} exports ${name}, but it is not a function: ${typeof hook}`,
      )
    }
  }
  const { allowHalfOpen } = exported
  if (allowHalfOpen !== undefined && typeof allowHalfOpen !== 'boolean') {
    throw new KidError(
      `handler ${path} exports allowHalfOpen, but it is neither true nor false: ${typeof allowHalfOpen}`,
    )
  }
  return exported as unknown as LoadedModule
}

/** The default export of a module whose protocol wants a function. Throws KidError. */
export function functionOf(module: LoadedModule, path: string): (...args: never[]) => unknown {
  if (typeof module.default === 'function') return module.default as () => unknown
  throw new KidError(
    `handler ${path} has a default export that is not a function: ${typeof module.default}`,
  )
}

async function load(path: string): Promise<unknown> {
  const url = pathToFileURL(path).href
  try {
    return await import(url)
  } catch (error) {
    if (isMissing(error, path)) {
      throw new KidError(`handler ${path} does not exist`)
    }
    throw new KidError(`handler ${path} does not load: ${firstLine(error)}`, { cause: error })
  }
}

/** The file itself is missing, not something that it imports. */
function isMissing(error: unknown, path: string): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false
  if (error.code !== 'ERR_MODULE_NOT_FOUND') return false
  return error.message.includes(`'${path}'`) && !error.message.includes(`imported from ${path}`)
}

/** A CommonJS module appears as `default`; what it exports is what we want. */
function shape(module: unknown): Record<string, unknown> {
  const namespace = module as Record<string, unknown>
  const inner = namespace.default
  if (typeof inner === 'object' && inner !== null && 'default' in inner) {
    return inner as Record<string, unknown>
  }
  // module.exports = function handle () {}, with handle.setup beside it
  if (typeof inner === 'function') return { ...inner, ...namespace, default: inner }
  return namespace
}

function listOf(exported: Record<string, unknown>): string {
  const names = Object.keys(exported).filter((name) => name !== 'module.exports')
  return names.length === 0 ? 'nothing' : names.join(', ')
}

function firstLine(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return `${error.name}: ${error.message.split('\n', 1)[0]}`
}
