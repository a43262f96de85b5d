/** Spoils what was good: bytes changed, added, left out or said twice; for rows, and for tests of parsers. */

/** Up to three changes, most of them by a byte that means something there. */
export function spoil(bytes: Buffer, telling: Buffer, random: () => number): Buffer {
  let spoilt = bytes
  for (let times = 1 + Math.floor(random() * 3); times > 0; times--)
    spoilt = spoilOnce(spoilt, telling, random)
  return spoilt
}

/** One change; of the bytes that are put in, `share` are among those that mean something. */
export function spoilOnce(
  bytes: Buffer,
  telling: Buffer,
  random: () => number,
  share = 0.75,
): Buffer {
  const roll = (limit: number) => Math.floor(random() * limit)
  const at = roll(bytes.length + 1)
  const end = Math.min(bytes.length, at + roll(8))
  const [before, within, after] = [
    bytes.subarray(0, at),
    bytes.subarray(at, end),
    bytes.subarray(end),
  ]
  const meaningful = random() >= 1 - share
  const byte = Buffer.from([meaningful ? (telling[roll(telling.length)] as number) : roll(256)])
  switch (roll(4)) {
    case 0:
      return Buffer.concat([before, byte, bytes.subarray(at + 1)])
    case 1:
      return Buffer.concat([before, byte, bytes.subarray(at)])
    case 2:
      return Buffer.concat([before, after])
    default:
      return Buffer.concat([before, within, within, after])
  }
}
