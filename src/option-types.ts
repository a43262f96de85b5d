/** What options may be as they are given, and what they are once they are checked; types only. */

import type { Logger } from 'pino'
import type { ListenAddress } from './listen-address.js'

/** A number of milliseconds, or a text with a unit: `500ms`, `5s`, `2m`, `1h`. From 1 ms to 24 days. */
export type Duration = number | string

/** A number of bytes, or a text with a unit: `300MB`, `1GiB`. From 1 MB to 1 PB. */
export type Size = number | string

/** What a handler module speaks. */
export type Protocol = 'tcp' | 'http' | 'scgi'

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

/**
 * Functions to be called when something happens, each with what the event of that name in the library carries. One
 * that throws or rejects is logged and changes nothing; nobody waits for one.
 */
export interface Hooks {
  /** The first kids are up. */
  onReady?: (() => unknown) | undefined
  /** A kid was spawned. */
  onSpawn?: ((told: { kid: number; pid: number }) => unknown) | undefined
  /** A kid is up. */
  onIdle?: ((told: { kid: number }) => unknown) | undefined
  /** A kid was reaped. */
  onGone?:
    | ((told: {
        kid: number
        pid: number | undefined
        code: number | null
        signal: NodeJS.Signals | null
      }) => unknown)
    | undefined
  /** A turn of the parent's loop in which anything happened has ended: often, so keep it short. */
  onRound?: (() => unknown) | undefined
  /** Overload has begun (`on`), or is over. */
  onOverload?: ((told: { on: boolean }) => unknown) | undefined
  /** A new generation of kids has taken over. */
  onReload?: ((told: { generation: number }) => unknown) | undefined
  /** The server has stopped, and every kid is gone. */
  onStop?: (() => unknown) | undefined
}

/** What `createPreforker` takes; everything may be left out but one of `handler`, `program`, `kid` and `server`. */
export interface PreforkerOptions extends Hooks {
  /** Module with the connection handler: a path, or a `file:` URL. Only kids load it. */
  handler?: string | URL | undefined
  /** A command that is itself a kid: a line for the shell, or a program with its arguments. */
  kid?: string | readonly string[] | undefined
  /** A command run for each connection, with the socket as standard input and output: a line for the shell, or a program with its arguments. */
  program?: string | readonly string[] | undefined
  /** A command that accepts by itself on the inherited listeners, supervised and not commanded; `$(preforkd.sockets.NAME)` in it becomes the number of a descriptor. */
  server?: string | readonly string[] | undefined
  /** What the handler module speaks. @default tcp */
  protocol?: Protocol | undefined
  /** One address or several: `8000`, `host:port`, `[::1]:port`, `unix:/path?mode=0660`, `fd:3`, `systemd`, `systemd:NAME`; `NAME=` before any. @default 127.0.0.1:8000 */
  listen?: string | readonly string[] | undefined
  /** Connections the kernel queues for a listener, 1 to 65535; gunicorn's number, and the kernel caps it at somaxconn. @default 2048 */
  backlog?: number | undefined
  /** Kids of a fixed pool, 1 to 10000: `startKids`, least and most at once. */
  kids?: number | undefined
  /** Kids spawned at start, 0 to `maxKids`; 0 only on demand. @default one for each core, at most maxSpare; 0 on demand */
  startKids?: number | undefined
  /** Idle kids kept ready, 0 to `maxSpare`; with 0 the first connection starts a kid: that is on demand. @default 1 */
  minSpare?: number | undefined
  /** Idle kids at most, 1 to 10000; surplus ones retire, one a second. @default 4, at least minSpare */
  maxSpare?: number | undefined
  /** Kids alive at most, 1 to 10000; two for each core leaves some to block. @default two for each core, at least 16 */
  maxKids?: number | undefined
  /** With `minSpare` 0, a kid idle for so long leaves. @default 1m */
  idleTimeout?: Duration | 'off' | undefined
  /** Connections a kid takes at once, 1 to 10000; 1 is what makes a busy kid cost nobody else anything. @default 1 */
  slots?: number | undefined
  /** Among the least loaded kids, the most recently idle (`warm`) or the longest idle (`fair`). @default warm */
  pick?: 'warm' | 'fair' | undefined
  /** Orders out at once for a listener, 1 to 10000; 1 is the classic round. @default no limit */
  maxOrders?: number | undefined
  /** An unanswered order holds up its listener this long, or `never` lets go of it; an answer takes well under 1 ms. @default 5ms */
  lateAfter?: Duration | 'never' | undefined
  /** A kid is replaced after so many connections, 0 to 1000000000; 0 is never. @default 0 */
  maxConnections?: number | undefined
  /** How far from `maxConnections` a kid's own number may lie, so that kids do not leave together: `10%`, or 10. @default 10% */
  maxConnectionsJitter?: number | string | undefined
  /** A kid is replaced when it is this old, as soon as it is idle. @default off */
  maxAge?: Duration | 'off' | undefined
  /** A kid is replaced when it has this much resident memory, as soon as it is idle. @default off */
  maxRss?: Size | 'off' | undefined
  /** When every slot is taken: let the kernel queue (`graceful`), or accept and close (`abrupt`). @default graceful */
  overload?: 'graceful' | 'abrupt' | undefined
  /** In graceful overload, connections that have waited longer than this are closed. @default off */
  shedAfter?: Duration | 'off' | undefined
  /** Text written to a connection before it is shed, 1 to 4096 bytes so that no socket buffer is too small. @default nothing */
  overloadReply?: string | undefined
  /** Order to answer; then the kid is killed. The ancestor's 1 s. @default 1s */
  acceptTimeout?: Duration | undefined
  /** Spawn to first `idle`; then the kid is killed. Between pm2's 3 s and puma's 60 s. @default 10s */
  readyTimeout?: Duration | undefined
  /** A connection may hold its slot this long. @default off */
  connectionTimeout?: Duration | 'off' | undefined
  /** A client that says nothing for so long is closed; off for tcp, as in many protocols the server speaks first. @default 30s for http and scgi, off for tcp */
  firstByteTimeout?: Duration | 'off' | undefined
  /** The head of a request may take this long to arrive; for http and scgi. @default 10s */
  headersTimeout?: Duration | 'off' | undefined
  /** A whole request may take this long to arrive; for http and scgi. @default 1m */
  requestTimeout?: Duration | 'off' | undefined
  /** A client that takes nothing of its response for so long is closed; for http and scgi. @default 1m */
  sendTimeout?: Duration | 'off' | undefined
  /** An idle connection is kept for its next request this long, or not at all (`off`); for http. @default 5s */
  keepAliveTimeout?: Duration | 'off' | undefined
  /** Idle connections of a kid that leaves live on for so long, or not at all (`off`), so that their clients hear of it with their next response; within `stopTimeout`; for http. @default keepAliveTimeout, at most half of stopTimeout */
  drainGrace?: Duration | 'off' | undefined
  /** Idle connections that a kid may keep, 1 to 100000, as far as it may have descriptors; for http. @default 10000 */
  maxParked?: number | undefined
  /** Whether a connection whose client has gone while it waited is not served; nginx's 499, unicorn's check_client_connection. @default on for http and scgi, off for tcp */
  skipGone?: 'on' | 'off' | undefined
  /** Whether our side stays open when the client has ended its own: while the handler's promise is pending (`auto`), until the handler ends it (`on`), not at all (`off`, as in plain Node.js); for tcp. @default auto */
  allowHalfOpen?: 'auto' | 'on' | 'off' | undefined
  /** The kernel asks a client that is silent for so long whether it is there (SO_KEEPALIVE). @default off */
  tcpKeepAlive?: Duration | 'off' | undefined
  /** Whether each connection begins with a header of the PROXY protocol that names the client. @default off */
  proxyProtocol?: 'off' | 'required' | undefined
  /** Whose PROXY headers are believed: addresses, networks such as 10.0.0.0/8, `loopback` or `unix`. @default loopback */
  trustedProxies?: string | readonly string[] | undefined
  /** Connections without a slot that a kid may have, 0 to 100000. @default 1000 */
  maxDetached?: number | undefined
  /** Between the starts of two servers; for `server`. @default off */
  warmupDelay?: Duration | 'off' | undefined
  /** A graceful stop may take this long; then kids are killed. gunicorn's and puma's 30 s. @default 30s */
  stopTimeout?: Duration | undefined
  /** Whom kids run as: a name or a number. @default the parent's */
  user?: string | number | undefined
  /** The group kids run as: a name or a number. @default that of user */
  group?: string | number | undefined
  /** What the server is called, in process titles and in each line of the log: up to 32 printable ASCII characters. @default none */
  name?: string | undefined
  /** Flags of Node.js for our own kids, after those that the parent was started with. @default none */
  nodeArgs?: readonly string[] | undefined
  /** Whether our own kids have a debugger, each on the next port: `on`, a port, or `HOST:PORT`. @default off */
  inspectKids?: 'on' | 'off' | number | string | undefined
  /** Whether the command's parent and kids, when woken, let others finish their turn (SCHED_BATCH). @default batch */
  scheduling?: 'batch' | 'normal' | undefined
  /** Whether a kid may stop the whole server. @default on, but off for kids of another user */
  kidShutdown?: 'on' | 'off' | undefined
  /** Permissions that files made by kids do not get: octal text, or a number. @default the parent's */
  umask?: string | number | undefined
  /** Where kids are started. @default the parent's */
  chdir?: string | undefined
  /** Least level that is logged: pino's levels, or `silent`. @default info */
  logLevel?: LogLevel | undefined
  /** File the log is appended to instead of standard error. @default standard error */
  logFile?: string | undefined
  /** File that holds the parent's pid while it runs. @default none */
  pidFile?: string | undefined
  /** A pino logger for the parent instead of our own. Library only. */
  log?: Logger | undefined
  /** Environment for kids on top of the parent's. Library only. @default {} */
  env?: Readonly<Record<string, string>> | undefined
}

export type OptionName = keyof PreforkerOptions

/** Options complete and checked; durations in milliseconds, and undefined where a thing is off. */
export interface Options {
  /** Exactly one of these four is defined; `handler` is an absolute path. */
  readonly handler: string | undefined
  readonly program: string | readonly string[] | undefined
  readonly kid: string | readonly string[] | undefined
  readonly server: string | readonly string[] | undefined
  readonly protocol: Protocol
  readonly listen: readonly Readonly<ListenAddress>[]
  readonly backlog: number
  /** Whether the pool has one size for ever: then the four numbers that follow are that size. */
  readonly fixed: boolean
  readonly startKids: number
  /** 0 in a pool on demand. */
  readonly minSpare: number
  readonly maxSpare: number
  readonly maxKids: number
  readonly idleTimeout: number | undefined
  readonly slots: number
  readonly pick: 'warm' | 'fair'
  readonly maxOrders: number | undefined
  readonly lateAfter: number | 'never'
  /** 0 is never. */
  readonly maxConnections: number
  /** A fraction, 0 to 1. */
  readonly maxConnectionsJitter: number
  readonly maxAge: number | undefined
  /** In bytes. */
  readonly maxRss: number | undefined
  readonly overload: 'graceful' | 'abrupt'
  readonly shedAfter: number | undefined
  readonly overloadReply: string | undefined
  readonly acceptTimeout: number
  readonly readyTimeout: number
  readonly connectionTimeout: number | undefined
  readonly firstByteTimeout: number | undefined
  readonly headersTimeout: number | undefined
  readonly requestTimeout: number | undefined
  readonly sendTimeout: number | undefined
  readonly keepAliveTimeout: number | undefined
  /** Whether that was given: otherwise an app that has its own goes by that. */
  readonly keepAliveGiven: boolean
  /** 0 is not at all. */
  readonly drainGrace: number
  readonly maxParked: number
  readonly skipGone: boolean
  readonly allowHalfOpen: 'auto' | 'on' | 'off'
  readonly tcpKeepAlive: number | undefined
  readonly proxyProtocol: 'off' | 'required'
  readonly trustedProxies: readonly string[]
  readonly maxDetached: number
  readonly warmupDelay: number | undefined
  readonly stopTimeout: number
  /** A name that was not looked up, or a number; likewise the group. */
  readonly user: string | number | undefined
  readonly group: string | number | undefined
  readonly name: string | undefined
  readonly nodeArgs: readonly string[]
  /** Where the debugger of the first kid listens; the host as in an address, `[::1]`. */
  readonly inspectKids: { readonly host: string; readonly port: number } | undefined
  readonly scheduling: 'batch' | 'normal'
  /** Undefined: as it follows from whom kids run as. */
  readonly kidShutdown: 'on' | 'off' | undefined
  readonly umask: number | undefined
  /** Absolute paths, these three. */
  readonly chdir: string | undefined
  readonly logFile: string | undefined
  readonly pidFile: string | undefined
  readonly logLevel: LogLevel
  readonly log: Logger | undefined
  readonly env: Readonly<Record<string, string>>
  /** Those that were given. */
  readonly hooks: Readonly<Hooks>
}
