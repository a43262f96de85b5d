/** Docs: those that are made from the source are in step, and what the others say can be checked is checked. */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { commandFlags, flagName, variableName } from '../src/cli/flags.js'
import type { Effect, Event } from '../src/core/events.js'
import { type KidState, kidTransitions } from '../src/core/kid-states.js'
import { step } from '../src/core/round.js'
import { newState } from '../src/core/scoreboard.js'
import {
  actionOn,
  type Doing,
  type Signal,
  type SignalAction,
  type Situation,
  signals,
} from '../src/core/signals.js'
import { exitCodes } from '../src/errors.js'
import { LINGER_BYTES, LINGER_TIME } from '../src/handlers/lingering.js'
import { defaultScgiLimits } from '../src/handlers/scgi/limits.js'
import { hookNames } from '../src/option-checks.js'
import { optionTable } from '../src/options.js'
import { environmentNames, FEATURES, MAX_COUNT, MAX_LINE, MAX_SEQ } from '../src/protocol/limits.js'
import { formatAccept, formatLeave, parseStatus } from '../src/protocol/lines.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const textOf = (path: string) => readFileSync(join(root, path), 'utf8')

/** `npm run docs` runs this file with tap's --snapshot: then what is made from the source is written anew. */
const writes = process.env.TAP_SNAPSHOT === '1'

const made = (from: string) => `<!-- Made from ${from} by npm run docs. Do not edit. -->\n`

/** The members of a union type that stand one a line, with what the comment behind each says. */
function meaningsOf(source: string, type: string): Map<string, string> {
  const union = new RegExp(`export type ${type} =\\n((?: {2}\\| '.*\\n)+)`).exec(source)?.[1] ?? ''
  const members = union.matchAll(/\| '(.+)' \/\/ (.*)\n/g)
  return new Map([...members].map(([, name, meaning]) => [name as string, meaning as string]))
}

/** A table in columns, as the formatter would have it. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')))
  const widths = head.map((_, i) => Math.max(...cells.map((row) => row[i]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |\n`
  const [first = [], ...rest] = cells.map(line)
  return [first, line(widths.map((width) => '-'.repeat(width))), ...rest].join('')
}

function statesDoc(): string {
  const path = 'src/core/kid-states.ts'
  const source = textOf(path)
  const arrows = ['  [*] --> pending: spawn']
  for (const [from, changes] of Object.entries(kidTransitions)) {
    for (const [change, to] of Object.entries(changes))
      arrows.push(`  ${from} --> ${to}: ${change}`)
  }
  arrows.push('  gone --> [*]')
  const meanings = (type: string) => [...meaningsOf(source, type)].map(([a, b]) => [`\`${a}\``, b])
  return `${made(path)}
# The life of a kid

The state says what the parent may do with the kid, not how many connections it
holds: a kid with several slots is idle while one of them is free. A change that
is not drawn cannot happen; if it did, that would be a defect of preforkd.

\`\`\`mermaid
stateDiagram-v2
${arrows.join('\n')}
\`\`\`

${table(['state', 'meaning'], meanings('KidState'))}
${table(['change', 'what happened'], meanings('KidChange'))}
The counts of kids by state are in \`status().states\`, without those that are
gone; they add up to the number of processes alive.
`
}

function optionsDoc(): string {
  const code = (text: string) => (text === '' ? '' : `\`${text}\``)
  const rows = optionTable.map(({ name, placeholder, default: standard, meaning }) => [
    code(name),
    `\`${flagName(name)} ${placeholder}\``,
    /^[^ ]+$/.test(standard) ? code(standard) : standard,
    meaning,
  ])
  const named = optionTable
    .filter(({ name }) => variableName(name) === undefined)
    .map(({ name }) => `\`${name}\``)
  return `${made('the table in src/option-table.ts')}
# Options

Names are the same in code and, in kebab-case, on the command line. What is
wrong is refused at the start, in one sentence that names the option, the value
and what was expected.

Durations have a unit on the command line: \`500ms\`, \`5s\`, \`2m\`, \`1h\`. In code a
number is milliseconds, and a text is as on the command line. Likewise sizes:
\`300MB\`, \`1GiB\`, or in code a number of bytes.

The pool grows and shrinks between \`minSpare\` and \`maxSpare\` idle kids, and
never beyond \`maxKids\`; with \`minSpare\` 0 it is on demand. \`kids\` fixes it.

${table(['option', 'flag', 'default', 'meaning'], rows)}
In the library and in a configuration file only:

${table(
  ['option', 'meaning'],
  [
    ['`log`', 'a pino logger for the parent, instead of its own'],
    ['`env`', "environment for kids, on top of the parent's"],
    ...hookNames.map((name) => [`\`${name}\``, 'a hook: see [configuration.md](configuration.md)']),
  ],
)}
## Flags of the command

${table(
  ['flag', 'meaning'],
  commandFlags.map(([flag, meaning]) => [`\`${flag}\``, meaning]),
)}
\`PREFORKD_CONFIG\` stands for \`--config\`.

## Which counts

A flag, then the environment, then the [configuration file](configuration.md),
then the default. The environment has
\`PREFORKD_START_KIDS\` for \`startKids\` and so on, for each option but
${named.join(' and ')}; lists such as \`PREFORKD_LISTEN\` are separated by commas.
\`WEB_CONCURRENCY\` stands for \`kids\` where neither a flag nor \`PREFORKD_*\` says
how many. Of options that exclude each other, such as \`kids\` and \`maxKids\`, the
one from the stronger source counts.

## Which contradict each other

- \`handler\` and \`kid\`: exactly one says what serves the connections.
- \`kids\` with \`startKids\`, \`minSpare\`, \`maxSpare\` or \`maxKids\`: a fixed pool,
  or one that grows.
- \`minSpare\` must be at most \`maxSpare\`, it and \`startKids\` at most \`maxKids\`.
- \`startKids\` 0 needs \`minSpare\` 0.
- \`log\` with \`logFile\`: a logger of one's own has its own place to write to.
- \`lateAfter\` must be shorter than \`acceptTimeout\`, or \`never\`.
- \`shedAfter\` with \`overload\` \`abrupt\`: nothing waits that could be shed.
- \`shedAfter\` with a Unix socket: how many wait there is not known.
- \`overloadReply\` needs \`shedAfter\` or \`overload\` \`abrupt\`.
- \`drainGrace\` must be shorter than \`stopTimeout\`: it is a part of it.
- \`keepAliveTimeout\`, \`drainGrace\` and \`maxParked\` need \`protocol\` \`http\`,
  \`allowHalfOpen\` needs a handler of plain connections, \`skipGone\` and
  \`tcpKeepAlive\` a handler.
`
}

/** What the parent does about a signal, in the words that the page explains. */
const actionWords: Readonly<Record<SignalAction, string>> = {
  stop: 'graceful stop',
  quit: 'quick stop',
  reload: 'reload',
  reopenLog: 'log file anew',
  upgrade: 'upgrade',
  refuseUpgrade: 'refused, with a line',
  more: 'one kid more',
  fewer: 'one kid less',
  park: 'park',
  nothing: '-',
}
const doings: readonly Doing[] = ['starting', 'running', 'parked', 'draining', 'quitting']
const plain = { upgrading: false, isFirst: false, onTerminal: false }
/** What changes the meaning of a signal, whatever else the parent is doing. */
const exceptions: readonly [words: string, situation: Partial<Situation>][] = [
  ['an upgrade is under way', { upgrading: true }],
  ['it is process 1', { isFirst: true }],
  ['it runs on a terminal', { onTerminal: true }],
]

function signalTables(): string {
  const nameOf = (signal: Signal) => signal.slice('SIG'.length)
  const rows = signals.map((signal) => [
    nameOf(signal),
    ...doings.map((doing) => actionWords[actionOn(signal, { doing, ...plain })]),
  ])
  const unless = exceptions.flatMap(([words, situation]) =>
    signals.flatMap((signal) => {
      const changed = doings.flatMap((doing) => {
        const action = actionOn(signal, { doing, ...plain, ...situation })
        return action === actionOn(signal, { doing, ...plain }) ? [] : [[doing, action] as const]
      })
      const actions = [...new Set(changed.map(([, action]) => action))]
      return actions.map((action) => {
        const when = changed.filter(([, each]) => each === action).map(([doing]) => `\`${doing}\``)
        return [words, nameOf(signal), when.join(', '), actionWords[action]]
      })
    }),
  )
  return `${table(['signal', ...doings.map((doing) => `\`${doing}\``)], rows)}
A hyphen is for nothing at all. And, unlike the above:

${table(['when', 'signal', 'while', 'does'], unless)}`
}

/** A page with its tables made anew; the rest is written by hand. */
function signalsDoc(): string {
  const [before = '', rest = ''] = textOf('docs/signals.md').split(made('src/core/signals.ts'))
  const after = rest.split('<!-- end -->\n')[1] ?? ''
  return `${before}${made('src/core/signals.ts')}\n${signalTables()}\n<!-- end -->\n${after}`
}

for (const [path, make] of [
  ['docs/states.md', statesDoc],
  ['docs/signals.md', signalsDoc],
  ['docs/options.md', optionsDoc],
] as const) {
  t.test(`${path} is in step with the source (if not: npm run docs)`, async (t) => {
    if (writes) writeFileSync(join(root, path), make())
    t.equal(textOf(path), make())
  })
}

t.test(
  'every state and every change has its meaning in the tables below the diagram',
  async (t) => {
    const source = textOf('src/core/kid-states.ts')
    t.strictSame([...meaningsOf(source, 'KidState').keys()], Object.keys(kidTransitions))
    const changes = new Set(Object.values(kidTransitions).flatMap((row) => Object.keys(row)))
    t.strictSame([...meaningsOf(source, 'KidChange').keys()].sort(), [...changes].sort())
    for (const state of Object.keys(kidTransitions) as KidState[]) {
      t.match(textOf('docs/states.md'), `| \`${state}\` `)
    }
  },
)

const pages = [
  'README.md',
  'CHANGELOG.md',
  ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`),
  ...readdirSync(join(root, 'examples')).map((name) => `examples/${name}/README.md`),
].filter((path) => path.endsWith('.md'))

/** A page without code, tables, comments and the addresses of links. */
function proseOf(page: string): string[] {
  return textOf(page)
    .replaceAll(/^```.*?^```$/gms, '')
    .replaceAll(/^( {4}|\||<!--).*$/gm, '')
    .replaceAll(/\]\([^)]*\)/g, ']')
    .split('\n')
}

t.test('pages are ASCII in 80 columns, in our words, and their links lead somewhere', async (t) => {
  t.ok(pages.length >= 11, `${pages.length} pages were read`)
  for (const page of pages) {
    t.notMatch(textOf(page), /[^\n -~]/, `${page} is plain ASCII`)
    const tooLong = proseOf(page).filter((line) => line.length > 80)
    t.strictSame(tooLong, [], `${page} has 80 columns`)
    const text = proseOf(page).join('\n')
    t.notMatch(text, /\b(masters?|slaves?|workers?|child|children|utils|helpers?)\b/i, page)
    for (const [, link] of textOf(page).matchAll(/\]\(([^)]+)\)/g)) {
      const target = (link as string).split('#', 1)[0] as string
      if (/^https?:/.test(target) || target === '') continue
      t.ok(existsSync(join(root, dirname(page), target)), `${page} links to ${target}`)
    }
  }
})

t.test(
  'the pages on signals and operations explain every signal, action and exit code',
  async (t) => {
    const page = textOf('docs/signals.md')
    const words = new Set(Object.values(actionWords))
    for (const each of words) {
      if (each === '-' || each === actionWords.refuseUpgrade) continue
      t.match(page, `**${each === actionWords.fewer ? 'one less' : each}**`)
    }
    const codes = Object.values(exitCodes)
    for (const code of codes) t.match(page, new RegExp(`^\\| ${code}\\b`, 'm'), `exit code ${code}`)
    const readme = textOf('README.md').split('\n## Signals and exit codes\n')[1] ?? ''
    for (const signal of signals) t.match(readme, new RegExp(`\\b${signal.slice(3)}\\b`), signal)
    for (const code of codes.filter((code) => code < 125)) t.match(readme, `| ${code} `)
  },
)

t.test('links to a heading lead to one', async (t) => {
  for (const page of pages) {
    for (const [, file = '', heading] of textOf(page).matchAll(/\]\(([^)#:]*)#([^)]+)\)/g)) {
      const target = file === '' ? page : join(dirname(page), file)
      const headings = [...textOf(target).matchAll(/^#+ (.*)$/gm)].map(([, text]) =>
        (text as string)
          .toLowerCase()
          .replaceAll(/[^a-z0-9 _-]/g, '')
          .replaceAll(' ', '-'),
      )
      t.ok(headings.includes(heading as string), `${page}: ${target}#${heading}`)
    }
  }
})

t.test('the two commands are in the first screen, and the CI runs the second', async (t) => {
  const screen = textOf('README.md').split('\n').slice(0, 24).join('\n')
  t.match(screen, '    npm ci && npm start\n    npm ci && npm test\n')
  t.match(textOf('.ci/run'), /^\(npm ci && npm test\)$/m)
})

t.test('options the README names exist and have the defaults it says', async (t) => {
  const part = textOf('README.md').split('\n## Options\n')[1]?.split('\n## ', 1)[0] ?? ''
  const rows = [...part.matchAll(/^\| `(\w+)` +\| (.*?) *\| /gm)]
  t.ok(rows.length > 5)
  for (const [, name, standard] of rows) {
    const row = optionTable.find((each) => each.name === name)
    t.equal(standard?.replaceAll('`', ''), row?.default, `${name}`)
  }
})

t.test('the configuration page has every hook', async (t) => {
  for (const name of hookNames) t.match(textOf('docs/configuration.md'), `| \`${name}\` `)
})

t.test('the protocol page has every line, limit and variable', async (t) => {
  const page = textOf('docs/protocol.md')
  const first = ['idle', 'accepted', 'failed', 'done', 'label', 'leaving', 'shutdown']
  for (const type of [...first, 'park', 'resume', 'waiting', 'cut', 'skip', 'detach', 'ended']) {
    t.match(page, new RegExp(`^\\| kid +\\| \`${type}[ \`]`, 'm'))
  }
  for (const type of ['accept', 'leave', 'pressure', 'report', 'room', 'unpark'])
    t.match(page, new RegExp(`^\\| parent +\\| \`${type}[ \`]`, 'm'))
  for (const name of Object.values(environmentNames)) t.match(page, `| \`${name}\` `)
  for (const limit of [MAX_COUNT, MAX_SEQ]) t.match(page, ` to ${limit}`)
  t.match(page, `at most ${MAX_LINE} bytes`)
  t.match(page, `\`${FEATURES.join(' ')}\``)
  for (const feature of FEATURES) t.match(page, `| \`${feature}\` `)
})

t.test('every reason to kill is on the protocol page', async (t) => {
  const reasons = meaningsOf(textOf('src/core/events.ts'), 'KillReason')
  t.ok(reasons.size > 8)
  for (const reason of reasons.keys()) t.match(textOf('docs/protocol.md'), `| \`${reason}\` `)
})

/** A server of one kid with two slots and one listener, played without processes. */
function play(line: string, server: ReturnType<typeof newServer>): void {
  const kid = 1
  const feed = (event: Event) => server.told.push(...step(server.state, event, server.now))
  if (line === '(a client connects)') {
    server.depth++
    feed({ type: 'readable', listener: 0 })
  } else if (line === '(a stop begins)') {
    feed({ type: 'stop', graceful: true, depths: [server.depth] })
  } else if (line === '(the kid exits)') {
    feed({ type: 'reaped', kid })
  } else if (line.startsWith('kid ')) {
    const status = parseStatus(line.slice('kid '.length).trimStart())
    if (typeof status === 'string') throw new Error(status)
    if (status.type === 'accepted') server.depth -= status.count
    feed({ type: 'status', kid, status })
  }
  feed({ type: 'turn', depths: [server.depth] })
  server.now++
}

function newServer(slots: number) {
  const { POSITIVE_INFINITY: never } = Number
  const state = newState({
    ...{ depthKnown: [true], slots, startKids: 1, maxKids: 1, pick: 'warm', maxOrders: never },
    ...{ lateAfter: 5, acceptTimeout: 1000, readyTimeout: 1000, connectionTimeout: never },
    ...{ stopTimeout: 1000, overload: 'graceful', shedAfter: never },
    ...{ kidEndsConnections: false, pressure: false, commanded: true, spawnGap: 0 },
    ...{ leastKids: 1, minSpare: 0, maxSpare: never, idleTimeout: never },
    ...{ maxConnections: never, maxConnectionsJitter: 0, maxAge: never },
  })
  return { state, depth: 0, now: 0, told: [] as Effect[] }
}

/** What the parent has written down the kid's command pipe. */
function commandsIn(effects: readonly Effect[]): string[] {
  const commands: string[] = []
  for (const effect of effects) {
    if (effect.type === 'order') {
      commands.push(formatAccept(effect.seq, effect.listener, effect.count).trimEnd())
    } else if (effect.type === 'leave') commands.push(formatLeave().trimEnd())
  }
  return commands
}

t.test('the examples on the protocol page go as they say', async (t) => {
  const page = textOf('docs/protocol.md')
  const transcripts = [...page.matchAll(/<!-- transcript -->\n```\n(.*?)\n```/gs)]
  const counted = transcripts.map(([, transcript = '']) => {
    const lines = transcript.split('\n')
    t.ok(lines.length > 8)
    const server = newServer(lines.includes('kid     idle 1') ? 1 : 2)
    for (const line of lines) {
      if (line.startsWith('parent ')) {
        t.strictSame(commandsIn(server.told), [line.slice('parent '.length).trimStart()])
        server.told = []
        continue
      }
      t.strictSame(commandsIn(server.told), [], `nothing else was said before: ${line}`)
      server.told = []
      play(line, server)
    }
    t.match(server.told.at(-1), { type: 'stopped' })
    const { accepted, done, lost } = server.state.counters
    return { accepted, done, lost }
  })
  t.strictSame(counted, new Array(2).fill({ accepted: 2, done: 2, lost: 0 }))
})

t.test('what the page about security says is shown by a test is', async (t) => {
  const rows = [...textOf('docs/security.md').matchAll(/^\|.*\| `(test\/.+?)`: (.+?) +\|$/gm)]
  t.ok(rows.length > 30)
  for (const [, file = '', title = ''] of rows) {
    t.ok(textOf(file).includes(title), `${file} has: ${title}`)
  }
})

t.test('the page about SCGI has every limit with its default', async (t) => {
  const written: Record<string, string> = {
    maxHeaderBytes: '65,536 bytes',
    maxHeaders: '256',
    headersTimeout: '10 s',
    requestTimeout: '1 min',
    sendTimeout: '1 min',
  }
  const numbers = { '65,536 bytes': 65_536, '256': 256, '10 s': 10_000, '1 min': 60_000 }
  for (const [name, value] of Object.entries(defaultScgiLimits)) {
    const text = written[name] as keyof typeof numbers
    t.equal(numbers[text], value, name)
    t.match(textOf('docs/scgi.md'), new RegExp(`^\\| \`${name}\` +\\| ${text} +\\|`, 'm'))
  }
  t.match(textOf('docs/scgi.md'), `${LINGER_TIME / 1000} s and ${LINGER_BYTES / 1024 ** 2} MiB`)
})
