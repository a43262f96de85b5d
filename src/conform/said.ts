/** A status as the line it was, for telling a person what a kid said: there is only one way to write each. */

import * as lines from '../protocol/lines.js'

/** The line, without its newline. */
export function lineOf(status: lines.Status): string {
  return format(status).slice(0, -1)
}

function format(status: lines.Status): string {
  switch (status.type) {
    case 'idle':
      return lines.formatIdle(status.slots)
    case 'accepted':
      return lines.formatAccepted(status.seq, status.count)
    case 'failed':
      return lines.formatFailed(status.seq, status.count, status.code)
    case 'done':
    case 'cut':
    case 'skip':
    case 'park':
    case 'resume':
    case 'detach':
      return lines.formatChange(status.type, status.seq, status.count)
    case 'waiting':
      return lines.formatWaiting(status.count)
    case 'leaving':
      return lines.formatLeaving(status.reason)
    case 'shutdown':
      return lines.formatShutdown(status.graceful)
    case 'label':
      return lines.formatLabel(status.seq, status.text)
    case 'ended':
      return lines.formatEnded(status.count)
    case 'detached':
      return lines.formatDetached(status.id, status.text)
    case 'reported':
      return lines.formatReported(status.count)
  }
}
