/** What a program finds in its environment about its connection, by the UCSPI conventions; used by `program.ts`. */

import type { ConnectionEnds } from '../system/connection-ends.js'

/** Whatever else the environment has that would be taken for ours, or is between preforkd and its kids. */
const withheld = /^(PREFORKD_|LISTEN_|PROTO$|(TCP6?|UNIX)(LOCAL|REMOTE))/

/** What all programs of a kid find: the kid's own environment, less what is not for them. */
export function commonEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !withheld.test(name)))
}

/** UCSPI-TCP as tcpserver and s6 have it; for Unix sockets as ucspi-unix has it. */
export function connectionEnvironment(ends: ConnectionEnds): Record<string, string> {
  const { local, remote, credentials } = ends
  if (local.family !== 'unix') {
    return {
      PROTO: 'TCP',
      TCPLOCALIP: plain(local.host),
      TCPLOCALPORT: String(local.port),
      TCPREMOTEIP: plain(remote.host),
      TCPREMOTEPORT: String(remote.port),
    }
  }
  const env: Record<string, string> = { PROTO: 'UNIX', UNIXLOCALPATH: visible(local.path) }
  // Few clients give their own end a name.
  if (remote.path !== '') env.UNIXREMOTEPATH = visible(remote.path)
  if (credentials !== undefined) {
    const { pid, uid, gid } = credentials
    if (pid !== 0) env.UNIXREMOTEPID = String(pid)
    env.UNIXREMOTEEUID = String(uid)
    env.UNIXREMOTEEGID = String(gid)
  }
  return env
}

/** The client, for the log. */
export function nameClient({ local, remote, credentials }: ConnectionEnds): string {
  if (local.family === 'unix') {
    const who = credentials === undefined ? '' : ` (uid ${credentials.uid})`
    return `a client of ${visible(local.path)}${who}`
  }
  const host = plain(remote.host)
  return host.includes(':') ? `[${host}]:${remote.port}` : `${host}:${remote.port}`
}

/** A listener for both families has IPv4 clients in the form of IPv6, which no list of addresses expects. */
function plain(host: string): string {
  return host.replace(/^::ffff:(?=\d+\.)/, '')
}

/** Linux's abstract names begin with a zero byte, and may have more of them; an environment has none. */
function visible(path: string): string {
  return path.replaceAll('\0', '@')
}
