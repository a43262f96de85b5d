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

/** The environment variables by which a kid learns what it has inherited. */
export const environmentNames = {
  protocol: 'PREFORKD_PROTOCOL',
  commandFd: 'PREFORKD_COMMAND_FD',
  statusFd: 'PREFORKD_STATUS_FD',
  kid: 'PREFORKD_KID',
  index: 'PREFORKD_INDEX',
  generation: 'PREFORKD_GENERATION',
  listenFds: 'LISTEN_FDS',
  listenFdNames: 'LISTEN_FDNAMES',
} as const
