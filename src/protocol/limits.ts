/** The fixed numbers and names of the wire, version 1; both sides read them when they start. */

/** What `PREFORKD_PROTOCOL` holds: a kid that knows another version must refuse to start. */
export const PROTOCOL_VERSION = '1'

/** Bytes in a line, newline included: small enough for every write to a pipe to be atomic. */
export const MAX_LINE = 64

/** The largest count in a line, of connections or slots, and the largest listener number. */
export const MAX_COUNT = 65_535

/** How many detached connections one report names at most: its lines fit into a pipe. */
export const MAX_REPORTED = 512

/** The largest order number: it stays exact in a double. */
export const MAX_SEQ = Number.MAX_SAFE_INTEGER

/** What stands for an order's number where the connections that are parked are meant: orders are counted from 1. */
export const PARKED_SEQ = 0

/**
 * What `PREFORKD_FEATURES` holds: the lines beyond the first ones that this parent understands, so that a kid may use
 * them. `parking` is `park`, `resume`, `waiting`, `done 0` and `cut 0`; `ends` is `cut` and `skip`.
 */
export const FEATURES = ['parking', 'ends'] as const
export type Feature = (typeof FEATURES)[number]

/** The environment variables by which a kid learns what it has inherited. */
export const environmentNames = {
  protocol: 'PREFORKD_PROTOCOL',
  features: 'PREFORKD_FEATURES',
  commandFd: 'PREFORKD_COMMAND_FD',
  statusFd: 'PREFORKD_STATUS_FD',
  kid: 'PREFORKD_KID',
  index: 'PREFORKD_INDEX',
  generation: 'PREFORKD_GENERATION',
  listenFds: 'LISTEN_FDS',
  listenFdNames: 'LISTEN_FDNAMES',
} as const
