/** What can be seen of a running server from outside at one moment; `preforkd herd watch` takes one a second. */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { type Cost, costOfAll, listenTroubles } from '../counters.js'
import { kidsOf } from '../processes.js'
import { parseListeners, type TcpListener } from './tcp-listeners.js'

/** A moment. */
export interface Sample {
  /** Milliseconds, of the monotonic clock. */
  readonly at: number
  /** The process whose children are the kids. */
  readonly parent: number
  readonly kids: readonly number[]
  /** By pid, of all threads, since each began. */
  readonly costs: ReadonlyMap<number, Cost>
  readonly listeners: readonly TcpListener[]
  /** Of the whole machine, or of the server's network namespace. */
  readonly overflows: number
  readonly drops: number
  /** Processes whose descriptors we may not see. */
  readonly hidden: readonly number[]
}

/** Looks at a server. Undefined when the process is not there, or another has its number by now. */
export function takeSample(pid: number, startedAt = startOf(pid)): Sample | undefined {
  const now = startOf(pid)
  if (now === undefined || now !== startedAt) return undefined
  const { parent, kids } = familyOf(pid)
  const all = [...new Set([pid, parent, ...kids])]
  const inodes = new Set<number>()
  const hidden = all.filter((each) => !addSockets(each, inodes))
  const tables = ['tcp', 'tcp6'].map((name) => readOrEmpty(`/proc/${pid}/net/${name}`))
  return {
    at: performance.now(),
    parent,
    kids,
    costs: new Map([parent, ...kids].map((each) => [each, costOfAll([each], 'all')])),
    listeners: tables.flatMap(parseListeners).filter(({ inode }) => inodes.has(inode)),
    ...listenTroubles(pid),
    hidden,
  }
}

/**
 * Children are the kids; where there is a single one, which has children, those are: npx and shells stand between
 * whoever started a server and the server.
 */
function familyOf(pid: number): { parent: number; kids: number[] } {
  const children = kidsOf(pid)
  const [only] = children
  if (children.length !== 1 || only === undefined) return { parent: pid, kids: children }
  const grandchildren = kidsOf(only)
  return grandchildren.length === 0
    ? { parent: pid, kids: children }
    : { parent: only, kids: grandchildren }
}

/** When a process began, in ticks since the machine did; undefined when it is not there, or has ended. */
export function startOf(pid: number): number | undefined {
  const stat = readOrEmpty(`/proc/${pid}/stat`)
  // The name in brackets may itself hold brackets and blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state] = fields
  return stat === '' || state === 'Z' || state === 'X' ? undefined : Number(fields[19])
}

/** Listeners are opened early: who has thousands of connections need not have them all looked at. */
const mostDescriptors = 256

/** Adds the sockets a process has; false where we may not see. */
function addSockets(pid: number, inodes: Set<number>): boolean {
  let names: string[]
  try {
    names = readdirSync(`/proc/${pid}/fd`).slice(0, mostDescriptors)
  } catch (error) {
    // One that has just gone hides nothing.
    return (error as NodeJS.ErrnoException).code !== 'EACCES'
  }
  for (const name of names) {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${name}`))?.[1]
      if (inode !== undefined) inodes.add(Number(inode))
    } catch {
      // Closed since.
    }
  }
  return true
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
