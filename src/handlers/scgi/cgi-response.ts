/** The header of a CGI response, from plain data: checked, so that no value can add a line of its own. */

import { STATUS_CODES } from 'node:http'

/** Header lines by name; a list makes one line for each value, as for `Set-Cookie`. */
export type CgiHeaders = Readonly<
  Record<string, string | number | readonly (string | number)[] | undefined>
>

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** Bytes but control characters; a tab is allowed. Other characters have no byte in a header, or end in a wrong one. */
const forbidden = /[^\t\x20-\x7e\x80-\xff]/

/**
 * `Status`, the headers and the empty line; in latin1 once it is sent. Throws TypeError, one sentence that names the header at
 * fault, for a status, name or value that a response cannot have.
 */
export function formatCgiHeader(status: number | string, headers: CgiHeaders): string {
  let text = `Status: ${statusLine(status)}\r\n`
  for (const [name, given] of Object.entries(headers)) {
    if (given === undefined) continue
    if (!token.test(name)) {
      throw new TypeError(`the name of a response header is not a token: ${JSON.stringify(name)}`)
    }
    if (name.toLowerCase() === 'status') {
      throw new TypeError('the status of a response is given as status, not as a header')
    }
    for (const value of Array.isArray(given) ? given : [given]) {
      if (!['string', 'number'].includes(typeof value) || forbidden.test(String(value))) {
        throw new TypeError(`the response header ${name} has a value that cannot be sent`)
      }
      text += `${name}: ${value}\r\n`
    }
  }
  return `${text}\r\n`
}

function statusLine(status: number | string): string {
  const text =
    typeof status === 'number' ? `${status} ${STATUS_CODES[status] ?? 'Unknown'}` : String(status)
  if (/^[2-5]\d\d( |$)/.test(text) && !forbidden.test(text)) return text
  throw new TypeError(
    `the status of a response is not like 200 or "200 OK": ${JSON.stringify(status)}`,
  )
}
