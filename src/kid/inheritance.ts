/** What a kid has inherited from the parent: descriptors and environment; read once, before anything else. */

import { InternalError } from '../errors.js'
import type { KidListener } from '../handlers/handler.js'
import { decodeKidSettings, type KidSettings, kidSettingsName } from '../protocol/kid-settings.js'
import { environmentNames as names, PROTOCOL_VERSION } from '../protocol/limits.js'
import { setCloseOnExec } from '../system/descriptors.js'
import { describeDescriptor } from '../system/listeners.js'

/** Listeners are inherited from this descriptor on, as LISTEN_FDS has it. */
const firstListener = 3

/** Set by the launcher, for programs that insist on it (sd_listen_fds). */
const launcherPid = 'LISTEN_PID'

/** A listener as the kid has it. */
export interface InheritedListener extends KidListener {
  readonly fd: number
}

export interface Inheritance {
  readonly number: number
  readonly index: number
  readonly generation: number
  readonly commandFd: number
  readonly statusFd: number
  /** Which further lines the parent understands. */
  readonly features: ReadonlySet<string>
  readonly listeners: readonly InheritedListener[]
  readonly settings: KidSettings
}

/**
 * Reads what the parent left, and sees to it that programs the handler starts get none of it: neither the descriptors
 * nor the variables. Throws InternalError where something is missing: this program is started by the parent alone.
 */
export function takeInheritance(env: NodeJS.ProcessEnv): Inheritance {
  const version = take(env, names.protocol)
  if (version !== PROTOCOL_VERSION) {
    throw new InternalError(`a kid of protocol ${PROTOCOL_VERSION} under a parent of ${version}`)
  }
  const count = Number(take(env, names.listenFds))
  const listenerNames = take(env, names.listenFdNames).split(':')
  const inheritance: Inheritance = {
    number: Number(take(env, names.kid)),
    index: Number(take(env, names.index)),
    generation: Number(take(env, names.generation)),
    commandFd: Number(take(env, names.commandFd)),
    statusFd: Number(take(env, names.statusFd)),
    features: new Set(take(env, names.features).split(' ')),
    listeners: Array.from({ length: count }, (_, number) => ({
      number,
      name: listenerNames[number] ?? '',
      fd: firstListener + number,
      address: describeDescriptor(firstListener + number),
    })),
    settings: decodeKidSettings(take(env, kidSettingsName)),
  }
  delete env[launcherPid]
  for (const { fd } of inheritance.listeners) setCloseOnExec(fd)
  setCloseOnExec(inheritance.commandFd)
  setCloseOnExec(inheritance.statusFd)
  return inheritance
}

function take(env: NodeJS.ProcessEnv, name: string): string {
  const value = env[name]
  if (value === undefined) {
    throw new InternalError(`${name} is not set: a kid is started by preforkd, not by hand`)
  }
  delete env[name]
  return value
}
