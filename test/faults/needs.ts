/** What rows need of the machine, and whether it has it. */

import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { findPeer } from '../process/peers.js'
import { hasGroups } from './control-group.js'

const checks = {
  root: () => process.getuid?.() === 0,
  strace: () => findPeer('strace') !== undefined && traces(),
  prlimit: () => findPeer('prlimit') !== undefined,
  faketime: () => findPeer('faketime') !== undefined,
  python3: () => findPeer('python3') !== undefined,
  setpriv: () => findPeer('setpriv') !== undefined,
  'memory groups': () => hasGroups('memory'),
  'process groups': () => hasGroups('pids'),
  perl: () => findPeer('perl') !== undefined,
  /** The kernel lets us say which pid comes next. */
  'next pid': () => writable('/proc/sys/kernel/ns_last_pid'),
} satisfies Record<string, () => boolean>

export type Need = keyof typeof checks

const known = new Map<Need, boolean>()

/** What of it is missing, for a sentence; an empty list where nothing is. */
export function missing(needs: readonly Need[] = []): string[] {
  return needs.filter((need) => {
    if (!known.has(need)) known.set(need, checks[need]())
    return known.get(need) === false
  })
}

/** In some containers strace is there and may not trace. */
function traces(): boolean {
  return spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0
}

function writable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}
