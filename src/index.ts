/** The public API: re-exports, nothing else. */

export {
  InternalError,
  KidError,
  KidStopError,
  ListenError,
  PreforkdError,
  SystemError,
  UsageError,
} from './errors.js'
export type { Detached, Handler, HandlerModule, Kid, KidListener } from './handlers/handler.js'
export type { ListenAddress, SocketAddress } from './listen-address.js'
export type { PreforkerEvents } from './operate/events.js'
export type { DetachedStatus } from './operate/reports.js'
export type { KidStatus, ListenerStatus, ServerStatus } from './operate/status.js'
export type { Duration, Hooks, LogLevel, Options, PreforkerOptions, Size } from './options.js'
export { createPreforker, type Preforker } from './preforker.js'
