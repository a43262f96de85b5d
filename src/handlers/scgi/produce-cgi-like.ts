/** For handlers that return a response instead of writing one. */

import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Kid } from '../handler.js'
import { type CgiHeaders, formatCgiHeader } from './cgi-response.js'
import type { ScgiEnv } from './header-parser.js'
import type { Produce } from './serve.js'

type CgiStream = Readable | AsyncIterable<string | Uint8Array>

/** A response; everything may be left out. */
export interface CgiResponse {
  /** A number, or a number with its reason: `404 Not Found`. Default 200. */
  readonly status?: number | string | undefined
  /** A body without `Content-Type`: a string is `text/plain; charset=utf-8`, anything else `application/octet-stream`. */
  readonly headers?: CgiHeaders | undefined
  /** A string or bytes, which are given their `Content-Length`; or a stream of either, destroyed if the client goes away. */
  readonly body?: string | Uint8Array | CgiStream | undefined
}

/** A function that gets a request and returns, or resolves with, a response. */
export type CgiLike = (env: ScgiEnv, body: Readable, kid: Kid) => CgiResponse | Promise<CgiResponse>

/** What `scgi` and `protocol: 'scgi'` take, made of such a function. */
export function produceCgiLike(respond: CgiLike): Produce {
  return async (env, requestBody, out, kid) => {
    const { status = 200, headers = {}, body } = await respond(env, requestBody, kid)
    if (body instanceof Readable) {
      // Whatever happens, no file stays open behind it, and its failure is told by reading it.
      body.on('error', () => {})
      out.once('close', () => body.destroy())
    }
    const isWhole = body === undefined || typeof body === 'string' || body instanceof Uint8Array
    if (!isWhole && typeof body?.[Symbol.asyncIterator] !== 'function') {
      throw new TypeError('the body of a response is not a string, bytes or a stream')
    }
    const header = formatCgiHeader(status, { ...headers, ...missingHeaders(headers, body) })
    const bytes = Buffer.from(header, 'latin1')
    if (!isWhole) {
      await stream(bytes, body, out)
      return
    }
    out.write(bytes)
    out.end(body)
  }
}

async function stream(header: Buffer, body: CgiStream, out: Writable): Promise<void> {
  const pieces = behind(header, body)
  // A stream that fails at its beginning does so before anything is sent.
  const first = await pieces.next()
  out.write(first.value)
  await pipeline(pieces, out)
}

/** The header comes when the first piece is there, or when there is none. */
async function* behind(header: Buffer, body: CgiStream) {
  let begun = false
  for await (const piece of body) {
    if (!begun) yield header
    begun = true
    yield piece
  }
  if (!begun) yield header
}

function missingHeaders(headers: CgiHeaders, body: CgiResponse['body']): CgiHeaders {
  if (body === undefined) return {}
  const given = new Set(Object.keys(headers).map((name) => name.toLowerCase()))
  const missing: Record<string, string | number> = {}
  const isText = typeof body === 'string'
  if (!given.has('content-type')) {
    missing['Content-Type'] = isText ? 'text/plain; charset=utf-8' : 'application/octet-stream'
  }
  if ((isText || body instanceof Uint8Array) && !given.has('content-length')) {
    missing['Content-Length'] = Buffer.byteLength(body)
  }
  return missing
}
