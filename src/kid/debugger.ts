/** The kid's debugger, with `inspectKids`: says where it listens, and waits for its place where a forerunner has that still. */

import inspector from 'node:inspector'
import { connect } from 'node:net'

/** How often, in milliseconds, a place that is taken is looked at again. */
const retryEvery = 250

/** Where it is to listen, the host as in an address: `[::1]`. */
export interface DebuggerPlace {
  readonly host: string
  readonly port: number
}

/**
 * Says in the log where the debugger listens. Node.js has opened it already, before any code of the kid; but if the place
 * was taken it has given up, and at a reload or when a kid is recycled its forerunner has it. Then it is opened as soon as
 * nobody has it, unless `drain` has begun before that.
 */
export function tellDebugger(place: DebuggerPlace, drain: AbortSignal): void {
  const at = `${place.host}:${place.port}`
  if (inspector.url() !== undefined) {
    say(`debugger listens on ${at}`)
    return
  }
  say(`debugger waits for ${at}, which is taken`)
  const host = place.host.replace(/^\[(.*)\]$/, '$1')
  const timer = setInterval(() => {
    const probe = connect({ host, port: place.port })
    probe.unref().once('connect', () => probe.destroy())
    probe.once('error', () => {
      if (drain.aborted || inspector.url() !== undefined) return
      inspector.open(place.port, host)
      if (inspector.url() === undefined) return
      clearInterval(timer)
      say(`debugger listens on ${at}`)
    })
  }, retryEvery).unref()
  drain.addEventListener('abort', () => clearInterval(timer))
}

/** A line for the log. Not by the kid's logger, which is loaded only when a handler logs. */
function say(msg: string): void {
  process.stderr.write(`${JSON.stringify({ level: 30, msg })}\n`)
}
