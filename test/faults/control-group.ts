/** Real limits of the kernel for single processes: control groups of version 1, where root may make some. */

import { accessSync, constants, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import type { Bed } from './bed.js'

const root = '/sys/fs/cgroup'

/** Whether groups of a controller can be made here. */
export function hasGroups(controller: 'memory' | 'pids'): boolean {
  try {
    accessSync(`${root}/${controller}/cgroup.procs`, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** Puts a process into a group of its own with a limit such as `pids.max=1`; gives what changes that limit. Removed after the row. */
export function limitGroup(
  bed: Bed,
  pid: number,
  controller: 'memory' | 'pids',
  limit: string,
): (limit: string) => void {
  const path = `${root}/${controller}/preforkd-fault-${pid}`
  mkdirSync(path)
  bed.atLast(() => rmdirSync(path))
  const set = (limit: string) => {
    const [name = '', value = ''] = limit.split('=')
    writeFileSync(`${path}/${name}`, value)
  }
  set(limit)
  writeFileSync(`${path}/cgroup.procs`, String(pid))
  return set
}
