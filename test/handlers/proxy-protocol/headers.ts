/** PROXY headers for tests: good ones with what they say, bad ones with what is wrong, and the making of version 2. */

import { crc32c } from '../../../src/handlers/proxy-protocol/crc32c.js'
import type { Proxied } from '../../../src/handlers/proxy-protocol/header.js'

const unknown: Proxied = { kind: 'unknown' }
const unix: Proxied = { kind: 'unix' }

function tcp(family: 'IPv4' | 'IPv6', ...ends: [string, number, string, number]): Proxied {
  const [address, port, other, otherPort] = ends
  const destination = { address: other, port: otherPort }
  return { kind: 'tcp', family, source: { address, port }, destination }
}

const four = tcp('IPv4', '192.168.0.1', 56324, '192.168.0.11', 443)
const six = tcp('IPv6', '2001:db8::1', 1, '::2', 65535)

/** Source and destination of `four`, as version 2 has them. */
export const fourBytes = [192, 168, 0, 1, 192, 168, 0, 11, 0xdc, 0x04, 0x01, 0xbb]
const sixBytes = [
  ...[0x20, 0x01, 0x0d, 0xb8, ...zeros(11), 1],
  ...[...zeros(15), 2],
  ...[0, 1, 0xff, 0xff],
]

export function zeros(count: number): number[] {
  return Array.from({ length: count }, () => 0)
}

/** A header of version 2; `length` is what it says of itself, where that is not the truth. */
export function version2(
  command: number,
  family: number,
  rest: readonly number[] = [],
  length = rest.length,
): Buffer {
  const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
  return Buffer.from([...signature, command, family, length >> 8, length & 0xff, ...rest])
}

/** One of the extras after the addresses. */
export function extra(type: number, value: readonly number[], length = value.length): number[] {
  return [type, length >> 8, length & 0xff, ...value]
}

/** TCP over IPv4 with its checksum, which stands between two other extras; `flip` spoils one bit of a byte of it. */
export function withChecksum(flip?: number): Buffer {
  const before = [...fourBytes, ...extra(0x04, [1, 2, 3])]
  const bytes = version2(0x21, 0x11, [...before, ...extra(0x03, zeros(4)), ...extra(0xe0, [])])
  const at = 16 + before.length + 3
  bytes.writeUInt32BE(crc32c(bytes), at)
  if (flip !== undefined) bytes[flip] = (bytes[flip] as number) ^ 1
  return bytes
}

function text(line: string): Buffer {
  return Buffer.from(line, 'latin1')
}

export const good: readonly (readonly [string, Buffer, Proxied])[] = [
  ['TCP4', text('PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n'), four],
  [
    'the longest of TCP4',
    text('PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n'),
    tcp('IPv4', '255.255.255.255', 65535, '255.255.255.255', 65535),
  ],
  ['all zero', text('PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n'), tcp('IPv4', '0.0.0.0', 0, '0.0.0.0', 0)],
  ['TCP6', text('PROXY TCP6 2001:db8::1 ::2 1 65535\r\n'), six],
  [
    'TCP6 in full and in capitals',
    text('PROXY TCP6 2001:0DB8:0000:0000:0000:0000:0000:0001 0:0:0:0:0:0:0:2 1 65535\r\n'),
    six,
  ],
  [
    'TCP6 with IPv4 in it',
    text('PROXY TCP6 ::ffff:1.2.3.4 ::FFFF:0102:0305 1 2\r\n'),
    tcp('IPv6', '::ffff:1.2.3.4', 1, '::ffff:1.2.3.5', 2),
  ],
  ['UNKNOWN', text('PROXY UNKNOWN\r\n'), unknown],
  [
    'UNKNOWN with what is ignored',
    text('PROXY UNKNOWN any \r thing \n \0 at\xff all\r\n'),
    unknown,
  ],
  ['the longest', text(`PROXY UNKNOWN ${'x'.repeat(91)}\r\n`), unknown],
  ['version 2 of TCP over IPv4', version2(0x21, 0x11, fourBytes), four],
  ['version 2 of TCP over IPv6', version2(0x21, 0x21, sixBytes), six],
  ['version 2 of a Unix socket', version2(0x21, 0x31, zeros(216)), unix],
  ['of datagrams', version2(0x21, 0x12, fourBytes), unknown],
  ['of datagrams over IPv6', version2(0x21, 0x22, sixBytes), unknown],
  ['of Unix datagrams', version2(0x21, 0x32, zeros(216)), unknown],
  ['of no transport', version2(0x21, 0x10, fourBytes), unknown],
  ['of no family', version2(0x21, 0x00), unknown],
  ['of no family, with something', version2(0x21, 0x00, [1, 2]), unknown],
  ['LOCAL', version2(0x20, 0x00), unknown],
  ['LOCAL with addresses', version2(0x20, 0x11, fourBytes), unknown],
  ['LOCAL of a family that nobody knows', version2(0x20, 0xff, [1]), unknown],
  ['an extra', version2(0x21, 0x11, [...fourBytes, ...extra(0x02, [97, 98])]), four],
  ['empty extras', version2(0x21, 0x11, [...fourBytes, ...extra(4, []), ...extra(4, [])]), four],
  ['the longest of version 2', version2(0x21, 0x11, longest()), four],
  ['a checksum', withChecksum(), four],
]

function longest(): number[] {
  return [...fourBytes, ...extra(4, zeros(4096 - 16 - fourBytes.length - 3))]
}

export const bad: readonly (readonly [string, Buffer, RegExp])[] = [
  ['an HTTP request', text('GET / HTTP/1.1\r\n\r\n'), /^neither PROXY nor the signature/],
  ['a TLS hello', Buffer.from([0x16, 3, 1, 2, 0]), /^neither/],
  ['an empty line', text('\r\n'.repeat(20)), /^neither/],
  ['lower case', text('proxy TCP4 1.1.1.1 2.2.2.2 1 2\r\n'), /^neither/],
  ['a space before', text(' PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n'), /^neither/],
  ['a tab', text('PROXY\tTCP4 1.1.1.1 2.2.2.2 1 2\r\n'), /^neither/],
  ['two spaces', text('PROXY  TCP4 1.1.1.1 2.2.2.2 1 2\r\n'), /^a protocol other than/],
  ['no protocol', text('PROXY\r\n'), /^neither/],
  ['UDP4', text('PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n'), /^a protocol other than/],
  ['TCP5', text('PROXY TCP5 1.1.1.1 2.2.2.2 1 2\r\n'), /^a protocol other than/],
  ['UNKNOWNS', text('PROXY UNKNOWNS\r\n'), /^a protocol other than/],
  ['UNKNOWN and a bare CR', text('PROXY UNKNOWN\rx\r\n'), /^a protocol other than/],
  ['UNKNOWN and a bare LF', text('PROXY UNKNOWN\n'), /^a protocol other than/],
  ['a bare LF', text('PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n'), /^a character/],
  ['a bare CR', text('PROXY TCP4 1.1.1.1 2.2.2.2 1 2\rG'), /^a character/],
  ['two spaces inside', text('PROXY TCP4 1.1.1.1  2.2.2.2 1 2\r\n'), /^more than two addresses/],
  ['a space at the end', text('PROXY TCP4 1.1.1.1 2.2.2.2 1 2 \r\n'), /^more than two addresses/],
  ['a field too few', text('PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n'), /^no port of the destination/],
  ['nothing at all', text('PROXY TCP4 \r\n'), /^no IPv4 address of the source/],
  ['256', text('PROXY TCP4 256.1.1.1 2.2.2.2 1 2\r\n'), /^no IPv4 address of the source/],
  ['octal', text('PROXY TCP4 1.1.1.01 2.2.2.2 1 2\r\n'), /^no IPv4 address of the source/],
  ['three numbers', text('PROXY TCP4 1.1.1.1 2.2.2 1 2\r\n'), /^no IPv4 address of the dest/],
  ['IPv6 in TCP4', text('PROXY TCP4 ::1 2.2.2.2 1 2\r\n'), /^no IPv4 address of the source/],
  ['IPv4 in TCP6', text('PROXY TCP6 1.1.1.1 ::1 1 2\r\n'), /^no IPv6 address of the source/],
  ['two double colons', text('PROXY TCP6 1::2::3 ::1 1 2\r\n'), /^no IPv6 address of the source/],
  ['nine groups', text('PROXY TCP6 ::1 1:2:3:4:5:6:7:8:9 1 2\r\n'), /^no IPv6 address of the dest/],
  ['a zone', text('PROXY TCP6 fe80::1%lo ::1 1 2\r\n'), /^a character/],
  ['brackets', text('PROXY TCP6 [::1] ::1 1 2\r\n'), /^a character/],
  ['65536', text('PROXY TCP4 1.1.1.1 2.2.2.2 65536 2\r\n'), /^no port of the source/],
  ['a port of six digits', text('PROXY TCP4 1.1.1.1 2.2.2.2 1 100000\r\n'), /^no port of the dest/],
  ['a zero before', text('PROXY TCP4 1.1.1.1 2.2.2.2 080 2\r\n'), /^no port of the source/],
  ['a sign', text('PROXY TCP4 1.1.1.1 2.2.2.2 -1 2\r\n'), /^a character/],
  ['hexadecimal', text('PROXY TCP4 1.1.1.1 2.2.2.2 a 2\r\n'), /^no port of the source/],
  ['a byte too long', text(`PROXY UNKNOWN ${'x'.repeat(92)}\r\n`), /^a line of more than 107/],
  ['no end', text(`PROXY TCP4 ${'1'.repeat(200)}`), /^a line of more than 107/],
  ['version 1 in binary', version2(0x11, 0x11, fourBytes), /^version 1, not 2/],
  ['version 3', version2(0x31, 0x11, fourBytes), /^version 3, not 2/],
  ['command 2', version2(0x22, 0x11, fourBytes), /^unknown command 2/],
  ['family 4', version2(0x21, 0x41, fourBytes), /^unknown address family 4/],
  ['transport 3', version2(0x21, 0x13, fourBytes), /^unknown transport protocol 3/],
  ['a byte too few', version2(0x21, 0x11, fourBytes, 11), /^no room for its addresses/],
  ['no addresses', version2(0x21, 0x21), /^no room for its addresses/],
  ['half a Unix address', version2(0x21, 0x31, zeros(215)), /^no room for its addresses/],
  ['more than is taken', version2(0x21, 0x11, fourBytes, 4081), /^4097 bytes, more than 4096/],
  ['LOCAL beyond that', version2(0x20, 0x00, [], 65535), /^65551 bytes, more than 4096/],
  ['two strays', version2(0x21, 0x11, [...fourBytes, 4, 0]), /^an extra that is cut off/],
  [
    'an extra too long',
    version2(0x21, 0x11, [...fourBytes, ...extra(4, [1], 2)]),
    /^an extra longer than the header/,
  ],
  [
    'a checksum of three bytes',
    version2(0x21, 0x11, [...fourBytes, ...extra(3, zeros(3))]),
    /^a checksum of 3 bytes/,
  ],
  [
    'two checksums',
    version2(0x21, 0x11, [...fourBytes, ...extra(3, zeros(4)), ...extra(3, zeros(4))]),
    /^two checksums/,
  ],
  ['an address that the checksum is not of', withChecksum(16), /^a wrong checksum/],
  ['an extra that it is not of', withChecksum(31), /^a wrong checksum/],
  ['a checksum of something else', withChecksum(37), /^a wrong checksum/],
]
