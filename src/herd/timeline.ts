/** Whom the kernel wakes for a connection: makes some, one after another, and looks at the switches of every kid. */

import { setTimeout as pause } from 'node:timers/promises'
import { close, connect, read, writeText } from '../system/descriptors.js'
import { poll, resetOnClose } from '../system/herd-calls.js'
import { voluntarySwitches } from './counters.js'
import type { Herd } from './herds.js'
import type { TimelineLine } from './results.js'
import type { StrategyName } from './strategies.js'

const mostConnections = 40
const mostWakes = 2_000
/** Milliseconds until all have gone back to sleep. */
const settling = 4
/** Microseconds that an answer may take. */
const patience = 2_000_000

/** Records the wakes of an idle herd. */
export async function recordTimeline(
  herd: Herd,
  strategy: StrategyName,
  signal: AbortSignal,
): Promise<TimelineLine> {
  const { kidPids, counts } = herd
  const look = () =>
    kidPids.map((pid, kid) => ({
      switches: voluntarySwitches(pid),
      accepted: counts.of(kid, 'accepted'),
    }))
  const wakes: [kid: number, us: number, got: 0 | 1][] = []
  const connections = Math.min(mostConnections, Math.floor(mostWakes / kidPids.length))
  let before = look()
  let first: number | undefined
  for (let i = 0; i < connections; i++) {
    signal.throwIfAborted()
    const begun = performance.now() * 1000
    first ??= begun
    exchange(herd.port)
    await pause(settling)
    const after = look()
    for (const [kid, { switches, accepted }] of after.entries()) {
      const was = before[kid]
      if (was === undefined || switches === was.switches) continue
      wakes.push([kid, Math.round(begun - first), accepted > was.accepted ? 1 : 0])
    }
    before = after
  }
  return { type: 'timeline', strategy, kids: kidPids.length, wakes }
}

/** One connection that asks for no work. What fails leaves a gap in the picture. */
function exchange(port: number): void {
  const fd = connect('127.0.0.1', port)
  if (fd < 0) return
  resetOnClose(fd)
  const answer = Buffer.alloc(1)
  writeText(fd, '\0')
  // Its answer, then its end.
  for (let i = 0; i < 2; i++) {
    if (poll(Int32Array.of(fd), patience) <= 0 || read(fd, answer) <= 0) break
  }
  close(fd)
}
