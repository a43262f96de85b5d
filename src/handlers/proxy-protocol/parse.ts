/** Reads a PROXY header, version 1 or 2, from the first bytes of a connection: pure, and never throws. */

import type { Parsed } from './header.js'
import { parseVersion1, startsVersion1 } from './version-1.js'
import { parseVersion2, startsVersion2 } from './version-2.js'

/**
 * Reads the header that `bytes` begin with; bytes after it are not looked at. What is no header is told from the first
 * byte that is wrong. To be called again with all the bytes from the beginning when there are more.
 */
export function parseProxyHeader(bytes: Uint8Array): Parsed {
  if (bytes.length === 0) return 'more'
  if (startsVersion1(bytes)) return parseVersion1(bytes)
  if (startsVersion2(bytes)) return parseVersion2(bytes)
  return { error: 'neither PROXY nor the signature of version 2' }
}
