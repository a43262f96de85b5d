/** Where preforkd answers otherwise than plain Node.js on purpose: named, explained, and no wider than meant. */

import { type Probe, textOf } from './corpus.js'
import type { Answer } from './send.js'

export interface Exception {
  readonly name: string
  readonly why: string
  /** Whether this probe is such a case. */
  readonly covers: (probe: Probe) => boolean
}

/** All of them are refusals: see `explain`. */
export const exceptions: readonly Exception[] = [
  {
    name: 'two Host headers',
    why: 'RFC 9112, 3.2, has a server refuse them: a proxy may have believed the other one',
    covers: (probe) =>
      headsOf(probe).some((head) => [...head.matchAll(/\r\nHost[ \t]*:/gi)].length > 1),
  },
  {
    name: 'HTTP/0.9',
    why: 'a request line without a version, or with this one: its answer has no head, and nobody speaks it',
    covers: (probe) => headsOf(probe).some((head) => /^\S+ \S+ *(HTTP\/0\.9)?(\r\n|$)/.test(head)),
  },
]

/** Its head and body are the framework's, if it listens for `clientError`. */
const refusal = 'HTTP/1.1 400 Bad Request\r\n'

/**
 * The exception that explains a difference; undefined for a difference that is a defect. Explained is only that preforkd
 * refuses: up to the refusal it must have answered as plain Node.js does, and after it the connection must be closed.
 */
export function explain(probe: Probe, plain: Answer, ours: Answer): Exception | undefined {
  const at = ours.text.lastIndexOf(refusal)
  if (at === -1 || ours.end !== 'closed') return undefined
  if (!plain.text.startsWith(ours.text.slice(0, at))) return undefined
  if (ours.text.includes('HTTP/1.', at + refusal.length)) return undefined
  return exceptions.find(({ covers }) => covers(probe))
}

/** What may be heads of requests: whatever is between empty lines. */
function headsOf(probe: Probe): string[] {
  return textOf(probe).split(/(?:\r\n){2,}/)
}
