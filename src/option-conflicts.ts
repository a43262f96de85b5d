/** Options that are each good but not together; asked once every one has been checked by itself. */

import { UsageError } from './errors.js'
import { formatListenAddress, type ListenAddress } from './listen-address.js'
import type { Checked } from './option-checks.js'
import { show } from './option-kinds.js'

/** Throws UsageError, one sentence with its reason, if it is a contradiction. */
export function refuseIf(contradiction: boolean, sentence: string): void {
  if (contradiction) throw new UsageError(sentence)
}

/** Throws UsageError for the first two options that contradict each other. */
export function refuseContradictions(o: Checked): void {
  refuseIf(
    o.handler === undefined && o.kid === undefined,
    'either handler (a module that serves connections) or kid (a command that speaks the protocol) must be given',
  )
  refuseIf(
    o.handler !== undefined && o.kid !== undefined,
    'handler and kid contradict each other: each says what serves the connections',
  )
  for (const name of ['startKids', 'minSpare', 'maxSpare', 'maxKids'] as const) {
    refuseIf(
      o.kids !== undefined && o[name] !== undefined,
      `kids and ${name} contradict each other: kids is a fixed pool, ${name} is for one that grows`,
    )
  }
  refuseIf(
    o.lateAfter !== 'never' && o.lateAfter >= o.acceptTimeout,
    `lateAfter (${show(o.lateAfter)} ms) must be shorter than acceptTimeout (${o.acceptTimeout} ms): an order is late before its kid is killed`,
  )
  refuseIf(
    o.log !== undefined && o.logFile !== undefined,
    'log and logFile contradict each other: a logger that is brought along has its own place to write to',
  )
  refuseOverloadContradictions(o)
  refuseSameListeners(o.listen)
}

function refuseOverloadContradictions(o: Checked): void {
  refuseIf(
    o.shedAfter !== undefined && o.overload === 'abrupt',
    'shedAfter and overload "abrupt" contradict each other: abrupt closes at once, so nothing waits to be shed',
  )
  refuseIf(
    o.overloadReply !== undefined && o.overload === 'graceful' && o.shedAfter === undefined,
    'overloadReply and overload "graceful" contradict each other without shedAfter: nothing is shed that could be replied to',
  )
  const unix = o.listen.find((address) => address.kind === 'unix')
  refuseIf(
    o.shedAfter !== undefined && unix !== undefined,
    `shedAfter and listen ${unix && show(formatListenAddress(unix))} contradict each other: how many connections wait on a Unix socket is not known`,
  )
}

function refuseSameListeners(listen: readonly ListenAddress[]): void {
  const names = new Set<string>()
  const places = new Set<string>()
  for (const address of listen) {
    const place = formatListenAddress(address)
    refuseIf(
      places.has(place) && !place.endsWith(':0'),
      `listen must have each address once, not ${show(place)} twice`,
    )
    refuseIf(
      names.has(address.name),
      `listen must have each name once, not ${show(address.name)} twice: put NAME= before the address`,
    )
    names.add(address.name)
    places.add(place)
  }
}
