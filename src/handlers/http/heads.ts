/** What the heads of a request and a response say of them as a whole; asked when the one has come, and before the other goes. */

import type { IncomingMessage, ServerResponse } from 'node:http'

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

/** Whether an app announces the end of the connection with a response: before, or in the arguments of `writeHead`. */
export function announcesClose(response: ServerResponse, args: readonly unknown[]): boolean {
  if (isClose(response.getHeader('connection'))) return true
  const headers = args.at(-1)
  if (typeof headers !== 'object' || headers === null) return false
  // A list has names and values in turn, or pairs of them.
  const pairs = Array.isArray(headers) ? headers.flat() : Object.entries(headers).flat()
  for (let i = 0; i < pairs.length; i += 2) {
    if (/^connection$/i.test(String(pairs[i])) && isClose(pairs[i + 1])) return true
  }
  return false
}

function isClose(value: unknown): boolean {
  return value !== undefined && /\bclose\b/i.test(String(value))
}
