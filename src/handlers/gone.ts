/** Failures that are no failures: what stops because its client has gone; asked when a handler or an app fails. */

import type { Kid } from './handler.js'

/** Whether an error is that of something that was stopped by `kid.gone`. What clients can bring about must not fill the log. */
export function isOfGone(error: unknown, kid: Kid): boolean {
  return error instanceof Error && error.name === 'AbortError' && kid.gone?.aborted === true
}
