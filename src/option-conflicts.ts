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
  refuseSeveralServers(o)
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

const servers = ['handler', 'program', 'kid', 'server'] as const

/** Exactly one thing serves the connections, and options that are another's would be without effect. */
function refuseSeveralServers(o: Checked): void {
  const [one, other] = servers.filter((name) => o[name] !== undefined)
  refuseIf(
    one === undefined,
    'one of handler (a module that serves connections), program (a command run for each), kid (a command that speaks the protocol) and server (a command that accepts by itself) must be given',
  )
  refuseIf(
    other !== undefined,
    `${one} and ${other} contradict each other: each says what serves the connections`,
  )
  refuseIf(
    o.protocol !== 'tcp' && o.handler === undefined,
    `protocol ${show(o.protocol)} and ${one} contradict each other: it is what a handler module speaks`,
  )
  refuseIf(
    o.proxyProtocol === 'required' && o.handler === undefined,
    `proxyProtocol "required" and ${one} contradict each other: only in front of a handler module is the header read`,
  )
  refuseIf(
    o.trustedProxies !== undefined && o.proxyProtocol === 'off',
    'trustedProxies must come with proxyProtocol "required": otherwise nobody names a client',
  )
  for (const name of ['firstByteTimeout', 'maxDetached'] as const) {
    refuseIf(
      o[name] !== undefined && o.handler === undefined,
      `${name} and ${one} contradict each other: it is for connections that a handler module serves`,
    )
  }
  const ours = o.handler !== undefined || o.program !== undefined
  for (const [name, isGiven] of [
    ['nodeArgs', o.nodeArgs.length > 0],
    ['inspectKids', o.inspectKids !== undefined],
  ] as const) {
    refuseIf(
      isGiven && !ours,
      `${name} and ${one} contradict each other: it is for kids that are our own program, by Node.js`,
    )
  }
  for (const name of ['headersTimeout', 'requestTimeout', 'sendTimeout'] as const) {
    refuseIf(
      o[name] !== undefined && o.protocol === 'tcp',
      `${name} must come with protocol "http" or "scgi": in a plain connection no request can be told`,
    )
  }
  refuseIf(
    o.keepAliveTimeout !== undefined && o.protocol !== 'http',
    'keepAliveTimeout must come with protocol "http": no other keeps a connection for a next request',
  )
  for (const name of ['drainGrace', 'maxParked'] as const) {
    refuseIf(
      o[name] !== undefined && o.protocol !== 'http',
      `${name} must come with protocol "http": no other keeps a connection for a next request`,
    )
  }
  refuseIf(
    typeof o.drainGrace === 'number' && o.drainGrace >= o.stopTimeout,
    `drainGrace (${o.drainGrace} ms) must be shorter than stopTimeout (${o.stopTimeout} ms): it is a part of it`,
  )
  for (const name of ['skipGone', 'tcpKeepAlive'] as const) {
    refuseIf(
      o[name] !== undefined && o.handler === undefined,
      `${name} and ${one} contradict each other: it is for connections that a handler module serves`,
    )
  }
  refuseIf(
    o.allowHalfOpen !== undefined && (o.handler === undefined || o.protocol !== 'tcp'),
    'allowHalfOpen must come with handler and protocol "tcp": others know what an end of the client means',
  )
  refuseIf(
    o.warmupDelay !== undefined && o.server === undefined,
    'warmupDelay must come with server: it lies between the starts of two servers',
  )
  if (o.server !== undefined) refuseCommands(o)
}

/** What needs an accept round, which a server that accepts by itself does not take part in. */
function refuseCommands(o: Checked): void {
  const given: Record<string, boolean> = {
    slots: o.slots !== 1,
    maxConnections: o.maxConnections !== 0,
    maxOrders: o.maxOrders !== undefined,
    connectionTimeout: o.connectionTimeout !== undefined,
    'overload "abrupt"': o.overload === 'abrupt',
    shedAfter: o.shedAfter !== undefined,
    overloadReply: o.overloadReply !== undefined,
  }
  for (const [name, isGiven] of Object.entries(given)) {
    refuseIf(
      isGiven,
      `server and ${name} contradict each other: the parent sees nothing of the connections that a server accepts by itself`,
    )
  }
  for (const name of ['startKids', 'minSpare', 'maxSpare', 'maxKids'] as const) {
    refuseIf(
      o[name] !== undefined,
      `server and ${name} contradict each other: who is idle is not known, so give kids, a fixed number`,
    )
  }
}

/** Each kid that may be alive has a port for its debugger. */
export function refusePortsBeyond({ inspectKids }: Checked, maxKids: number): void {
  refuseIf(
    inspectKids !== undefined && inspectKids.port + maxKids - 1 > 65_535,
    `inspectKids (from port ${inspectKids?.port}) must leave a port for each of ${maxKids} kids: 65535 is the last`,
  )
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
