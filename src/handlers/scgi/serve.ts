/** Serves SCGI: one connection is one request; header, handler, end; used by kids and by handler modules. */

import type { Readable, Writable } from 'node:stream'
import type { Handler, Kid } from '../handler.js'
import { slotOf } from '../slot.js'
import { ScgiClientError } from './client-error.js'
import type { ScgiEnv } from './header-parser.js'
import { type ScgiLimits, type ScgiOptions, scgiLimits } from './limits.js'
import { readHeader } from './read-header.js'
import { RequestBody } from './request-body.js'
import { Response } from './response.js'

/**
 * Answers one request. `body` is a stream of exactly CONTENT_LENGTH bytes; to `out` goes the response as a CGI program
 * would print it: header lines, an empty line, content. The response ends when what this returns has settled, unless
 * `out` was ended before. Throwing before anything was written answers `Status: 500`; later, it resets the connection.
 */
export type Produce = (env: ScgiEnv, body: Readable, out: Writable, kid: Kid) => unknown

/** A handler for connections that speak SCGI. Throws UsageError for an option that cannot be. */
export function scgi(produce: Produce, options?: ScgiOptions): Handler {
  return serveScgi(produce, scgiLimits(options))
}

/** The same, with limits that are complete. */
export function serveScgi(produce: Produce, limits: ScgiLimits): Handler {
  return async (socket, kid) => {
    const begun = performance.now()
    const header = await readHeader(socket, limits)
    if (header === undefined) {
      socket.end()
    } else if (header instanceof ScgiClientError) {
      kid.log.debug({ reason: header.message }, 'an SCGI request was refused')
      if (header.isTimeout) slotOf(kid)?.cut()
      socket.end(plainAnswer(header.status))
    } else {
      const left = limits.requestTimeout - (performance.now() - begun)
      const body = new RequestBody(socket, header.contentLength, left)
      const out = new Response(socket, limits.sendTimeout, () => slotOf(kid)?.cut())
      await answer(() => produce(header.env, body, out, kid), body, out, kid)
      // Whatever it has not read is not waited for.
      body.destroy()
    }
  }
}

/** Has the handler answer; ends what it leaves open, one way or the other. */
async function answer(run: () => unknown, body: RequestBody, out: Response, kid: Kid) {
  try {
    await run()
    if (!out.writableEnded) out.end()
  } catch (error) {
    const failure = body.failure ?? out.failure
    // What a client can cause must not fill the log.
    if (failure === undefined) kid.log.error({ err: error }, 'the SCGI handler failed')
    else
      kid.log.debug({ reason: failure.message, err: error }, 'an SCGI request failed at its client')
    // A response that the handler has ended is whole, and goes its way.
    if (out.writableEnded || out.destroyed) return
    if (failure?.isTimeout) slotOf(kid)?.cut()
    if (out.begun) out.destroy()
    else out.end(plainAnswer(failure === undefined ? 500 : failure.status))
  }
}

const reasons = {
  400: 'Bad Request',
  408: 'Request Timeout',
  500: 'Internal Server Error',
}

function plainAnswer(status: keyof typeof reasons = 400): string {
  const text = `${status} ${reasons[status]}`
  return `Status: ${text}\r\nContent-Type: text/plain\r\n\r\n${text}\n`
}
