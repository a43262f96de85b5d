/** From options to what the core goes by; at the start, and again at a reload. */

import type { CoreSettings } from '../core/settings.js'
import type { Options } from '../options.js'
import type { Listener } from '../system/listeners.js'

const never = Number.POSITIVE_INFINITY

/** Whether our own kid ends a connection that is over its time: one of several, or a program, whose group only it can kill. */
export function kidEndsConnections({ handler, program, slots }: Options): boolean {
  return program !== undefined || (handler !== undefined && slots > 1)
}

/** The core's settings; what is off in the options is never, or without limit, there. */
export function settingsOf(options: Options, listeners: readonly Listener[]): CoreSettings {
  return {
    depthKnown: listeners.map(({ depthKnown }) => depthKnown),
    slots: options.slots,
    startKids: options.startKids,
    leastKids: options.fixed ? options.maxKids : 0,
    minSpare: options.minSpare,
    maxSpare: options.maxSpare,
    maxKids: options.maxKids,
    idleTimeout: options.idleTimeout ?? never,
    maxConnections: options.maxConnections === 0 ? never : options.maxConnections,
    maxConnectionsJitter: options.maxConnectionsJitter,
    maxAge: options.maxAge ?? never,
    pick: options.pick,
    maxOrders: options.maxOrders ?? never,
    lateAfter: options.lateAfter === 'never' ? never : options.lateAfter,
    acceptTimeout: options.acceptTimeout,
    readyTimeout: options.readyTimeout,
    connectionTimeout: options.connectionTimeout ?? never,
    kidEndsConnections: options.program !== undefined,
    pressure: options.handler !== undefined || options.kid !== undefined,
    commanded: options.server === undefined,
    spawnGap: options.warmupDelay ?? 0,
    stopTimeout: options.stopTimeout,
    overload: options.overload,
    shedAfter: options.shedAfter ?? never,
  }
}
