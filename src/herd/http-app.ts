/** The app every contestant serves over HTTP: a byte, and for /slow a synchronous sleep before it. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { block } from './handler.js'

export default function app(request: IncomingMessage, response: ServerResponse): void {
  if (request.url === '/slow') block()
  // Without a length Node.js keeps no connection of HTTP/1.0 alive, which is what ab speaks.
  response.writeHead(200, { 'Content-Length': 1 }).end('x')
}
