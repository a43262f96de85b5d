/** The first version of the PROXY header, a line of text; used by `parse.ts` only. */

import { isIPv4, isIPv6, SocketAddress } from 'node:net'
import type { Endpoint, Parsed } from './header.js'

/** With its CRLF, in bytes; the specification's own limit. */
const longestLine = 107

const beginnings = ['PROXY TCP4 ', 'PROXY TCP6 ', 'PROXY UNKNOWN'] as const

/** Whether `bytes` can still become such a line: they begin with as much of PROXY as there are. */
export function startsVersion1(bytes: Uint8Array): boolean {
  return 'PROXY '.startsWith(textOf(bytes, 6))
}

function textOf(bytes: Uint8Array, most: number): string {
  const { buffer, byteOffset, length } = bytes
  return Buffer.from(buffer, byteOffset, Math.min(length, most)).toString('latin1')
}

export function parseVersion1(bytes: Uint8Array): Parsed {
  const text = textOf(bytes, longestLine)
  const beginning = beginnings.find((each) => each.startsWith(text.slice(0, each.length)))
  if (beginning === undefined) return { error: 'a protocol other than TCP4, TCP6 and UNKNOWN' }
  if (text.length < beginning.length) return 'more'
  const end = text.indexOf('\r\n')
  const rest = text.slice(beginning.length, end === -1 ? undefined : end)
  const length = end + 2
  if (beginning === 'PROXY UNKNOWN') {
    // What the specification wants ignored is set off by a space.
    if (!/^( |\r?$)/.test(rest)) return { error: 'a protocol other than TCP4, TCP6 and UNKNOWN' }
    return end === -1 ? unfinished(text) : { length, proxied: { kind: 'unknown' } }
  }
  if (!/^[0-9a-fA-F.: ]*\r?$/.test(rest)) return { error: 'a character that no address has' }
  if (end === -1) return unfinished(text)
  return parseAddresses(rest, beginning === 'PROXY TCP4 ' ? 'IPv4' : 'IPv6', length)
}

function unfinished(text: string): Parsed {
  return text.length < longestLine ? 'more' : { error: `a line of more than ${longestLine} bytes` }
}

function parseAddresses(text: string, family: 'IPv4' | 'IPv6', length: number): Parsed {
  // One that has a space too many has empty fields, and so too many of them.
  const [from = '', to = '', fromPort = '', toPort = '', ...others] = text.split(' ')
  if (others.length > 0) return { error: 'more than two addresses and two ports' }
  const source = endpoint(from, fromPort, family)
  if (typeof source === 'string') return { error: `${source} of the source` }
  const destination = endpoint(to, toPort, family)
  if (typeof destination === 'string') return { error: `${destination} of the destination` }
  return { length, proxied: { kind: 'tcp', family, source, destination } }
}

/** What is wrong, where something is. */
function endpoint(address: string, port: string, family: 'IPv4' | 'IPv6'): Endpoint | string {
  if (!(family === 'IPv4' ? isIPv4 : isIPv6)(address)) return `no ${family} address`
  if (!/^(0|[1-9]\d{0,4})$/.test(port) || Number(port) > 65_535) return 'no port'
  if (family === 'IPv4') return { address, port: Number(port) }
  // The same address can be written in many ways: whoever compares it expects that of node:net.
  return { address: new SocketAddress({ address, family: 'ipv6' }).address, port: Number(port) }
}
