/** What answers a request when there is nothing better: the request's own parameters, to see what a web server sends. */

import type { Produce } from './serve.js'

/** A line for each parameter, sorted by name, the value as JSON.stringify has it, in plain text. */
export const listParameters: Produce = (env, _body, out) => {
  out.write('Content-Type: text/plain; charset=utf-8\r\n\r\n')
  for (const name of Object.keys(env).sort()) {
    out.write(`${/^\w+$/.test(name) ? name : JSON.stringify(name)}: ${JSON.stringify(env[name])}\n`)
  }
  out.end()
}
