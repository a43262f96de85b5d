/** Whose PROXY headers are believed: read from the option `trustedProxies`, asked for every connection. */

import { BlockList, isIP, isIPv4, type Socket } from 'node:net'
import { UsageError } from '../../errors.js'

/** Peers that may say who their client is. */
export interface Trusted {
  readonly addresses: BlockList
  /** Whoever may connect to the Unix socket. */
  readonly unix: boolean
}

/** What entries there are, for the sentence of a refusal. */
const expected = 'addresses, networks such as 10.0.0.0/8, loopback or unix'

/**
 * Reads entries: an address (`10.0.0.1`, `::1`), a network (`10.0.0.0/8`), `unix` (the peers of Unix sockets), `loopback`
 * (127.0.0.0/8, ::1 and unix). An IPv4 address stands for its form within IPv6 as well.
 * @throws UsageError for the first bad one: a predicate, "must have ..., not ...", to be put behind the name of the option
 */
export function parseTrusted(entries: readonly string[]): Trusted {
  const addresses = new BlockList()
  let unix = false
  for (const entry of entries) {
    if (entry === 'loopback') {
      addresses.addSubnet('127.0.0.0', 8, 'ipv4')
      addresses.addAddress('::1', 'ipv6')
    }
    if (entry === 'loopback' || entry === 'unix') unix = true
    else addNetwork(addresses, entry)
  }
  return { addresses, unix }
}

function addNetwork(addresses: BlockList, entry: string): void {
  const [address = '', length, ...rest] = entry.split('/')
  // A zone (fe80::1%eth0) is another machine's matter, and BlockList does not look at it.
  if (isIP(address) === 0 || address.includes('%') || rest.length > 0) refuse(entry)
  const [family, bits] = isIPv4(address) ? (['ipv4', 32] as const) : (['ipv6', 128] as const)
  if (length === undefined) {
    addresses.addAddress(address, family)
    return
  }
  if (!/^(0|[1-9]\d{0,2})$/.test(length) || Number(length) > bits) refuse(entry)
  addresses.addSubnet(address, Number(length), family)
}

function refuse(entry: string): never {
  throw new UsageError(`must have ${expected}, not ${JSON.stringify(entry.slice(0, 100))}`)
}

/** Whether a connection comes from one of them, by what the kernel says of it. */
export function isTrusted(trusted: Trusted, socket: Socket): boolean {
  const { remoteAddress, localAddress } = socket
  if (remoteAddress !== undefined) {
    return trusted.addresses.check(remoteAddress, isIPv4(remoteAddress) ? 'ipv4' : 'ipv6')
  }
  // A TCP connection that its peer has reset has lost only the peer's address; one of a Unix socket never had either.
  return localAddress === undefined && trusted.unix
}
