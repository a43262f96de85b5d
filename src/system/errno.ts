/** Turns negated errnos into names and errors; used wherever the addon's results are judged. */

import { constants } from 'node:os'
import { SystemError } from '../errors.js'

// Where two names share a number (EAGAIN and EWOULDBLOCK, say) the first one, the usual one, is kept.
const names = new Map<number, string>()
for (const [name, number] of Object.entries(constants.errno)) {
  if (!names.has(number)) names.set(number, name)
}

/** The name of a negated errno, such as 'EAGAIN' for -11; 'errno 9999' for one the system has no name for. */
export function errnoName(result: number): string {
  return names.get(-result) ?? `errno ${-result}`
}

/** The negated errno of a name: what a result is compared with on the hot path. */
export function negated(name: keyof typeof constants.errno): number {
  return -constants.errno[name]
}

/**
 * The result, unless it is a negated errno.
 * @param call what was tried, for the sentence: 'accept', 'opening a pipe'
 * @param detail put in brackets behind it
 * @throws SystemError with the errno's name as its code
 */
export function orThrow(result: number, call: string, detail?: string): number
export function orThrow<T extends object>(result: T | number, call: string, detail?: string): T
export function orThrow(result: unknown, call: string, detail?: string): unknown {
  if (typeof result === 'number' && result < 0) {
    throw new SystemError(call, errnoName(result), detail)
  }
  return result
}
