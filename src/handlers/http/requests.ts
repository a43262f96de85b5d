/** How requests reach an app: after all that came in one piece was read, and with what it throws caught. */

import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Kid } from '../handler.js'
import { connectionOf } from './connections.js'

type Listener = (request: IncomingMessage, response: ServerResponse) => unknown

/** Events of a server that ask for a response. */
const requestEvents = ['request', 'checkContinue', 'checkExpectation'] as const

/**
 * Puts itself between a server and the listeners of the app. They are called a moment later than they would be, when the
 * parser has done with all that had come: only then is known whether a request is whole, and the last one.
 */
export function takeRequests(server: Server): void {
  for (const event of requestEvents) {
    const listeners = server.rawListeners(event) as Listener[]
    // A server without a listener for it answers these by itself; not so requests.
    if (listeners.length === 0 && event !== 'request') continue
    server.removeAllListeners(event)
    server.on(event, (request: IncomingMessage, response: ServerResponse) => {
      const connection = connectionOf(request.socket)
      if (connection === undefined || !connection.take(request, response)) return
      process.nextTick(answer, server, event, listeners, request, response, connection.kid)
    })
  }
}

function answer(
  server: Server,
  event: string,
  listeners: readonly Listener[],
  request: IncomingMessage,
  response: ServerResponse,
  kid: Kid,
): void {
  for (const listener of listeners) {
    try {
      const returned = listener.call(server, request, response)
      if (isPromise(returned)) returned.then(undefined, (error) => fail(error, response, kid))
    } catch (error) {
      fail(error, response, kid)
    }
  }
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
  if (response.headersSent) {
    kid.log.error({ err: error }, 'the app failed in the middle of a response; it is cut off')
    response.destroy()
    return
  }
  kid.log.error({ err: error }, 'the app failed; its request is answered with 500')
  for (const name of response.getHeaderNames()) response.removeHeader(name)
  const text = 'Internal Server Error\n'
  response.writeHead(500, { 'Content-Type': 'text/plain', 'Content-Length': text.length })
  response.end(text)
}
