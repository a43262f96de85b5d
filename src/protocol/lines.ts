/** The lines between parent and kid, encoded and decoded; one line is one order, answer or notice. */

import { InternalError } from '../errors.js'
import { MAX_COUNT, MAX_LINE, MAX_SEQ } from './limits.js'

/** What a kid tells the parent. */
export type Status =
  | { type: 'idle'; slots: number }
  | { type: 'accepted'; seq: number; count: number }
  | { type: 'failed'; seq: number; count: number; code: string }
  | { type: 'done'; seq: number; count: number }
  | { type: 'cut'; seq: number; count: number }
  | { type: 'skip'; seq: number; count: number }
  | { type: 'park'; seq: number; count: number }
  | { type: 'resume'; seq: number; count: number }
  | { type: 'waiting'; count: number }
  | { type: 'leaving'; reason: string }
  | { type: 'shutdown'; graceful: boolean }
  | { type: 'label'; seq: number; text: string }
  | { type: 'detach'; seq: number; count: number }
  | { type: 'ended'; count: number }
  | { type: 'detached'; id: number; text: string }
  | { type: 'reported'; count: number }

/** What the parent tells a kid; a kid ignores what it does not know. */
export type Command =
  | { type: 'accept'; seq: number; listener: number; count: number }
  | { type: 'leave' }
  | { type: 'pressure' }
  | { type: 'report' }
  | { type: 'room' }
  | { type: 'unpark' }
  | { type: 'unknown' }

const SPACE = 32
const ZERO = 48
/** Digits of MAX_SEQ: more would lose precision before they could be compared. */
const MAX_DIGITS = 16
const ERRNO = /^E[A-Z0-9]{1,15}$/
const PRINTABLE = /^[\x21-\x7e][\x20-\x7e]*$/
const UNPRINTABLE = /[^\x20-\x7e]/gu

/** Where the number read last has ended: a second result without an object for it. */
let end = 0

/**
 * A canonical decimal number of `line` from `at` to the next space or the end, or -1. By hand: a
 * line of the busiest sort takes 56 ns to parse this way and 93 ns with one regex (Node 20).
 */
function number(line: string, at: number, max: number): number {
  let value = 0
  let i = at
  for (; i < line.length; i++) {
    const code = line.charCodeAt(i)
    if (code === SPACE) break
    const digit = code - ZERO
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  end = i
  const digits = i - at
  const leadingZero = digits > 1 && line.charCodeAt(at) === ZERO
  return digits === 0 || digits > MAX_DIGITS || leadingZero || value > max ? -1 : value
}

/** True if a further word follows the number read last. */
function more(line: string): boolean {
  return end < line.length
}

/** The text of a line from `at`, or undefined where it is empty, unprintable or begins with a space. */
function text(line: string, at: number): string | undefined {
  const rest = line.slice(at)
  return PRINTABLE.test(rest) ? rest : undefined
}

/** Any line as a short text that is safe to log: quoted, unprintable characters escaped, cut. */
export function quoteLine(line: string): string {
  const cut = line.length < MAX_LINE ? line : `${line.slice(0, MAX_LINE - 4)}...`
  const safe = cut.replace(/[^\x20-\x7e]|["\\]/g, (char) => {
    if (char === '"' || char === '\\') return `\\${char}`
    const code = char.charCodeAt(0)
    return code < 256
      ? `\\x${code.toString(16).padStart(2, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`
  })
  return `"${safe}"`
}

function refuse(line: string, expected: string): string {
  return `${quoteLine(line)} is not ${expected}`
}

/**
 * A line from a kid, without its newline; or, as a string, why it is none, for the log. Strict,
 * since a kid's word is gossip: there is exactly one way to write each status.
 */
export function parseStatus(line: string): Status | string {
  if (line.length >= MAX_LINE) return refuse(line, `a line of at most ${MAX_LINE} bytes`)
  // Ordered by how often they come.
  if (line.startsWith('done ')) {
    const seq = number(line, 5, MAX_SEQ)
    const count = seq >= 0 ? number(line, end + 1, MAX_COUNT) : -1
    if (count < 1 || more(line)) return refuse(line, '"done SEQ N" with N at least 1')
    return { type: 'done', seq, count }
  }
  if (line.startsWith('accepted ')) {
    const seq = number(line, 9, MAX_SEQ)
    const count = seq >= 0 ? number(line, end + 1, MAX_COUNT) : -1
    if (count < 0 || more(line)) return refuse(line, '"accepted SEQ N"')
    return { type: 'accepted', seq, count }
  }
  if (line.startsWith('park ')) {
    const seq = number(line, 5, MAX_SEQ)
    const count = seq >= 1 ? number(line, end + 1, MAX_COUNT) : -1
    if (count < 1 || more(line)) return refuse(line, '"park SEQ N" with SEQ and N at least 1')
    return { type: 'park', seq, count }
  }
  if (line.startsWith('resume ')) {
    const seq = number(line, 7, MAX_SEQ)
    const count = seq >= 1 ? number(line, end + 1, MAX_COUNT) : -1
    if (count < 1 || more(line)) return refuse(line, '"resume SEQ N" with SEQ and N at least 1')
    return { type: 'resume', seq, count }
  }
  if (line.startsWith('waiting ')) {
    const count = number(line, 8, MAX_COUNT)
    if (count < 0 || more(line)) return refuse(line, '"waiting N"')
    return { type: 'waiting', count }
  }
  if (line.startsWith('cut ')) {
    const seq = number(line, 4, MAX_SEQ)
    const count = seq >= 0 ? number(line, end + 1, MAX_COUNT) : -1
    if (count < 1 || more(line)) return refuse(line, '"cut SEQ N" with N at least 1')
    return { type: 'cut', seq, count }
  }
  if (line.startsWith('skip ')) {
    const seq = number(line, 5, MAX_SEQ)
    const count = seq >= 1 ? number(line, end + 1, MAX_COUNT) : -1
    if (count < 1 || more(line)) return refuse(line, '"skip SEQ N" with SEQ and N at least 1')
    return { type: 'skip', seq, count }
  }
  if (line.startsWith('label ')) {
    const seq = number(line, 6, MAX_SEQ)
    const label = seq >= 0 ? text(line, end + 1) : undefined
    if (label === undefined) return refuse(line, '"label SEQ TEXT" in printable ASCII')
    return { type: 'label', seq, text: label }
  }
  if (line.startsWith('idle ')) {
    const slots = number(line, 5, MAX_COUNT)
    if (slots < 1 || more(line)) return refuse(line, '"idle SLOTS" with SLOTS at least 1')
    return { type: 'idle', slots }
  }
  if (line.startsWith('failed ')) {
    const seq = number(line, 7, MAX_SEQ)
    const count = seq >= 0 ? number(line, end + 1, MAX_COUNT) : -1
    const code = count >= 0 ? line.slice(end + 1) : ''
    if (!ERRNO.test(code)) return refuse(line, '"failed SEQ N ERRNO"')
    return { type: 'failed', seq, count, code }
  }
  if (line.startsWith('leaving ')) {
    const reason = text(line, 8)
    if (reason === undefined) return refuse(line, '"leaving REASON" in printable ASCII')
    return { type: 'leaving', reason }
  }
  if (line.startsWith('detach ')) {
    const seq = number(line, 7, MAX_SEQ)
    const count = seq >= 0 ? number(line, end + 1, MAX_COUNT) : -1
    if (count < 1 || more(line)) return refuse(line, '"detach SEQ N" with N at least 1')
    return { type: 'detach', seq, count }
  }
  if (line.startsWith('ended ')) {
    const count = number(line, 6, MAX_COUNT)
    if (count < 1 || more(line)) return refuse(line, '"ended N" with N at least 1')
    return { type: 'ended', count }
  }
  if (line.startsWith('detached ')) {
    const id = number(line, 9, MAX_SEQ)
    const status = id >= 0 ? text(line, end + 1) : undefined
    if (status === undefined) return refuse(line, '"detached ID TEXT" in printable ASCII')
    return { type: 'detached', id, text: status }
  }
  if (line.startsWith('reported ')) {
    const count = number(line, 9, MAX_COUNT)
    if (count < 0 || more(line)) return refuse(line, '"reported N"')
    return { type: 'reported', count }
  }
  if (line === 'shutdown graceful') return { type: 'shutdown', graceful: true }
  if (line === 'shutdown now') return { type: 'shutdown', graceful: false }
  return refuse(line, 'a line of the protocol')
}

/** A line from the parent, without its newline. Malformed ones are unknown: a kid ignores them. */
export function parseCommand(line: string): Command {
  if (line.startsWith('accept ')) {
    const seq = number(line, 7, MAX_SEQ)
    const listener = seq >= 0 ? number(line, end + 1, MAX_COUNT) : -1
    const count = listener >= 0 ? number(line, end + 1, MAX_COUNT) : -1
    if (count >= 1 && !more(line) && line.length < MAX_LINE) {
      return { type: 'accept', seq, listener, count }
    }
  } else if (line === 'leave') return { type: 'leave' }
  else if (line === 'pressure') return { type: 'pressure' }
  else if (line === 'report') return { type: 'report' }
  else if (line === 'room') return { type: 'room' }
  else if (line === 'unpark') return { type: 'unpark' }
  return { type: 'unknown' }
}

/** Our own numbers are checked too: a wrong one written here would have a healthy kid killed. */
function check(value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new InternalError(`${value} in a protocol line, where ${least} to ${most} can stand`)
}

/** Free text made fit for `room` bytes of a line: printable, not empty, cut. */
function fit(free: string, room: number): string {
  const printable = free.trimStart().slice(0, room).replace(UNPRINTABLE, '?')
  return printable === '' ? '-' : printable
}

/** The order to accept up to `count` connections from listener number `listener`. */
export function formatAccept(seq: number, listener: number, count: number): string {
  return `accept ${check(seq, 0, MAX_SEQ)} ${check(listener, 0, MAX_COUNT)} ${check(count, 1, MAX_COUNT)}\n`
}

/** The order to close the listeners, finish and exit. */
export function formatLeave(): string {
  return 'leave\n'
}

/** The notice that connections wait and no slot is free. */
export function formatPressure(): string {
  return 'pressure\n'
}

/** The question what the kid's detached connections are doing. */
export function formatReport(): string {
  return 'report\n'
}

/** The notice that other kids have had free slots for a while, in which requests have waited here. */
export function formatRoom(): string {
  return 'room\n'
}

/** The command to end what is parked, which the kid would otherwise keep for its grace. */
export function formatUnpark(): string {
  return 'unpark\n'
}

/** A kid's first line: it is up, and takes so many connections at once. */
export function formatIdle(slots: number): string {
  return `idle ${check(slots, 1, MAX_COUNT)}\n`
}

/** The answer to an order; `count` is 0 when there was nothing to accept. */
export function formatAccepted(seq: number, count: number): string {
  return `accepted ${check(seq, 0, MAX_SEQ)} ${check(count, 0, MAX_COUNT)}\n`
}

/** The answer when accept failed after `count` good ones; a `code` that is no errno's name becomes EUNKNOWN. */
export function formatFailed(seq: number, count: number, code: string): string {
  const name = ERRNO.test(code) ? code : 'EUNKNOWN'
  return `failed ${check(seq, 0, MAX_SEQ)} ${check(count, 0, MAX_COUNT)} ${name}\n`
}

/** What can happen to connections of an order: each is a line of its word, the order and a count. */
export type Change = 'done' | 'cut' | 'skip' | 'park' | 'resume' | 'detach'

/**
 * `count` connections of an order are complete (`done`), were ended by a limit (`cut`), were gone before they were served
 * (`skip`), wait for their next request without a slot (`park`) or are at work again (`resume`), or live on without a
 * slot (`detach`). Of order 0, `done` and `cut`: connections that were parked.
 */
export function formatChange(what: Change, seq: number, count: number): string {
  return `${what} ${check(seq, 0, MAX_SEQ)} ${check(count, 1, MAX_COUNT)}\n`
}

/** So many requests wait in this kid for a slot. */
export function formatWaiting(count: number): string {
  return `waiting ${check(count, 0, MAX_COUNT)}\n`
}

/** The kid takes no more orders; any reason is made to fit. */
export function formatLeaving(reason: string): string {
  return `leaving ${fit(reason, MAX_LINE - 9)}\n`
}

/** The handler asks the whole server to stop. */
export function formatShutdown(graceful: boolean): string {
  return graceful ? 'shutdown graceful\n' : 'shutdown now\n'
}

/** What the kid is doing with an order; any text is made to fit. */
export function formatLabel(seq: number, label: string): string {
  const head = `label ${check(seq, 0, MAX_SEQ)} `
  return `${head}${fit(label, MAX_LINE - head.length - 1)}\n`
}

/** `count` detached connections have ended. */
export function formatEnded(count: number): string {
  return `ended ${check(count, 1, MAX_COUNT)}\n`
}

/** What detached connection number `id` is doing; any text is made to fit. */
export function formatDetached(id: number, status: string): string {
  const head = `detached ${check(id, 0, MAX_SEQ)} `
  return `${head}${fit(status, MAX_LINE - head.length - 1)}\n`
}

/** The end of a report: how many detached connections there are, named or not. */
export function formatReported(count: number): string {
  return `reported ${check(count, 0, MAX_COUNT)}\n`
}
