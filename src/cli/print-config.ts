/** `preforkd --print-config`: the values in force, as a table that says where each comes from. */

import { formatDuration } from '../durations.js'
import {
  hookNames,
  type OptionName,
  type OptionRow,
  type Options,
  optionTable,
  type PreforkerOptions,
  parseOptions,
} from '../options.js'
import { formatSize } from '../sizes.js'
import type { Configuration } from './configuration.js'

type Line = readonly [name: string, value: string, origin: string]

/** The text to print. */
export function printConfiguration({ options, origins, file }: Configuration): string {
  const complete = parseOptions(options)
  const lines: Line[] = optionTable.map((row) => [
    row.name,
    shownValue(row, options, complete),
    origins.get(originName(row.name, options)) ?? 'default',
  ])
  for (const name of ['log', 'env', ...hookNames] as const) {
    if (options[name] !== undefined) lines.push([name, codeOnly(name, options), 'file'])
  }
  const widths = [0, 1].map((i) => Math.max(...lines.map((line) => (line[i] as string).length)))
  const rows = lines.map(([name, value, origin]) =>
    `${name.padEnd(widths[0] as number)}  ${value.padEnd(widths[1] as number)}  ${origin}`.trimEnd(),
  )
  const heading =
    file === undefined ? 'no configuration file was read' : `configuration file: ${file}`
  return `# ${heading}\n${rows.join('\n')}\n`
}

/** Where the value of an option was decided: all that a fixed pool has is decided by `kids`. */
function originName(name: OptionName, options: PreforkerOptions): OptionName {
  const sized = ['startKids', 'minSpare', 'maxSpare', 'maxKids'].includes(name)
  return sized && options.kids !== undefined ? 'kids' : name
}

function shownValue(row: OptionRow, given: PreforkerOptions, complete: Options): string {
  switch (row.name) {
    case 'kids':
      return given.kids === undefined ? 'none' : `${given.kids}`
    case 'listen':
      return JSON.stringify([given.listen ?? row.default].flat())
    case 'nodeArgs':
      return complete.nodeArgs.length === 0 ? row.default : JSON.stringify(complete.nodeArgs)
    case 'inspectKids': {
      const { host, port } = complete.inspectKids ?? {}
      return host === undefined ? row.default : `${host}:${port}`
    }
    case 'maxConnectionsJitter':
      // Without the last digits of a fraction that has no exact binary form.
      return `${Number((complete.maxConnectionsJitter * 100).toFixed(6))}%`
    case 'umask':
      return complete.umask === undefined
        ? row.default
        : complete.umask.toString(8).padStart(3, '0')
  }
  const value = (complete as unknown as Record<string, unknown>)[row.name]
  if (value === undefined) return row.kind === 'duration' ? 'off' : row.default || 'none'
  if (typeof value === 'number' && row.kind === 'duration') return formatDuration(value)
  if (typeof value === 'number' && row.kind === 'size') return formatSize(value)
  return row.kind === 'choice' || value === 'never' ? String(value) : JSON.stringify(value)
}

/** What only code can say: never the values of variables, which may be secret. */
function codeOnly(name: OptionName, options: PreforkerOptions): string {
  if (name === 'env') return JSON.stringify(Object.keys(options.env ?? {}))
  return name === 'log' ? 'a logger' : 'a function'
}
