/** The command line: what it asks for, which flags there are, and what --help shows. */

import { readFileSync } from 'node:fs'
import t from 'tap'
import { commandFlags, flagName, parseFlags, variableName } from '../../src/cli/flags.js'
import { UsageError } from '../../src/errors.js'
import { optionTable } from '../../src/options.js'

/** What is asked for, or the sentence of the refusal. */
function read(...argv: string[]): unknown {
  try {
    const flags = parseFlags(argv)
    return 'texts' in flags ? { ...flags, texts: Object.fromEntries(flags.texts) } : flags
  } catch (error) {
    if (error instanceof UsageError) return error.message
    throw error
  }
}

const nothing = { action: 'serve', watch: false, config: undefined, texts: {} }

t.test('options are read as text, and addresses as several', async (t) => {
  t.strictSame(read(), nothing)
  t.strictSame(read('--start-kids', '2', '--slots=8', '--listen', '1', '--listen', 'b=2'), {
    ...nothing,
    texts: { startKids: '2', slots: '8', listen: ['1', 'b=2'] },
  })
})

t.test('the flag that needs no value has one all the same', async (t) => {
  t.strictSame(read('--inspect-kids'), { ...nothing, texts: { inspectKids: 'on' } })
  t.strictSame(read('--inspect-kids', '--kids', '2'), {
    ...nothing,
    texts: { inspectKids: 'on', kids: '2' },
  })
  t.strictSame(read('--inspect-kids=[::1]:9300'), {
    ...nothing,
    texts: { inspectKids: '[::1]:9300' },
  })
  t.strictSame(read('--inspect-kids', '9300'), { ...nothing, texts: { inspectKids: '9300' } })
})

t.test('flags about the command are told apart from options', async (t) => {
  t.strictSame(read('--config', 'c.mjs'), { ...nothing, config: 'c.mjs' })
  t.strictSame(read('--no-config'), { ...nothing, config: false })
  t.strictSame(read('--check'), { ...nothing, action: 'check' })
  t.strictSame(read('--print-config'), { ...nothing, action: 'printConfig' })
  t.strictSame(read('--watch', '--slots', '2'), { ...nothing, watch: true, texts: { slots: '2' } })
  t.equal(
    read('--check', '--print-config'),
    '--check and --print-config contradict each other: each says what to do',
  )
  t.equal(
    read('--check', '--watch'),
    '--check and --watch contradict each other: each says what to do',
  )
  t.equal(read('--config='), '--config must be the path of a file, not ""')
  t.equal(read('--config'), '--config must have a value')
})

t.test('a flag and a variable are named after their option', async (t) => {
  t.equal(flagName('startKids'), '--start-kids')
  t.equal(variableName('startKids'), 'PREFORKD_START_KIDS')
  t.equal(variableName('kid'), undefined, 'kids read that one themselves')
  t.equal(variableName('protocol'), undefined)
})

t.test('what is no flag of ours is refused', async (t) => {
  for (const [argv, sentence] of [
    [['--slts', '1'], "unknown option '--slts', did you mean --slots?"],
    [['--workers', '1'], "unknown option '--workers'"],
    [['--env', 'a'], "unknown option '--env'"],
    [['--on-ready', 'a'], "unknown option '--on-ready'"],
    [['-x'], "unknown option '-x'"],
    [['--slots'], '--slots must have a value'],
    [['h.js'], 'unexpected argument "h.js": the handler is given as --handler FILE'],
  ] as const) {
    t.equal(read(...argv), sentence)
  }
})

t.test('--version is the version of the package', async (t) => {
  const file = new URL('../../package.json', import.meta.url)
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string }
  t.strictSame(read('--version'), { action: 'print', text: `${version}\n` })
})

t.test(
  '--help shows every option with its meaning and default, and wins over bad values',
  async (t) => {
    const help = read('--slots', '0', '--help') as { action: string; text: string }
    t.equal(help.action, 'print')
    const plain = help.text.replace(/\s+/g, ' ')
    for (const row of optionTable) {
      const standard = row.default === '' ? '' : ` (default: ${row.default})`
      const placeholder = row.placeholder.startsWith('[') ? row.placeholder : `<${row.placeholder}>`
      t.ok(
        plain.includes(`${flagName(row.name)} ${placeholder} ${row.meaning}${standard}`),
        row.name,
      )
    }
    for (const [flag, meaning] of commandFlags) t.ok(plain.includes(`${flag} ${meaning}`), flag)
  },
)
