/** What the head of a request says of the request as a whole; asked when it has come. */

import type { IncomingMessage } from 'node:http'

/**
 * Whether all of a request has come, or no more than its head was announced. (`complete` is false while the app answers a
 * request without a body in the very call it is given it.)
 */
export function isWhole(request: IncomingMessage): boolean {
  if (request.complete) return true
  const { headers } = request
  const length = headers['content-length']
  return (
    headers['transfer-encoding'] === undefined && (length === undefined || Number(length) === 0)
  )
}

/**
 * What is wrong with a request that Node.js's parser lets pass, as an error such as that parser has; undefined if nothing:
 * - more than one `Host`: whoever looks at another than the app does, such as a proxy, takes it for another request
 *   (RFC 9112, 3.2: a server must answer 400);
 * - no version, as HTTP/0.9 had none: no client of today means that.
 */
export function refusalOf(request: IncomingMessage): Error | undefined {
  if (request.httpVersionMajor < 1) return refusal('HPE_INVALID_VERSION', 'Invalid HTTP version')
  const { rawHeaders } = request
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++
  }
  if (hosts > 1) return refusal('HPE_UNEXPECTED_HEADER', 'More than one Host header')
  return undefined
}

function refusal(code: string, reason: string): Error {
  return Object.assign(new Error(`Parse Error: ${reason}`), { code, reason, bytesParsed: 0 })
}
