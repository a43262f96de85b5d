/** Places that a privileged parent writes or goes by: whether its kids, who are somebody else, could put something else there. */

import { lstatSync, realpathSync, type Stats, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { UsageError } from '../errors.js'
import { formatListenAddress } from '../listen-address.js'
import type { Options } from '../options.js'
import { type Identity, identityOf } from '../system/identity.js'

const sticky = 0o1000

/**
 * The directory by which this user may put something else in the place of `path`, be it there or not: one that leads
 * there and that the user may write to. Undefined if there is none, or if it cannot be looked at: then whoever opens it
 * says why. Access lists count as far as the group's bits show them.
 */
export function openTo(path: string, user: Identity): string | undefined {
  try {
    const written = resolve(path)
    // Links on the way count with the directories that they stand in.
    const real = join(realpathSync(dirname(written)), basename(written))
    return directoryOpenTo(real, user) ?? directoryOpenTo(written, user)
  } catch {
    return undefined
  }
}

function directoryOpenTo(path: string, user: Identity): string | undefined {
  let entry: Stats | undefined = lstatSync(path, { throwIfNoEntry: false })
  let at = path
  while (at !== dirname(at)) {
    at = dirname(at)
    const directory = statSync(at)
    // There, only the owner of what is there may take it away; but anybody may be the first to put it there.
    const isKept = (directory.mode & sticky) !== 0 && entry !== undefined && entry.uid !== user.uid
    if (directory.uid === user.uid || (mayWrite(directory, user) && !isKept)) return at
    entry = directory
  }
  return undefined
}

function mayWrite({ mode, uid, gid }: Stats, user: Identity): boolean {
  if (uid === user.uid) return true
  if (user.gid === gid || user.groups.includes(gid)) return (mode & 0o020) !== 0
  return (mode & 0o002) !== 0
}

/**
 * Refuses files that a parent with more rights than its kids would write where the kids may put others in their place.
 * @throws UsageError, one sentence that names the option, the path and the directory
 */
export function refuseKidsPlaces(options: Options): void {
  const { logFile, pidFile, listen, user } = options
  if (user === undefined) return
  const given = listen.filter(
    // Without an owner nothing is done to the file, once bound, that could be done to another.
    (each) => each.kind === 'unix' && (each.user !== undefined || each.group !== undefined),
  )
  const places = [
    { what: `logFile ${logFile}`, path: logFile },
    { what: `pidFile ${pidFile}`, path: pidFile },
    ...given.map((each) => ({
      what: `listen ${formatListenAddress(each)}, whose file is given away,`,
      path: 'path' in each ? each.path : undefined,
    })),
  ].filter(({ path }) => path !== undefined)
  if (places.length === 0) return
  const identity = identityOf(options)
  if (identity?.changes !== true) return
  for (const { what, path = '' } of places) {
    const directory = openTo(path, identity)
    if (directory === undefined) continue
    throw new UsageError(
      `${what} cannot be used: user ${JSON.stringify(user)}, whom kids run as, may write to ${directory}`,
    )
  }
}

/** What is worth a warning at the start: programs of the parent's that its kids could put others in the place of. */
export function kidsPlacesWarning(
  options: Options,
  programs: readonly string[],
): string | undefined {
  const identity = identityOf(options)
  if (identity?.changes !== true) return undefined
  for (const path of programs) {
    const by = isOwn(path, identity) ? path : openTo(path, identity)
    if (by === undefined) continue
    return `kids could become root: their user ${JSON.stringify(options.user)} may write to ${by}, and the parent goes by ${path}`
  }
  return undefined
}

function isOwn(path: string, user: Identity): boolean {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats !== undefined && mayWrite(stats, user)
}
