/** Reads which sockets the environment hands in, by systemd, upstart or Server::Starter; asked once, at the start. */

import { UsageError } from '../errors.js'
import { MAX_FD } from '../listen-address.js'

/** A descriptor that somebody says is a listener; nobody has looked at it yet. */
export interface HandedSocket {
  readonly fd: number
  /** What whoever handed it in calls it; '' where it has no name. */
  readonly name: string
  readonly source: 'LISTEN_FDS' | 'UPSTART_FDS' | 'SERVER_STARTER_PORT'
}

/** More than any server has: a larger number is a mistake, and every socket costs each kid a descriptor. */
const mostSockets = 1024
/** The longest value that is read, in characters: room for as many sockets with the longest names. */
const longestValue = 300 * mostSockets
/** LISTEN_FDS counts from here. */
const firstSocket = 3
/** What systemd calls a socket for which it has no name. */
const unknownName = 'unknown'

const PID = /^\d{1,10}$/
/** What systemd takes for a name; an empty one stands for none. */
const FD_NAME = /^[ -9;-~]{0,255}$/
/** The address is told from the descriptor by the last `=`: a path may have one of its own. */
const STARTER = /^([ -~]{1,255})=(\d{1,7})$/

/** All that tells of sockets handed in; some of it is of no use here, but would mislead a kid. */
const variables = [
  ...['LISTEN_FDS', 'LISTEN_PID', 'LISTEN_PIDFDID', 'LISTEN_FDNAMES'],
  ...['UPSTART_FDS', 'SERVER_STARTER_PORT'],
]

/**
 * Reads `env` and takes the variables out of it, so that kids do not mistake them for their own.
 *
 * LISTEN_FDS counts only when LISTEN_PID is `pid`: otherwise it was meant for another process, whose environment this
 * one happens to have inherited. No descriptor is touched.
 * @throws UsageError naming the variable and its value; the variables are gone from `env` all the same
 */
export function takeHanded(env: NodeJS.ProcessEnv, pid: number = process.pid): HandedSocket[] {
  const found = new Map<string, string | undefined>()
  for (const name of variables) {
    found.set(name, env[name])
    delete env[name]
  }
  return parseHanded(Object.fromEntries(found), pid)
}

/** The sockets that `env` speaks of, in the order of the variables and of their values. @throws UsageError */
export function parseHanded(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
): HandedSocket[] {
  const sockets = [...fromSystemd(env, pid), ...fromUpstart(env), ...fromServerStarter(env)]
  const seen = new Map<number, HandedSocket>()
  for (const socket of sockets) {
    const first = seen.get(socket.fd)
    if (first !== undefined) {
      const where =
        first.source === socket.source
          ? `twice in ${socket.source}`
          : `both in ${first.source} and in ${socket.source}`
      throw new UsageError(`descriptor ${socket.fd} is ${where}: each socket is handed in once`)
    }
    seen.set(socket.fd, socket)
  }
  return sockets
}

type Environment = Readonly<Record<string, string | undefined>>

function fromSystemd(env: Environment, pid: number): HandedSocket[] {
  const meantFor = value(env, 'LISTEN_PID')
  if (meantFor === undefined) return []
  if (!PID.test(meantFor)) refuse('LISTEN_PID', 'be the number of a process', meantFor)
  if (Number(meantFor) !== pid) return []
  const text = value(env, 'LISTEN_FDS')
  if (text === undefined) return []
  const count = /^\d{1,4}$/.test(text) ? Number(text) : mostSockets + 1
  if (count > mostSockets) refuse('LISTEN_FDS', `be a number from 0 to ${mostSockets}`, text)
  const names = namesOf(env, count)
  return Array.from({ length: count }, (_, i) => {
    const name = names[i] ?? ''
    return { fd: firstSocket + i, name: name === unknownName ? '' : name, source: 'LISTEN_FDS' }
  })
}

/** None where the variable is not set. */
function namesOf(env: Environment, count: number): string[] {
  const text = value(env, 'LISTEN_FDNAMES')
  if (text === undefined || (text === '' && count === 0)) return []
  const names = text.split(':')
  if (names.length !== count) {
    refuse('LISTEN_FDNAMES', `have as many names as LISTEN_FDS has sockets, ${count}`, text)
  }
  if (!names.every((name) => FD_NAME.test(name))) {
    refuse('LISTEN_FDNAMES', 'have printable ASCII names of at most 255 characters', text)
  }
  return names
}

function fromUpstart(env: Environment): HandedSocket[] {
  const text = value(env, 'UPSTART_FDS')
  if (text === undefined) return []
  const must = `have descriptors from 0 to ${MAX_FD}, separated by spaces`
  return parts('UPSTART_FDS', text, ' ').map((part) => {
    const fd = /^\d{1,7}$/.test(part) ? Number(part) : MAX_FD + 1
    if (fd > MAX_FD) refuse('UPSTART_FDS', must, text)
    return { fd, name: '', source: 'UPSTART_FDS' }
  })
}

function fromServerStarter(env: Environment): HandedSocket[] {
  const text = value(env, 'SERVER_STARTER_PORT')
  if (text === undefined) return []
  const must = `have ADDRESS=DESCRIPTOR for each socket, separated by semicolons`
  return parts('SERVER_STARTER_PORT', text, ';').map((part) => {
    const [, name = '', number] = STARTER.exec(part) ?? []
    const fd = number === undefined ? MAX_FD + 1 : Number(number)
    if (fd > MAX_FD) refuse('SERVER_STARTER_PORT', must, text)
    return { fd, name, source: 'SERVER_STARTER_PORT' }
  })
}

/** What stands between separators; empty parts, as at the end, are nothing. */
function parts(name: string, text: string, separator: string): string[] {
  const found = text.split(separator).filter((part) => part !== '')
  if (found.length > mostSockets) refuse(name, `have at most ${mostSockets} sockets`, text)
  return found
}

function value(env: Environment, name: string): string | undefined {
  const text = env[name]
  if (text !== undefined && text.length > longestValue) {
    refuse(name, `have at most ${longestValue} characters`, text)
  }
  return text
}

function refuse(name: string, must: string, text: string): never {
  const shown = text.length > 80 ? `${text.slice(0, 80)}...` : text
  throw new UsageError(`${name} must ${must}, not ${JSON.stringify(shown)}`)
}
