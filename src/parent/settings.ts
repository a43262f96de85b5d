/** From options to what the core goes by; at the start, and again at a reload. */

import type { CoreSettings } from '../core/settings.js'
import type { Options } from '../options.js'
import type { Listener } from '../system/listeners.js'

const never = Number.POSITIVE_INFINITY

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
    stopTimeout: options.stopTimeout,
    overload: options.overload,
    shedAfter: options.shedAfter ?? never,
  }
}
