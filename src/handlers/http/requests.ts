/** How requests reach an app: as soon as there is a slot for them, and with what it throws caught. */

import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { isOfGone } from '../gone.js'
import type { Kid } from '../handler.js'
import { slotOf } from '../slot.js'
import { connectionOf } from './connections.js'

type Listener = (request: IncomingMessage, response: ServerResponse) => unknown

/** Events of a server that ask for a response. */
const requestEvents = ['request', 'checkContinue', 'checkExpectation'] as const

/**
 * Puts itself between a server and the listeners of the app. Where a slot is free they are called in the very call in
 * which the server would: an app that answers at once has answered before the parser goes on to what came behind.
 */
export function takeRequests(server: Server): void {
  for (const event of requestEvents) {
    const listeners = server.rawListeners(event) as Listener[]
    // A server without a listener for it answers these by itself; not so requests.
    if (listeners.length === 0 && event !== 'request') continue
    server.removeAllListeners(event)
    server.on(event, (request: IncomingMessage, response: ServerResponse) => {
      const connection = connectionOf(request.socket)
      const call = (kid: Kid | undefined) =>
        answer(server, event, listeners, request, response, kid)
      // Not by way of a kid: something of the app's own.
      if (connection === undefined) call(undefined)
      else connection.take(request, response, () => call(connection.kid))
    })
  }
}

function answer(
  server: Server,
  event: string,
  listeners: readonly Listener[],
  request: IncomingMessage,
  response: ServerResponse,
  kid: Kid | undefined,
): void {
  const begun = performance.now()
  for (const listener of listeners) {
    if (kid === undefined) {
      listener.call(server, request, response)
      continue
    }
    try {
      const returned = listener.call(server, request, response)
      if (isPromise(returned)) returned.then(undefined, (error) => fail(error, response, kid))
    } catch (error) {
      fail(error, response, kid)
    }
  }
  if (kid !== undefined) slotOf(kid)?.heldUp(performance.now() - begun)
  // A server for WebSockets alone would let whoever asks for something else wait for ever.
  if (listeners.length === 0 && server.listenerCount(event) === 1) {
    response.writeHead(404, { 'Content-Length': 0 }).end()
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value
}

/** What a handler of a plain connection may do costs that connection alone; so it does here. */
function fail(error: unknown, response: ServerResponse, kid: Kid): void {
  if (isOfGone(error, kid)) {
    response.destroy()
    return
  }
  if (response.headersSent) {
    kid.log.error({ err: error }, 'the app failed in the middle of a response; it is cut off')
    response.destroy()
    return
  }
  kid.log.error({ err: error }, 'the app failed; its request is answered with 500')
  for (const name of response.getHeaderNames()) response.removeHeader(name)
  const reason = 'Internal Server Error'
  const text = `${reason}\n`
  // With its reason, or the one that the app had meant for something else would stand there.
  response.writeHead(500, reason, { 'Content-Type': 'text/plain', 'Content-Length': text.length })
  response.end(text)
}
