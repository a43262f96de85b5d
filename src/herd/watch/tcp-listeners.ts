/** The TCP listeners of a network namespace and how many connections wait in each, from /proc; at most once a second. */

/** A listener. */
export interface TcpListener {
  readonly inode: number
  /** As we write them: `127.0.0.1:8000`, `[::1]:8000`. */
  readonly address: string
  /** Connections that wait to be accepted. */
  readonly depth: number
}

/** The state that the kernel calls LISTEN. */
const listening = '0A'

/** Reads what /proc/PID/net/tcp or tcp6 has. Lines that are none of ours are passed over. Pure. */
export function parseListeners(table: string): TcpListener[] {
  const found: TcpListener[] = []
  for (const line of table.split('\n').slice(1)) {
    const [, local = '', , state, queues = '', , , , , inode] = line.trim().split(/\s+/)
    if (state !== listening) continue
    const address = addressOf(local)
    const depth = Number.parseInt(queues.split(':')[1] ?? '', 16)
    if (address === undefined || Number.isNaN(depth) || inode === undefined) continue
    found.push({ inode: Number(inode), address, depth })
  }
  return found
}

/** `0100007F:1F40` is 127.0.0.1:8000: words of four bytes in this machine's order, the last byte first. */
function addressOf(hex: string): string | undefined {
  const match = /^((?:[0-9A-F]{8}){1,4}):([0-9A-F]{4})$/.exec(hex)
  if (match === null) return undefined
  const [, words = '', port = ''] = match
  const bytes = (words.match(/.{8}/g) ?? []).flatMap((word) =>
    (word.match(/../g) ?? []).reverse().map((byte) => Number.parseInt(byte, 16)),
  )
  const host = bytes.length === 4 ? bytes.join('.') : inBrackets(bytes)
  return `${host}:${Number.parseInt(port, 16)}`
}

function inBrackets(bytes: readonly number[]): string {
  const groups = Array.from({ length: bytes.length / 2 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
  )
  // It knows how to shorten them.
  return new URL(`http://[${groups.join(':')}]`).hostname
}
