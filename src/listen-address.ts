/** Addresses to listen on, from the text of an option or a flag to what the system layer opens. */

import { isIPv4, isIPv6 } from 'node:net'
import { UsageError } from './errors.js'

/** Where a listener really listens. `name` is the name given, or else the address in its shortest full form. */
export type SocketAddress =
  | { kind: 'tcp'; name: string; host: string; port: number }
  // `user` and `group` own the file: names, or numbers.
  | { kind: 'unix'; name: string; path: string; mode?: number; user?: string; group?: string }

/** What is to be listened on: an address, or sockets that somebody else has opened and handed in. */
export type ListenAddress =
  | SocketAddress
  | { kind: 'fd'; name: string; fd: number }
  // All that were handed in, or those of a name, of which there may be several.
  | { kind: 'handed'; name: string; wanted: 'all' | { name: string } }

/** The largest descriptor number: Linux's own limit (fs.nr_open), unless somebody has raised it. */
export const MAX_FD = 1_048_575

/** Connections come from this machine only, unless a host is given. */
const defaultHost = '127.0.0.1'

const NAMED = /^([A-Za-z][A-Za-z0-9_.-]{0,62})=(.*)$/s
const PORT = /^(?:(.*):)?(\d+)$/s
const HOSTNAME = /^(?!-)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/
/** What stands before a colon for other kinds of listener; no host is called so. */
const KEYWORD = /^(fd|systemd|unix)$/i
const MODE = /^mode=(0?[0-7]{3})$/
const OWNER = /^(user|group)=((?!-)[\w.@-]{1,64})$/
const FD = /^fd:(?:\/\/)?(.*)$/s
const FD_NUMBER = /^\d{1,7}$/
const HANDED = /^systemd(?::(.*))?$/s
/** What systemd takes for a name, and the addresses that Server::Starter has in place of names. */
const HANDED_NAME = /^[ -~]{1,255}$/

/**
 * Reads `PORT`, `HOST:PORT`, `[IPV6]:PORT`, `unix:/PATH?mode=0660&user=NAME&group=NAME`, `fd:N`, `systemd` or
 * `systemd:NAME`, each perhaps with `NAME=` before it. Throws UsageError; `what` names the culprit in its sentence.
 */
export function parseListenAddress(text: string, what = 'a listen address'): ListenAddress {
  const refuse = (must: string): never => {
    throw new UsageError(`${what} must ${must}, not ${JSON.stringify(text)}`)
  }
  const named = NAMED.exec(text)
  const name = named?.[1]
  const address = named?.[2] ?? text
  if (address.startsWith('unix:')) return parseUnix(address.slice('unix:'.length), name, refuse)
  const fd = FD.exec(address)?.[1]
  if (fd !== undefined) return parseFd(fd, name, refuse)
  const handed = HANDED.exec(address)
  if (handed !== null) return parseHanded(handed[1], name, refuse)
  return parseTcp(address, name, refuse)
}

type Refuse = (must: string) => never
type UnixAddress = Extract<ListenAddress, { kind: 'unix' }>

function parseTcp(address: string, name: string | undefined, refuse: Refuse): ListenAddress {
  const match = PORT.exec(address)
  const host = match === null ? '' : (match[1] ?? defaultHost)
  const plain = checkHost(host, refuse)
  const port = Number(match?.[2])
  if (port > 65_535) refuse('have a port from 0 to 65535')
  return { kind: 'tcp', name: name ?? formatTcp(plain, port), host: plain, port }
}

/** The host without brackets. */
function checkHost(host: string, refuse: Refuse): string {
  if (host.startsWith('[') && host.endsWith(']')) {
    const inner = host.slice(1, -1)
    return isIPv6(inner) ? inner : refuse('have an IPv6 address in the brackets')
  }
  if (isIPv6(host)) refuse('have its IPv6 address in brackets, as in [::1]:8000')
  // Digits and dots only are meant as an IPv4 address; looking up a mistyped one would be of no use.
  const good = /^[\d.]+$/.test(host) ? isIPv4(host) : HOSTNAME.test(host) && !KEYWORD.test(host)
  return good ? host : refuse('be 8000, HOST:8000, [::1]:8000 or unix:/PATH')
}

function parseUnix(rest: string, name: string | undefined, refuse: Refuse): ListenAddress {
  const mark = rest.indexOf('?')
  const path = mark === -1 ? rest : rest.slice(0, mark)
  if (!path.startsWith('/') || path.endsWith('/') || path.includes('\0')) {
    refuse('have the absolute path of a socket after unix:')
  }
  const address: UnixAddress = { kind: 'unix', name: name ?? `unix:${path}`, path }
  if (mark === -1) return address
  for (const setting of rest.slice(mark + 1).split('&')) {
    const mode = MODE.exec(setting)?.[1]
    const [, key, owner] = OWNER.exec(setting) ?? []
    if (mode !== undefined && address.mode === undefined) address.mode = Number.parseInt(mode, 8)
    else if (key === 'user' && owner && address.user === undefined) address.user = owner
    else if (key === 'group' && owner && address.group === undefined) address.group = owner
    else refuse('have nothing but mode=0660, user=NAME and group=NAME after ?, joined by &')
  }
  return address
}

function parseFd(text: string, name: string | undefined, refuse: Refuse): ListenAddress {
  const fd = FD_NUMBER.test(text) ? Number(text) : MAX_FD + 1
  if (fd > MAX_FD) refuse(`have the number of a descriptor after fd:, from 0 to ${MAX_FD}`)
  return { kind: 'fd', name: name ?? `fd:${fd}`, fd }
}

function parseHanded(
  wanted: string | undefined,
  name: string | undefined,
  refuse: Refuse,
): ListenAddress {
  if (wanted === undefined) return { kind: 'handed', name: name ?? 'systemd', wanted: 'all' }
  if (!HANDED_NAME.test(wanted)) refuse('have the name of a socket after systemd:')
  return { kind: 'handed', name: name ?? `systemd:${wanted}`, wanted: { name: wanted } }
}

function formatTcp(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** The address without its name, mode and owner, for messages and the ready line; an abstract Unix name begins with @. */
export function formatListenAddress(address: ListenAddress): string {
  switch (address.kind) {
    case 'tcp':
      return formatTcp(address.host, address.port)
    case 'unix':
      return `unix:${address.path.replaceAll('\0', '@')}`
    case 'fd':
      return `fd:${address.fd}`
    case 'handed':
      return address.wanted === 'all' ? 'systemd' : `systemd:${address.wanted.name}`
  }
}
