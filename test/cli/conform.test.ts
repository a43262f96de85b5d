/** `preforkd conform`: our own kid passes every case, what is printed of others, and what is refused. */

import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { runConform } from '../../src/cli/conform.js'
import { parseFlags } from '../../src/cli/flags.js'
import { titles } from '../../src/conform/run.js'
import { UsageError } from '../../src/errors.js'
import { fixture, Run } from './run.js'

/** A busy machine is no fault of a kid's. */
const patient = ['--accept-timeout', '10s', '--done-timeout', '20s', '--ready-timeout', '30s']

/** The lines that it prints, and its exit code. */
async function conform(t: Test, args: readonly string[]) {
  const run = new Run(t, ['conform', ...args], {
    env: { BAD_KIDS: Array.from({ length: 40 }, (_, i) => i + 1).join(',') },
  })
  const code = await run.end(t, 120_000)
  t.equal(run.stderr, '')
  return { code, lines: run.stdout.trimEnd().split('\n') }
}

t.test('our own kid passes', async (t) => {
  const handler = fixture('../../examples/echo/handler.js')
  const { code, lines } = await conform(t, ['--handler', handler, '--slots', '2', ...patient])
  t.match(lines[0], /^ok {3}the first line is idle SLOTS \(2 slots, after \d+ ms\)$/)
  t.strictSame(
    lines.map((line) => line.replace(/ \(.*/, '')),
    [
      ...titles.slice(0, -1).map((title) => `ok   ${title}`),
      `skip ${titles.at(-1)}: this kid is our own`,
      `${titles.length - 1} passed, 0 failed, 1 skipped`,
    ],
  )
  t.equal(code, 0)
})

t.test('a kid that does not come up is tried no further, and what it wrote is shown', async (t) => {
  const kid = `${process.execPath} ${fixture('kids/exits-on-boot.js')}`
  const { code, lines } = await conform(t, ['--kid', kid])
  t.strictSame(lines, [
    `FAIL ${titles[0]}: expected "idle SLOTS", but it said nothing, and ended with exit code 7`,
    '     the kid wrote: I cannot find my socks',
    `0 passed, 1 failed, 0 skipped, ${titles.length - 1} not tried, because no kid comes up`,
  ])
  t.equal(code, 1)
})

/** What it says to these flags, without having started anything. */
async function refusal(...argv: string[]): Promise<string> {
  try {
    const flags = parseFlags(['conform', ...argv])
    if (flags.action === 'conform') await runConform(flags.texts)
    return 'nothing'
  } catch (error) {
    if (error instanceof UsageError) return error.message
    throw error
  }
}

t.test('its flags are its own, and what cannot be is refused in a sentence', async (t) => {
  const kid = ['--kid', 'true']
  t.strictSame(parseFlags(['conform', ...kid, '--send', 'x']), {
    action: 'conform',
    texts: new Map(Object.entries({ kid: 'true', send: 'x' })),
  })
  const help = parseFlags(['conform', '--help'])
  t.match(help, { action: 'print', text: /^Usage: preforkd conform --kid COMMAND/ })
  for (const [argv, sentence] of [
    [[], 'conform must be given a kid to try: --kid COMMAND or --handler FILE'],
    [['--kidd', 'x'], "unknown option '--kidd', did you mean --kid?"],
    [['--kid'], '--kid must have a value'],
    [[...kid, '--listen', '1'], "unknown option '--listen'"],
    [
      ['--kid', 'python3', 'kid.py'],
      `unexpected argument "kid.py": a command with arguments needs quotes, as in --kid 'python3 kid.py'`,
    ],
    [
      [...kid, '--handler', 'h.js'],
      "--kid and --handler contradict each other: --handler is for preforkd's own kid",
    ],
    [
      [...kid, '--slots', '2'],
      "--kid and --slots contradict each other: --slots is for preforkd's own kid",
    ],
    [[...kid, '--only', 'tea'], '--only must be part of a case\'s title, not "tea"'],
    [
      [...kid, '--done-timeout', 'soon'],
      '--done-timeout must be a duration with a unit, such as 500ms, 5s, 2m or 1h, not "soon"',
    ],
    [
      ['--handler', 'h.js', '--slots', 'many'],
      '--slots must be a whole number from 1 to 10000, not "many"',
    ],
  ] as const) {
    t.equal(await refusal(...argv), sentence)
  }
})

t.test('its page has every flag', async (t) => {
  const help = parseFlags(['conform', '--help'])
  const page = readFileSync(fixture('../../docs/kids-in-other-languages.md'), 'utf8')
  const flags = help.action === 'print' ? [...help.text.matchAll(/^ {2}(--[a-z-]+)/gm)] : []
  t.ok(flags.length > 8)
  for (const [, flag] of flags) if (flag !== '--help') t.match(page, `\`${flag}\``)
})
