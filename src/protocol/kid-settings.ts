/** What the parent tells our own Node kid beyond the public protocol; written at spawn, read once at the kid's start. */

/** The environment variable that holds it, as JSON. Kids in other languages have no use for it. */
export const kidSettingsName = 'PREFORKD_KID_SETTINGS'

/** Durations in milliseconds; undefined where a thing is off. */
export interface KidSettings {
  /** Absolute path of the handler module; undefined where there is a program. */
  handler?: string | undefined
  /** A command run for each connection. */
  program?: string | readonly string[] | undefined
  /** What the handler speaks. */
  protocol: 'tcp' | 'http' | 'scgi'
  slots: number
  firstByteTimeout?: number | undefined
  headersTimeout?: number | undefined
  requestTimeout?: number | undefined
  sendTimeout?: number | undefined
  keepAliveTimeout?: number | undefined
  /** Whether that was given: an app's own counts otherwise. */
  keepAliveGiven: boolean
  /** Only where the kid itself ends such connections: with several slots, and of programs. */
  connectionTimeout?: number | undefined
  /** Whether a limit counts from each request of a connection, so that the parent wants to know when one begins. */
  renews: boolean
  /** A slot that is owed to an order is kept for so long. */
  lateAfter: number
  /** A request that has waited for a slot for longer is refused. */
  shedAfter?: number | undefined
  /** Connections whose client has gone before they are served are not served. */
  skipGone: boolean
  /** What a client's end of its side means, and whether the kernel looks whether silent clients are there. */
  allowHalfOpen: 'auto' | 'on' | 'off'
  tcpKeepAlive?: number | undefined
  maxParked: number
  drainGrace: number
  stopTimeout: number
  /** Whose PROXY headers are believed; undefined where connections have none. */
  trustedProxies?: readonly string[] | undefined
  maxDetached: number
  /** Where its debugger listens, if it has one. */
  debugger?: { readonly host: string; readonly port: number } | undefined
  /** What the server is called. */
  name?: string | undefined
  /** Nobody of its user may trace it, and there is no core file of it. */
  undumpable: boolean
  /** When woken it lets others finish their turn. */
  yields: boolean
  logLevel: string
  /** The parent's pid: whoever else is our parent when we look has adopted us, because ours is dead. */
  parent: number
}

/** What the title of each process of a server begins with. */
export function titleOf(name: string | undefined): string {
  return name === undefined ? 'preforkd' : `preforkd ${name}`
}

/** For the environment. */
export function encodeKidSettings(settings: KidSettings): string {
  return JSON.stringify(settings)
}

/** From the environment. Trusted: the parent wrote it. */
export function decodeKidSettings(text: string): KidSettings {
  return JSON.parse(text) as KidSettings
}

/** What our own kid begins the line with that says why it cannot start, among whatever else it writes. */
export const whyMark = 'preforkd kid: '
