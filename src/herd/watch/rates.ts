/** What happened between two samples of a server, a second; and how it is written. Pure. */

import { type Cost, costBetween } from '../counters.js'
import { plain } from '../show/scales.js'
import type { Sample } from './sample.js'

/** Of one process, or of several together; null where the kernel does not tell. */
export interface Rates {
  /** Context switches a second. */
  readonly voluntary: number
  readonly involuntary: number
  /** Of one core. */
  readonly cpuPercent: number | null
  /** Milliseconds a second that it was ready and waited for a core. */
  readonly delayMs: number | null
}

/** The rates of a process between two samples; undefined where it was not in both. */
export function ratesOf(pid: number, before: Sample, after: Sample): Rates | undefined {
  const [was, is] = [before.costs.get(pid), after.costs.get(pid)]
  const seconds = (after.at - before.at) / 1000
  if (was === undefined || is === undefined || !(seconds > 0)) return undefined
  const cost = costBetween(was, is)
  // A thread that has ended takes its past with it.
  const each = (value: number) => Math.max(0, value) / seconds
  return {
    voluntary: each(cost.voluntary),
    involuntary: each(cost.involuntary),
    cpuPercent: cost.cpuNs === null ? null : each(cost.cpuNs) / 1e7,
    delayMs: cost.delayNs === null ? null : each(cost.delayNs) / 1e6,
  }
}

/** Rates together. */
export function total(all: readonly Rates[]): Rates {
  const sum = (values: readonly (number | null)[]) =>
    values.some((value) => value === null) ? null : values.reduce<number>((a, b) => a + (b ?? 0), 0)
  return {
    voluntary: sum(all.map(({ voluntary }) => voluntary)) ?? 0,
    involuntary: sum(all.map(({ involuntary }) => involuntary)) ?? 0,
    cpuPercent: sum(all.map(({ cpuPercent }) => cpuPercent)),
    delayMs: sum(all.map(({ delayMs }) => delayMs)),
  }
}

/** The names of the columns. */
export const heading = row('', 'pid', 'vol/s', 'invol/s', 'CPU %', 'delay ms/s')

/** The lines of a second: parent, kids, total, queues. At most `most` kids, those that woke most often. */
export function linesOf(before: Sample, after: Sample, most = Number.POSITIVE_INFINITY): string[] {
  const kids = after.kids.map((pid) => ({ pid, rates: ratesOf(pid, before, after) }))
  const known = kids.flatMap(({ rates }) => (rates === undefined ? [] : [rates]))
  const often = ({ rates }: (typeof kids)[number]) => -(rates?.voluntary ?? 0)
  const shown =
    kids.length <= most ? kids : [...kids].sort((a, b) => often(a) - often(b)).slice(0, most)
  const left = kids.length - shown.length
  return [
    line('parent', `${after.parent}`, ratesOf(after.parent, before, after)),
    ...shown.map(({ pid, rates }) => line('kid', `${pid}`, rates)),
    ...(left === 0 ? [] : [`... and ${left} more kids`]),
    line('kids', `${kids.length}`, total(known)),
    ...after.listeners.map(({ address, depth }) => `queue ${address}: ${depth} wait`),
    ...changes(before, after),
  ]
}

function line(who: string, pid: string, rates: Rates | undefined): string {
  if (rates === undefined) return row(who, pid, '-', '-', '-', '-')
  const { voluntary, involuntary, cpuPercent, delayMs } = rates
  const text = (value: number | null) => (value === null ? '-' : plain(value))
  return row(who, pid, text(voluntary), text(involuntary), text(cpuPercent), text(delayMs))
}

function row(who: string, ...values: string[]): string {
  return who.padEnd(7) + values.map((value) => value.padStart(11)).join('')
}

/** What is worth a word because it is rare. */
function changes(before: Sample, after: Sample): string[] {
  const [came, went] = [
    after.kids.filter((pid) => !before.kids.includes(pid)).length,
    before.kids.filter((pid) => !after.kids.includes(pid)).length,
  ]
  const overflows = after.overflows - before.overflows
  const drops = after.drops - before.drops
  return [
    ...(came + went > 0 ? [`kids: ${came} came, ${went} went`] : []),
    ...(overflows + drops > 0
      ? [`listeners of this machine overflowed ${overflows} times, dropped ${drops}`]
      : []),
  ]
}

/** What of a server cannot be seen, in sentences; of a sample. */
export function unseen({ parent, kids, listeners, hidden, costs }: Sample): string[] {
  const noSchedstat = [...costs.values()].some(({ cpuNs }: Cost) => cpuNs === null)
  return [
    ...(kids.length === 0 ? [`process ${parent} has no kids`] : []),
    ...(noSchedstat ? ['this kernel keeps no schedstat: CPU and delay are not known'] : []),
    ...(hidden.length > 0
      ? [
          `the descriptors of ${hidden.length} processes (${hidden[0]} for one) may not be seen: run as their user or root to see all queues`,
        ]
      : []),
    ...(hidden.length === 0 && listeners.length === 0
      ? ['it has no TCP listener: of Unix sockets /proc does not tell the queue']
      : []),
  ]
}
