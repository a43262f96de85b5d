/** How a kid is spawned: its program, environment, descriptors and user; asked once for each kid. */

import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Options } from '../options.js'
import { encodeKidSettings, type KidSettings, kidSettingsName } from '../protocol/kid-settings.js'
import { FEATURES, environmentNames as names, PROTOCOL_VERSION } from '../protocol/limits.js'
import { setCloseOnExec } from '../system/descriptors.js'
import { type Identity, identityOf } from '../system/identity.js'
import { findLauncher, launchArguments, wordsOf } from '../system/launcher.js'
import type { Listener } from '../system/listeners.js'
import { debuggerOf, nodeArguments } from './node-arguments.js'
import { firstListener, nameDescriptors, namesDescriptors } from './server-command.js'
import { kidEndsConnections } from './settings.js'

/** Our own kid, compiled beside us. */
const kidProgram = fileURLToPath(new URL('../kid/main.js', import.meta.url))

/** How long, in milliseconds, a kid keeps a slot for an order where no order is ever late. */
const slotKeptFor = 5

/** What a kid is to inherit besides the environment. */
export interface KidDescriptors {
  readonly commandFd: number
  readonly statusFd: number
}

/** By which numbers a kid is known. */
export interface KidNumbers {
  readonly number: number
  readonly index: number
  readonly generation: number
}

/**
 * Starts a kid, by way of the launcher. It gets /dev/null as 0, pipes as 1 and 2 that its output is read from, the
 * listeners from 3 on, then the command and the status pipe, and nothing else. A server that accepts by itself has no
 * such pipes: `fds` is undefined.
 *
 * Throws UsageError or SystemError where there is no such user or no launcher, and throws or emits `error` as
 * `child_process.spawn` does; where the launcher fails, or there is no such program, the kid ends with 126 or 127 after
 * a sentence on standard error.
 */
export function spawnKid(
  options: Options,
  listeners: readonly Listener[],
  { number, index, generation }: KidNumbers,
  fds: KidDescriptors | undefined,
): ChildProcess {
  const command = firstListener + listeners.length
  const pipes = fds === undefined ? [] : [fds.commandFd, fds.statusFd]
  const identity = identityOf(options)
  const env: NodeJS.ProcessEnv = {
    ...environmentOf(process.env, identity),
    ...options.env,
    [names.kid]: String(number),
    [names.index]: String(index),
    [names.generation]: String(generation),
  }
  // A server that is told of a listener in its arguments is not told twice: gunicorn, for one, would open it twice.
  if (options.server === undefined || !namesDescriptors(options.server)) {
    env[names.listenFds] = String(listeners.length)
    env[names.listenFdNames] = listeners.map(({ name }) => name.replaceAll(':', ';')).join(':')
  }
  if (fds !== undefined) {
    env[names.protocol] = PROTOCOL_VERSION
    env[names.features] = FEATURES.join(' ')
    env[names.commandFd] = String(command)
    env[names.statusFd] = String(command + 1)
  }
  const isOurs = options.handler !== undefined || options.program !== undefined
  const inspected = isOurs ? debuggerOf(options, index) : undefined
  const [program, args] = isOurs ? ourProgram(options, inspected) : otherProgram(options, listeners)
  if (isOurs) env[kidSettingsName] = encodeKidSettings(settingsOf(options, inspected))
  const launch = {
    descriptors: command + pipes.length,
    umask: options.umask,
    chdir: options.chdir,
    reads: isOurs ? filesOf(options) : [],
    identity,
  }
  return spawn(findLauncher(), launchArguments(launch, program, args), {
    env,
    stdio: ['ignore', 'pipe', 'pipe', ...listeners.map(({ fd }) => fd), ...pipes],
  })
}

/** What kids do not get of the parent's environment, and why. */
// biome-ignore format: one row a line
const withheld: readonly { readonly name: RegExp; readonly from: 'all' | 'others' }[] = [
  // The parent's own sockets by the parent's own numbers, from systemd, upstart and Server::Starter.
  { name: /^LISTEN_/, from: 'all' },
  { name: /^UPSTART_FDS$/, from: 'all' },
  { name: /^SERVER_STARTER_PORT$/, from: 'all' },
  // A kid that spoke to the service manager would speak for the server.
  { name: /^NOTIFY_SOCKET$/, from: 'all' },
  { name: /^WATCHDOG_/, from: 'all' },
  // Of a parent that was itself forked or clustered by Node.js: its channel is a descriptor that kids do not have.
  { name: /^NODE_CHANNEL_/, from: 'all' },
  { name: /^NODE_UNIQUE_ID$/, from: 'all' },
  // Of another preforkd, whose handler has started this one.
  { name: new RegExp(`^${kidSettingsName}$`), from: 'all' },
  // What root wants loaded into its own programs, often from places that others may not read.
  { name: /^NODE_OPTIONS$/, from: 'others' },
  { name: /^LD_/, from: 'others' },
  // Root's session: agents, buses and directories that are not for them, and who became root.
  { name: /^(SSH|SUDO|XDG|DBUS)_/, from: 'others' },
  // Root's: `environmentOf` puts those of the kids' user in their place.
  { name: /^(HOME|USER|LOGNAME|SHELL)$/, from: 'others' },
]

/** What kids get of the parent's environment: less where they are not the user that the parent is. */
function environmentOf(
  parents: NodeJS.ProcessEnv,
  identity: Identity | undefined,
): NodeJS.ProcessEnv {
  const others = identity?.changes === true
  const env: NodeJS.ProcessEnv = {}
  for (const [name, value] of Object.entries(parents)) {
    if (!withheld.some((row) => (others || row.from === 'all') && row.name.test(name)))
      env[name] = value
  }
  if (identity === undefined || !others) return env
  const { name, home, shell } = identity
  return { ...env, HOME: home, USER: name, LOGNAME: name, SHELL: shell }
}

/**
 * Keeps from kids whatever this process was itself started with beyond standard error: Node.js does so only for the
 * lowest descriptors. What it opens itself is closed to kids anyway. To be called before the first kid is spawned.
 */
export function keepDescriptors(): void {
  for (const name of descriptorNames()) {
    if (Number(name) <= 2) continue
    try {
      setCloseOnExec(Number(name))
    } catch {
      // That was the one the directory was read by.
    }
  }
}

function descriptorNames(): string[] {
  try {
    return readdirSync('/dev/fd')
  } catch {
    // A system, or a sandbox, that does not tell; then it stays with what Node.js does.
    return []
  }
}

/** Our own kid, under the flags of Node.js that it is to have. */
function ourProgram(
  options: Options,
  inspected: KidSettings['debugger'],
): [string, readonly string[]] {
  const { words } = nodeArguments(options)
  // Where it listens the kid says itself: what Node.js says of it would be warnings in the log.
  const flags =
    inspected === undefined
      ? []
      : [`--inspect=${inspected.host}:${inspected.port}`, '--inspect-publish-uid=http']
  return [process.execPath, [...words, ...flags, kidProgram]]
}

/** What our own kid reads before it can say anything. */
function filesOf(options: Options): readonly string[] {
  const { modules } = nodeArguments(options)
  return [kidProgram, ...modules, ...(options.handler === undefined ? [] : [options.handler])]
}

function otherProgram(
  { kid, server }: Options,
  listeners: readonly Listener[],
): [string, readonly string[]] {
  return wordsOf(kid ?? nameDescriptors(server ?? [], listeners))
}

function settingsOf(options: Options, inspected: KidSettings['debugger']): KidSettings {
  const { handler, program, protocol, slots, maxDetached, logLevel } = options
  const { firstByteTimeout, headersTimeout, requestTimeout } = options
  const { sendTimeout, keepAliveTimeout, shedAfter, skipGone, allowHalfOpen } = options
  const { tcpKeepAlive, maxParked, drainGrace, keepAliveGiven } = options
  return {
    handler,
    program,
    protocol,
    slots,
    firstByteTimeout,
    headersTimeout,
    requestTimeout,
    sendTimeout,
    keepAliveTimeout,
    keepAliveGiven,
    shedAfter,
    skipGone,
    allowHalfOpen,
    tcpKeepAlive,
    maxParked,
    drainGrace,
    stopTimeout: options.stopTimeout,
    renews: options.connectionTimeout !== undefined,
    lateAfter: options.lateAfter === 'never' ? slotKeptFor : options.lateAfter,
    connectionTimeout: kidEndsConnections(options) ? options.connectionTimeout : undefined,
    trustedProxies: options.proxyProtocol === 'required' ? options.trustedProxies : undefined,
    maxDetached,
    debugger: inspected,
    name: options.name,
    undumpable: options.user !== undefined,
    yields: options.scheduling === 'batch',
    logLevel,
    parent: process.pid,
  }
}
