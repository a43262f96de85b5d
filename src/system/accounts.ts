/** Finds the numbers of users and groups by name; used when a Unix socket's file is to have an owner. */

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** The largest number that is an owner: the one above it means none. */
const largestId = 0xfffffffe
/** How long a directory service may take to answer, in milliseconds. */
const directoryTimeout = 5_000
/** The system's own programs, whatever PATH root was started with. */
const systemPath = '/usr/bin:/bin:/usr/sbin:/sbin:/run/current-system/sw/bin'

/** The number of a user, who may be given by number too; undefined when there is no such user. May block: at start only. */
export function uidOf(user: string): number | undefined {
  return numbered(user) ?? listed('/etc/passwd', user) ?? idFrom('id', ['-u', user], /^(\d+)\n$/)
}

/** The number of a group, which may be given by number too; undefined when there is no such group. May block. */
export function gidOf(group: string): number | undefined {
  return (
    numbered(group) ??
    listed('/etc/group', group) ??
    idFrom('getent', ['group', group], /^[^:\n]*:[^:\n]*:(\d+):/)
  )
}

/** A number need not be anybody's. */
function numbered(name: string): number | undefined {
  return /^\d+$/.test(name) ? valid(name) : undefined
}

function valid(text: string | undefined): number | undefined {
  return text !== undefined && Number(text) <= largestId ? Number(text) : undefined
}

/** Both files have the name first and the number third. */
function listed(path: string, name: string): number | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    // A system without it: then its own commands know.
    return undefined
  }
  for (const line of text.split('\n')) {
    const [found, , id = ''] = line.split(':')
    if (found === name && /^\d+$/.test(id)) return valid(id)
  }
  return undefined
}

/** Asks a command: users of a directory service stand in no file. */
function idFrom(command: string, args: string[], pattern: RegExp): number | undefined {
  // Not a name that could be taken for an option or a number.
  if (!/^[A-Za-z_]/.test(args.at(-1) ?? '')) return undefined
  const { stdout, error } = spawnSync(command, args, {
    env: { PATH: systemPath },
    encoding: 'latin1',
    timeout: directoryTimeout,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return error === undefined ? valid(pattern.exec(stdout)?.[1]) : undefined
}
