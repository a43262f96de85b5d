/** Reads the header of a request off its socket, within a time limit; the body stays where it is. */

import type { Socket } from 'node:net'
import { ScgiClientError } from './client-error.js'
import { HeaderParser, type ScgiEnv } from './header-parser.js'
import type { ScgiLimits } from './limits.js'

export interface RequestHeader {
  readonly env: ScgiEnv
  readonly contentLength: number
}

/**
 * Settles with the header; with what was wrong with it; or with undefined if the client left without a word. The socket is
 * paused then, and what came behind the header is back in it. Never rejects.
 */
export function readHeader(
  socket: Socket,
  limits: ScgiLimits,
): Promise<RequestHeader | ScgiClientError | undefined> {
  const parser = new HeaderParser(limits)
  const patience = Math.min(limits.headersTimeout, limits.requestTimeout)
  return new Promise((resolve) => {
    let begun = false
    const settle = (result: RequestHeader | ScgiClientError | undefined) => {
      clearTimeout(timer)
      socket.pause()
      socket.off('data', onData).off('end', onEnd).off('close', onClose)
      resolve(result)
    }
    const onData = (piece: Buffer) => {
      begun = true
      const result = parser.feed(piece)
      if (result.type === 'incomplete') return
      if (result.type === 'malformed') {
        settle(new ScgiClientError('ERR_SCGI_MALFORMED', result.reason))
        return
      }
      settle(result)
      if (result.rest.length > 0) socket.unshift(result.rest)
    }
    const onEnd = () => {
      const cut = new ScgiClientError('ERR_SCGI_MALFORMED', 'the header ends too early')
      settle(begun ? cut : undefined)
    }
    const onClose = () => settle(undefined)
    const onTimeout = () => {
      const message = `the header was not there within ${patience} ms`
      settle(new ScgiClientError('ERR_SCGI_HEADERS_TIMEOUT', message))
    }
    const timer = Number.isFinite(patience) ? setTimeout(onTimeout, patience) : undefined
    socket.on('data', onData).on('end', onEnd).on('close', onClose)
    // Somebody may have read something before it, such as a PROXY header, and paused it.
    socket.resume()
  })
}
