/** What the system lets a process have open, against what the options may need; asked once when the server starts. */

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/*
 * Nothing here raises a limit: Node.js sets its soft limit of descriptors to the hard one when it starts, and kids,
 * ours and foreign ones, inherit that. (Seen: started under `ulimit -Sn 256` it has the hard limit's 20000, and so have
 * its kids.) Where that is not enough, only who starts preforkd can help.
 */

/** A kid costs the parent its two pipes, and those of its standard output and error. */
const perKid = 4

/** The parent's own: 20 that Node.js has, the log's and the pid file's, and 6 while a kid is spawned. */
const ofParent = 40

/** A kid's own: 16 that Node.js has, 0 to 2, its two pipes, and a few for what the handler loads. */
const ofKid = 32

/** The options that say how many descriptors will be needed. */
export interface Demand {
  readonly maxKids: number
  readonly slots: number
  readonly listen: readonly unknown[]
}

/** What is worth a warning when the server starts: a pool that runs out of descriptors; undefined when it does not. */
export function descriptorsWarning(
  { maxKids, slots, listen }: Demand,
  limit = descriptorLimit(),
): string | undefined {
  const remedy = 'raise it (ulimit -n, or LimitNOFILE= of systemd)'
  const forKids = ofParent + listen.length + perKid * maxKids
  if (forKids > limit) {
    return `maxKids (${maxKids}) needs ${forKids} descriptors in the parent, ${perKid} for each kid, but the limit is ${limit}: ${remedy} or lower maxKids`
  }
  const forSlots = ofKid + listen.length + slots
  if (forSlots > limit) {
    return `slots (${slots}) needs ${forSlots} descriptors in each kid, but the limit is ${limit}: ${remedy} or lower slots`
  }
  return undefined
}

/** What an app may need for itself, as a part of the limit: files, pools of connections to databases. */
const forApp = 0.25

/** How many connections a kid may keep parked: as many as the option says, as far as there are descriptors for them. */
export function parkedThatFit(
  maxParked: number,
  { slots, listeners }: { slots: number; listeners: number },
  limit = descriptorLimit(),
): number {
  const fit = Math.floor(limit * (1 - forApp)) - ofKid - listeners - slots
  return Math.max(1, Math.min(maxParked, fit))
}

/** How many descriptors this process, and every kid of its, may have open; Infinity where there is no limit. */
export function descriptorLimit(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'latin1')
    return number(/^Max open files +(\w+)/m.exec(limits)?.[1])
  } catch {
    // Not Linux. A shell is asked, which inherits ours; process.report would resolve the names of every peer.
    try {
      const env = { PATH: '/usr/bin:/bin' }
      return number(execFileSync('sh', ['-c', 'ulimit -n'], { env, encoding: 'utf8' }).trim())
    } catch {
      return Number.POSITIVE_INFINITY
    }
  }
}

function number(text: string | undefined): number {
  return /^\d+$/.test(text ?? '') ? Number(text) : Number.POSITIVE_INFINITY
}
