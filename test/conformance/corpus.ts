/** The probes: what is sent to a server on a connection of its own; read by whoever sends them. */

import { readFileSync } from 'node:fs'

export interface Probe {
  /** The suite it is from; see README.md. */
  readonly source: string
  /** What it is called there. */
  readonly name: string
  /** Sent one after another, with a pause between them. */
  readonly parts: readonly Buffer[]
}

interface Line {
  readonly source: string
  readonly name: string
  readonly parts: readonly string[]
}

export function readCorpus(): Probe[] {
  const text = readFileSync(new URL('corpus.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as Line[]).map(({ source, name, parts }) => ({
    source,
    name,
    parts: parts.map((part) => Buffer.from(part, 'latin1')),
  }))
}

/** All that a probe sends, a character for each byte. */
export function textOf(probe: Probe): string {
  return Buffer.concat(probe.parts).toString('latin1')
}
