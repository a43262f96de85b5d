/** A comparison as text: a line for each source, then every difference with what was sent and what came back. */

import type { Comparison, Difference } from './compare.js'
import { exceptions } from './exceptions.js'
import type { Answer } from './send.js'

/** Longer pieces are cut: two requests and their answers fit. */
const longest = 600

/** Sources with their counts, as a table. */
export function tableOf({ probes, differences }: Comparison): string {
  const sources = new Map<string, { probes: number; different: number }>()
  const rowOf = (source: string) => {
    const row = sources.get(source) ?? { probes: 0, different: 0 }
    sources.set(source, row)
    return row
  }
  for (const { source } of probes) rowOf(source).probes++
  for (const { probe } of differences) rowOf(probe.source).different++
  const lines = [['source', 'probes', 'same', 'different']]
  for (const [source, row] of sources) {
    lines.push([source, ...[row.probes, row.probes - row.different, row.different].map(String)])
  }
  return lines
    .map(
      ([name = '', ...counts]) => `${name.padEnd(20)}${counts.map((n) => n.padStart(10)).join('')}`,
    )
    .join('\n')
}

/** One difference: what was sent, and what each has made of it. */
export function describe({ probe, plain, ours }: Difference): string {
  const sent = probe.parts.map((part) => shown(part.toString('latin1'))).join(' then ')
  return [
    `${probe.source} ${probe.name}`,
    `  sent      ${sent}`,
    `  Node.js   ${heard(plain)}`,
    `  preforkd  ${heard(ours)}`,
  ].join('\n')
}

/** How often each exception was made. */
export function exceptionsOf({ differences }: Comparison): string {
  return exceptions
    .map(({ name, why }) => {
      const count = differences.filter(({ exception }) => exception?.name === name).length
      return `on purpose: ${count} of ${name} (${why})`
    })
    .join('\n')
}

function heard({ text, end }: Answer): string {
  return `${end}, ${text === '' ? 'nothing' : shown(text)}`
}

function shown(text: string): string {
  const all = JSON.stringify(text)
  return all.length > longest ? `${all.slice(0, longest)}... (${text.length} bytes)` : all
}
