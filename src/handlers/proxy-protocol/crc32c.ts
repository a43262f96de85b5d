/** CRC-32C (Castagnoli), the checksum that a PROXY header of version 2 may carry; zlib has only the other CRC-32. */

/** The polynomial 0x1EDC6F41 with its bits in reverse, as the bits of a byte are taken. */
const polynomial = 0x82f6_3b78

let table: Uint32Array | undefined

/** The checksum of `bytes`, an unsigned number of 32 bits. */
export function crc32c(bytes: Uint8Array): number {
  table ??= buildTable()
  let crc = 0xffff_ffff
  for (const byte of bytes) crc = (crc >>> 8) ^ (table[(crc ^ byte) & 0xff] as number)
  return ~crc >>> 0
}

function buildTable(): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1
    return crc
  })
}
