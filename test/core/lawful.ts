/** What a kid may say when, written down once more from the protocol; the judge of the core's own judgement. */

import type { Kid } from '../../src/core/kid-record.js'
import type { Status } from '../../src/protocol/lines.js'

/** Whether the protocol lets this kid say this now. */
export function isLawful(kid: Kid, status: Status): boolean {
  const isUp = kid.slots > 0
  const holds = (seq: number) =>
    kid.holds.filter((hold) => hold.seq === seq).reduce((sum, { count }) => sum + count, 0)
  switch (status.type) {
    case 'idle':
      return !isUp
    case 'accepted':
    case 'failed':
      return (
        isUp &&
        kid.order?.seq === status.seq &&
        status.count <= Math.min(kid.order.count, kid.slots - kid.held)
      )
    case 'done':
    case 'cut':
      return isUp && status.count <= (status.seq === 0 ? kid.parked : holds(status.seq))
    case 'resume':
      return isUp && status.count <= Math.min(kid.parked, kid.slots - kid.held)
    case 'waiting':
      return isUp && status.count <= kid.parked
    case 'skip':
    case 'park':
    case 'detach':
      return isUp && status.count <= holds(status.seq)
    case 'ended':
      return isUp && status.count <= kid.detached
    case 'detached':
      return isUp && (kid.reporting?.named ?? 512) < 512
    case 'reported':
      return isUp && kid.reporting !== undefined
    case 'label':
      return isUp && holds(status.seq) > 0
    case 'leaving':
      return isUp && !kid.saidLeaving
    case 'shutdown':
      return isUp
  }
}
