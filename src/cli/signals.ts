/** The command's signal handlers: each asks what the signal means now, and does it; installed before the server starts. */

import { isatty } from 'node:tty'
import {
  actionOn,
  type Doing,
  doingAfter,
  type Signal,
  type SignalAction,
  signals,
} from '../core/signals.js'

/** What the command can do. Nothing here waits, and nothing throws. */
export type SignalDeeds = Record<Exclude<SignalAction, 'nothing'>, () => void>

/** What the handlers are told of the server. */
export interface SignalState {
  /** The server is up, or parked, or has handed over. */
  now(doing: Doing): void
  /** A new parent has been started, or has come to something. */
  upgrading(on: boolean): void
}

/**
 * Installs a handler for every signal that means something. USR1 has one from the first moment, because Node.js would
 * otherwise open its debugger to whoever sends it. `isEnding` tells of a stop that no signal has asked for.
 */
export function installSignals(deeds: SignalDeeds, isEnding: () => boolean): SignalState {
  let doing: Doing = 'starting'
  let upgrading = false
  const isFirst = process.pid === 1
  const onTerminal = isatty(0) || isatty(2)
  const stops = () => doing === 'draining' || doing === 'quitting'
  const on = (signal: Signal) => {
    if (!stops() && isEnding()) doing = 'draining'
    const action = actionOn(signal, { doing, upgrading, isFirst, onTerminal })
    if (action === 'nothing') return
    doing = doingAfter(action, doing)
    deeds[action]()
  }
  for (const signal of signals) process.on(signal, () => on(signal))
  return {
    now: (next) => {
      // A stop that has begun is not undone by the end of a start or of a reload.
      if (!stops()) doing = next
    },
    upgrading: (on) => {
      upgrading = on
    },
  }
}
