/** `npm run reliability`: makes docs/reliability.md of the figures that runs have left in .results. */

import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Result, readResults } from './results.js'
import { type Group, groups } from './row.js'

/** What each result is about, under its own heading. */
const about: Record<Result['name'], { title: string; text: string }> = {
  faults: {
    title: 'Faults',
    text: `Each fault has a number, and a row that brings it about against a real server:
by signals, limits and kids that misbehave, and where nothing real will do it,
by strace. A row is survived when what it expects is so, and when afterwards a
client is served, everything adds up (no connection lost that no counter
explains, none served twice), and nothing is left: no process, no zombie, no
descriptor.`,
  },
  hostile: {
    title: 'Hostile kids',
    text: `Lines that no honest kid would write, by chance and by changing honest ones: in
process, against the decoder and the core in every state of a kid, each line
judged a second time by other code; and by kids of a real parent that serves
clients meanwhile.`,
  },
  exploration: {
    title: 'Every state of the core',
    text: `All that can happen to a small pool, in every order: each state is visited once
and looked at.`,
  },
  model: {
    title: 'An independent model',
    text: `The round as a model in Promela, checked by spin: it shares no line with the
source.`,
  },
  mutants: {
    title: 'Mutants',
    text: `The core, broken on purpose in one place at a time: tests must notice.`,
  },
  soak: {
    title: 'Soak',
    text: `Load without end, and a fault by chance every few seconds.`,
  },
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows]
  const widths = head.map((_, i) => Math.max(...cells.map((row) => row[i]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`
  const rule = line(widths.map((width) => '-'.repeat(width)))
  return [line(head), rule, ...rows.map(line)].join('\n')
}

/** Thousands apart, so that a million can be read. */
function shown(value: number | string): string {
  return typeof value === 'number' ? value.toLocaleString('en-GB') : value
}

const groupColumns = ['faults', 'injected', 'survived', 'skipped', 'notBuilt', 'repeats'] as const

/** Faults by group, then all the other figures, then what was not run. */
function faultTables(figures: Result['figures']): string {
  const value = (group: string, column: string) => Number(figures[`${group} ${column}`] ?? 0)
  const letters = Object.keys(groups) as Group[]
  const rows = letters.map((group) => [
    `${group}: ${groups[group]}`,
    ...groupColumns.map((column) => shown(value(group, column))),
  ])
  const sums = groupColumns.map((column) =>
    shown(letters.reduce((sum, group) => sum + value(group, column), 0)),
  )
  const isOfGroup = (key: string) => /^[A-G] \w+$/.test(key)
  const isRow = (key: string) => /^row \d/.test(key)
  const entries = Object.entries(figures)
  const others = entries.filter(([key]) => !isOfGroup(key) && !isRow(key))
  const notRun = entries.filter(([key]) => isRow(key))
  const head = ['group', 'faults', 'injected', 'survived', 'skipped', 'not built', 'runs']
  return [
    table(head, [...rows, ['all', ...sums]]),
    `Not built is what preforkd does not have. Of times the median and the largest
are given. A stall is a turn of the parent's event loop, time without a
processor aside; turns in which a kid is spawned are counted apart, and rows
that stop or trace the parent are left out.`,
    table(
      ['figure', 'value'],
      others.map(([key, value]) => [key, key === 'seed' ? String(value) : shown(value)]),
    ),
    ...(notRun.length === 0
      ? []
      : [
          'Not run:',
          table(
            ['row', 'why'],
            notRun.map(([key, value]) => [key, String(value)]),
          ),
        ]),
  ].join('\n\n')
}

function section({ name, at, command, machine, figures }: Result): string {
  const { title, text } = about[name]
  const tables =
    name === 'faults'
      ? faultTables(figures)
      : table(
          ['figure', 'value'],
          Object.entries(figures).map(([key, value]) => [key, shown(value)]),
        )
  const where = machine === undefined ? '' : ` on ${machine}`
  return `## ${title}

${text}

    ${command}

Measured ${at.slice(0, 10)}${where}.

${tables}
`
}

function page(results: readonly Result[]): string {
  return `<!-- Made by npm run reliability from .results. Do not edit. -->

# Reliability

What was done to preforkd, and what came of it. Each part names the command
that measures it again. All of it is of one machine, over loopback; processors
were shared with whatever else ran there. Figures of time say what is usual
there, and promise nothing elsewhere. What of it is tried in each run of
\`npm test\`, and how to add to it, is in [contributing.md](contributing.md).

${results.map(section).join('\n')}`
}

const results = readResults()
if (results.length === 0) {
  console.error('nothing in .results: run `npm run faults -- --keep` first')
  process.exit(1)
}
const path = fileURLToPath(new URL('../../docs/reliability.md', import.meta.url))
// Pages are plain ASCII, whatever a figure's unit is.
writeFileSync(path, page(results).replaceAll(/[^\n -~]/g, '?'))
console.log(`${path}: ${results.map(({ name }) => name).join(', ')}`)
