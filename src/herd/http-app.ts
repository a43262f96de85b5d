/** The app every contestant serves over HTTP: a byte, and for /slow a synchronous sleep before it. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { block } from './handler.js'

export default function app(request: IncomingMessage, response: ServerResponse): void {
  if (request.url === '/slow') block()
  response.end('x')
}
