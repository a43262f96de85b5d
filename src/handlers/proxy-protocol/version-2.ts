/** The second version of the PROXY header, in binary; used by `parse.ts` only. */

import { SocketAddress } from 'node:net'
import { crc32c } from './crc32c.js'
import type { Parsed, Proxied } from './header.js'

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')

/** Signature, version and command, family and transport, length of the rest. */
const fixedBytes = 16

/** The whole header, in bytes. The specification knows no limit but has headers fit a packet of 536; nginx takes 4096. */
export const longestHeader = 4096

const commands = { 0: 'LOCAL', 1: 'PROXY' } as const

/** How many bytes the two ends take, by family. */
const addressBytes = { 0: 0, 1: 12, 2: 36, 3: 216 } as const

/** Of the families and transports that may be, those that a stream can be for. */
const tcp4 = 0x11
const tcp6 = 0x21
const unixStream = 0x31

const crcType = 0x03

/** Whether `bytes` can still become such a header: they begin with as much of its signature as there are. */
export function startsVersion2(bytes: Uint8Array): boolean {
  const length = Math.min(bytes.length, signature.length)
  return signature.compare(bytes, 0, length, 0, length) === 0
}

export function parseVersion2(bytes: Uint8Array): Parsed {
  const { buffer, byteOffset } = bytes
  const header = Buffer.from(buffer, byteOffset, bytes.length)
  const [versionAndCommand, familyAndTransport] = header.subarray(signature.length)
  if (versionAndCommand === undefined) return 'more'
  if (versionAndCommand >> 4 !== 2) return { error: `version ${versionAndCommand >> 4}, not 2` }
  const command = commands[(versionAndCommand & 15) as keyof typeof commands]
  if (command === undefined) return { error: `unknown command ${versionAndCommand & 15}` }
  if (familyAndTransport === undefined) return 'more'
  // Of a proxy that speaks for itself, the family is to be ignored whatever it is.
  const isLocal = command === 'LOCAL'
  const family = familyAndTransport >> 4
  const transport = familyAndTransport & 15
  if (!isLocal && family > 3) return { error: `unknown address family ${family}` }
  if (!isLocal && transport > 2) return { error: `unknown transport protocol ${transport}` }
  if (header.length < fixedBytes) return 'more'
  const length = fixedBytes + header.readUInt16BE(fixedBytes - 2)
  if (length > longestHeader) return { error: `${length} bytes, more than ${longestHeader}` }
  // Without a family or a transport nobody knows where addresses end and what follows begins.
  const isKnown = !isLocal && family !== 0 && transport !== 0
  const addresses = isKnown ? addressBytes[family as keyof typeof addressBytes] : 0
  if (length < fixedBytes + addresses) return { error: 'no room for its addresses' }
  if (header.length < length) return 'more'
  if (!isKnown) return { length, proxied: { kind: 'unknown' } }
  const error = checkExtras(header.subarray(0, length), fixedBytes + addresses)
  return error === undefined
    ? { length, proxied: proxiedIn(header.subarray(fixedBytes), familyAndTransport) }
    : { error }
}

function proxiedIn(block: Buffer, familyAndTransport: number): Proxied {
  if (familyAndTransport === tcp4) return between(block, 'IPv4', 4)
  if (familyAndTransport === tcp6) return between(block, 'IPv6', 16)
  // A datagram's addresses are not those of a stream.
  return { kind: familyAndTransport === unixStream ? 'unix' : 'unknown' }
}

function between(block: Buffer, family: 'IPv4' | 'IPv6', bytes: number): Proxied {
  const end = (number: 0 | 1) => ({
    address: addressIn(block.subarray(number * bytes, (number + 1) * bytes)),
    port: block.readUInt16BE(2 * bytes + 2 * number),
  })
  return { kind: 'tcp', family, source: end(0), destination: end(1) }
}

function addressIn(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.')
  const address = bytes.toString('hex').replace(/(....)(?!$)/g, '$1:')
  return new SocketAddress({ address, family: 'ipv6' }).address
}

/**
 * Checks what follows the addresses: each a type, a length and a value, to the very end. None is of use to us but the
 * checksum, if there is one. Returns what is wrong.
 */
function checkExtras(header: Buffer, start: number): string | undefined {
  let checksumAt: number | undefined
  for (let at = start; at < header.length; ) {
    if (at + 3 > header.length) return 'an extra that is cut off'
    const value = at + 3
    const bytes = header.readUInt16BE(at + 1)
    if (value + bytes > header.length) return 'an extra longer than the header'
    if (header[at] === crcType) {
      if (bytes !== 4) return `a checksum of ${bytes} bytes`
      if (checksumAt !== undefined) return 'two checksums'
      checksumAt = value
    }
    at = value + bytes
  }
  if (checksumAt === undefined) return undefined
  return checksumMatches(header, checksumAt) ? undefined : 'a wrong checksum'
}

/** The checksum is that of the whole header with zeros in its own place. */
function checksumMatches(header: Buffer, at: number): boolean {
  const zeroed = Buffer.from(header).fill(0, at, at + 4)
  return crc32c(zeroed) === header.readUInt32BE(at)
}
