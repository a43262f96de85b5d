/** The options as `--help` and the docs show them: read by flags, environment, configuration and docs. */

import { formatDuration } from './durations.js'
import { defaults } from './option-checks.js'
import type { OptionName } from './option-types.js'

/** One option that can be written as text. */
export interface OptionRow {
  /** Name in code and configuration; on the command line the same in kebab-case. */
  name: OptionName
  kind: 'duration' | 'size' | 'integer' | 'text' | 'path' | 'choice' | 'list'
  /** What stands for the value after the flag. */
  placeholder: string
  /** The default as it would be written; empty where there is none. */
  default: string
  meaning: string
}

function row(
  name: OptionName,
  kind: OptionRow['kind'],
  placeholder: string,
  defaultText: string,
  meaning: string,
): OptionRow {
  return { name, kind, placeholder, default: defaultText, meaning }
}

/** The options that can be written as text, in the order in which they are shown. */
// biome-ignore format: one row a line
export const optionTable: readonly OptionRow[] = [
  row('handler', 'path', 'FILE', '', 'Module with the connection handler; this, program, kid or server is needed.'),
  row('program', 'text', 'COMMAND', '', 'Shell command run for each connection, with the socket as its standard input and output.'),
  row('kid', 'text', 'COMMAND', '', 'Shell command that is itself a kid and speaks the protocol.'),
  row('server', 'text', 'COMMAND', '', 'Shell command that accepts by itself on the inherited listeners; $(preforkd.sockets.NAME) in it becomes the number of a descriptor.'),
  row('protocol', 'choice', 'tcp|http|scgi', defaults.protocol, 'What the handler module speaks.'),
  row('listen', 'list', 'ADDRESS', defaults.listen, 'Where to listen: 8000, HOST:8000, [::1]:8000, unix:/PATH?mode=0660, fd:3, systemd or systemd:NAME; NAME= before it names it.'),
  row('backlog', 'integer', 'N', `${defaults.backlog}`, 'Connections the kernel queues for a listener; it caps this at somaxconn.'),
  row('kids', 'integer', 'N', '', 'Kids of a fixed pool: startKids, least and most at once.'),
  row('startKids', 'integer', 'N', 'one for each core, at most maxSpare; 0 on demand', 'Kids spawned at start.'),
  row('minSpare', 'integer', 'N', `${defaults.minSpare}`, 'Idle kids kept ready; 0 is on demand: the first connection starts a kid.'),
  row('maxSpare', 'integer', 'N', `${defaults.maxSpare}, at least minSpare`, 'Idle kids at most; surplus ones retire, one a second.'),
  row('maxKids', 'integer', 'N', `two for each core, at least ${defaults.maxKidsLeast}`, 'Kids alive at most.'),
  row('idleTimeout', 'duration', 'TIME|off', formatDuration(defaults.idleTimeout), 'With minSpare 0, a kid idle for so long leaves.'),
  row('slots', 'integer', 'N', `${defaults.slots}`, 'Connections a kid takes at once.'),
  row('pick', 'choice', 'warm|fair', defaults.pick, 'Among the least loaded kids, the most recently idle (warm) or the longest idle (fair).'),
  row('maxOrders', 'integer', 'N', 'no limit', 'Orders out at once for a listener; 1 is the classic round.'),
  row('lateAfter', 'duration', 'TIME|never', formatDuration(defaults.lateAfter), 'An order unanswered so long no longer holds up its listener.'),
  row('maxConnections', 'integer', 'N', `${defaults.maxConnections}`, 'A kid is replaced after so many connections; 0 is never.'),
  row('maxConnectionsJitter', 'text', 'N%', defaults.maxConnectionsJitter, 'How far from maxConnections the number of a kid may lie, so that kids do not leave together.'),
  row('maxAge', 'duration', 'TIME|off', 'off', 'A kid of this age is replaced as soon as it is idle.'),
  row('maxRss', 'size', 'SIZE|off', 'off', 'A kid with this much resident memory is replaced as soon as it is idle.'),
  row('overload', 'choice', 'graceful|abrupt', defaults.overload, 'With every slot taken, let connections wait (graceful) or close them (abrupt).'),
  row('shedAfter', 'duration', 'TIME|off', 'off', 'In graceful overload, close connections that have waited longer.'),
  row('overloadReply', 'text', 'TEXT', 'nothing', 'Written to a connection before it is shed.'),
  row('acceptTimeout', 'duration', 'TIME', formatDuration(defaults.acceptTimeout), 'A kid that has not answered an order by then is killed.'),
  row('readyTimeout', 'duration', 'TIME', formatDuration(defaults.readyTimeout), 'A kid that is not idle by then after its spawn is killed.'),
  row('connectionTimeout', 'duration', 'TIME|off', 'off', 'A connection may hold its slot this long.'),
  row('firstByteTimeout', 'duration', 'TIME|off', `${formatDuration(defaults.firstByteTimeout)} for http and scgi, off for tcp`, 'A client that says nothing for so long is closed.'),
  row('headersTimeout', 'duration', 'TIME|off', formatDuration(defaults.headersTimeout), 'The head of a request may take this long to arrive (http, scgi).'),
  row('requestTimeout', 'duration', 'TIME|off', formatDuration(defaults.requestTimeout), 'A whole request may take this long to arrive (http, scgi).'),
  row('sendTimeout', 'duration', 'TIME|off', formatDuration(defaults.sendTimeout), 'A client that takes nothing of its response for so long is closed (http, scgi).'),
  row('keepAliveTimeout', 'duration', 'TIME|off', formatDuration(defaults.keepAliveTimeout), 'An idle connection is kept for its next request this long, or not at all (http).'),
  row('drainGrace', 'duration', 'TIME|off', 'keepAliveTimeout, at most half of stopTimeout', 'Idle connections of a kid that leaves live on for so long, for their clients to hear of it with their next response (http).'),
  row('maxParked', 'integer', 'N', `${defaults.maxParked}`, 'Idle connections that a kid may keep, as far as it may have descriptors (http).'),
  row('skipGone', 'choice', 'on|off', 'on for http and scgi, off for tcp', 'Whether a connection whose client has gone while it waited is not served.'),
  row('allowHalfOpen', 'choice', 'auto|on|off', defaults.allowHalfOpen, 'Whether our side stays open when the client has ended its own: while the promise of the handler is pending (auto), until the handler ends it (on), or not (off).'),
  row('tcpKeepAlive', 'duration', 'TIME|off', 'off', 'The kernel asks a client that is silent for so long whether it is there.'),
  row('proxyProtocol', 'choice', 'off|required', defaults.proxyProtocol, 'Whether each connection begins with a header of the PROXY protocol, version 1 or 2.'),
  row('trustedProxies', 'list', 'ADDRESS', defaults.trustedProxies.join(' '), 'Whose PROXY headers are believed: addresses, networks such as 10.0.0.0/8, loopback or unix.'),
  row('maxDetached', 'integer', 'N', `${defaults.maxDetached}`, 'Connections without a slot that a kid may have.'),
  row('warmupDelay', 'duration', 'TIME|off', 'off', 'Between the starts of two servers (server).'),
  row('stopTimeout', 'duration', 'TIME', formatDuration(defaults.stopTimeout), 'A graceful stop may take this long; then kids are killed.'),
  row('user', 'text', 'USER', "the parent's", 'Whom kids run as: a name or a number.'),
  row('group', 'text', 'GROUP', 'that of user', 'The group kids run as: a name or a number.'),
  row('name', 'text', 'NAME', 'none', 'What the server is called, in process titles and in each line of the log.'),
  row('nodeArgs', 'list', 'FLAG', 'none', 'A flag of Node.js for our own kids, after those that the parent was started with.'),
  row('inspectKids', 'text', '[HOST:PORT]', 'off', 'Our own kids have a debugger, each on the next port, from 127.0.0.1:9229 on if none is given.'),
  row('scheduling', 'choice', 'batch|normal', defaults.scheduling, 'Whether parent and kids, when woken, let others finish their turn (batch; Linux).'),
  row('kidShutdown', 'choice', 'on|off', 'on, but off for kids of another user', 'Whether a kid may stop the whole server.'),
  row('umask', 'text', 'MODE', "the parent's", 'Permissions that files made by kids do not get, in octal: 027.'),
  row('chdir', 'path', 'DIRECTORY', "the parent's", 'Where kids are started.'),
  row('logLevel', 'choice', 'LEVEL', defaults.logLevel, 'Least level that is logged: trace, debug, info, warn, error, fatal or silent.'),
  row('logFile', 'path', 'FILE', 'standard error', 'File the log is appended to.'),
  row('pidFile', 'path', 'FILE', 'none', 'File that holds the pid of the parent while it runs.'),
]
