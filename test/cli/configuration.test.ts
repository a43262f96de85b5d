/** Configuration: which place wins, what a file may be, and the words of each refusal. */

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type Test, test } from 'tap'
import { type Environment, readConfiguration } from '../../src/cli/configuration.js'
import { UsageError } from '../../src/errors.js'

/** A server that is good whatever is added. */
const handler = { PREFORKD_HANDLER: '/h.js' }

interface Place {
  argv?: readonly string[]
  env?: Environment
  /** Files of the working directory. */
  files?: Record<string, string>
}

async function configure(t: Test, { argv = [], env = {}, files = {} }: Place) {
  const cwd = t.testdir(files)
  const said = (sentence: string) => sentence.replaceAll(cwd, 'CWD')
  try {
    const { options, origins, file } = await readConfiguration(argv, env, cwd)
    return { options, origins, file: file && basename(file), cwd }
  } catch (error) {
    if (error instanceof UsageError) return { refusal: said(error.message), cwd }
    throw error
  }
}

/** The options that were given, or the sentence of the refusal. */
async function read(t: Test, argv: readonly string[], env: Environment = {}): Promise<unknown> {
  const { options, refusal } = await configure(t, { argv, env })
  return refusal ?? options
}

test('every option has a flag, and its value arrives in the right type', async (t) => {
  const argv = [
    ...['--handler', 'h.js', '--protocol', 'tcp', '--listen', '8000', '--listen', 'b=9000'],
    ...['--backlog', '10', '--start-kids', '2', '--max-kids', '4', '--slots=8', '--pick', 'fair'],
    ...['--max-orders', '1', '--late-after', 'never', '--overload', 'graceful'],
    ...['--shed-after', '1s', '--overload-reply', 'HTTP/1.1 503\\r\\n\\r\\n\\\\x'],
    ...['--accept-timeout', '2s', '--ready-timeout', '3s', '--connection-timeout', 'off'],
    ...['--first-byte-timeout', '500ms', '--stop-timeout', '1m', '--log-level', 'debug'],
    ...['--min-spare', '0', '--max-spare', '3', '--idle-timeout', '9s', '--max-connections', '7'],
    ...['--max-connections-jitter', '5%', '--max-age', '1h', '--max-rss', '300MB'],
    ...['--name', 'shop no. 1', '--inspect-kids', '--node-args', '-C', '--node-args=dev'],
    ...['--user', 'www-data', '--group', '33', '--umask', '027', '--chdir', '/srv'],
    ...['--log-file', 'l.log', '--pid-file', '/run/p'],
  ]
  const { options, cwd } = await configure(t, { argv })
  t.strictSame(options, {
    handler: join(cwd, 'h.js'),
    protocol: 'tcp',
    listen: ['8000', 'b=9000'],
    backlog: 10,
    startKids: 2,
    maxKids: 4,
    slots: 8,
    pick: 'fair',
    maxOrders: 1,
    lateAfter: 'never',
    overload: 'graceful',
    shedAfter: '1s',
    overloadReply: 'HTTP/1.1 503\r\n\r\n\\x',
    acceptTimeout: '2s',
    readyTimeout: '3s',
    connectionTimeout: 'off',
    firstByteTimeout: '500ms',
    stopTimeout: '1m',
    logLevel: 'debug',
    minSpare: 0,
    maxSpare: 3,
    idleTimeout: '9s',
    maxConnections: 7,
    maxConnectionsJitter: '5%',
    maxAge: '1h',
    maxRss: '300MB',
    name: 'shop no. 1',
    inspectKids: 'on',
    nodeArgs: ['-C', 'dev'],
    user: 'www-data',
    group: '33',
    umask: '027',
    chdir: '/srv',
    logFile: join(cwd, 'l.log'),
    pidFile: '/run/p',
  })
  t.strictSame(await read(t, ['--kid', 'exec ./kid', '--kids', '3']), {
    kid: 'exec ./kid',
    kids: 3,
  })
})

test('flags win over variables, variables over WEB_CONCURRENCY', async (t) => {
  const env = { PREFORKD_HANDLER: '/e.js', PREFORKD_SLOTS: '2', WEB_CONCURRENCY: '7' }
  t.strictSame(await read(t, [], env), { handler: '/e.js', slots: 2, kids: 7 })
  t.strictSame(await read(t, ['--slots', '3'], env), { handler: '/e.js', slots: 3, kids: 7 })
  const more = async (argv: string[], variables: Environment) => {
    const { options } = await configure(t, { argv, env: { ...handler, ...variables } })
    const { handler: _, ...rest } = options ?? {}
    return rest
  }
  t.strictSame(await more([], { PREFORKD_LISTEN: '8000,b=unix:/b' }), {
    listen: ['8000', 'b=unix:/b'],
  })
  t.strictSame(await more(['--listen', '1'], { PREFORKD_LISTEN: '80,81' }), { listen: ['1'] })
  t.strictSame(await more([], { PREFORKD_LATE_AFTER: '9ms' }), { lateAfter: '9ms' })
  t.strictSame(await more([], { PREFORKD_SLOTS: '', WEB_CONCURRENCY: '' }), {}, 'empty is unset')
  t.strictSame(await more([], { SLOTS: '5', PREFORKD_OTHER: 'x' }), {}, 'others are not ours')
  t.strictSame(await more([], { PREFORKD_KID: '3', PREFORKD_PROTOCOL: '1', LISTEN_FDS: '1' }), {})
})

test('variables win over the file, and the file over WEB_CONCURRENCY', async (t) => {
  const files = {
    'preforkd.config.mjs': 'export default { handler: "/f.js", slots: 4, backlog: 9, kids: 2 }',
  }
  const env = { PREFORKD_SLOTS: '3', WEB_CONCURRENCY: '7' }
  const { options, origins, file } = await configure(t, { argv: ['--backlog', '5'], env, files })
  t.strictSame(options, { backlog: 5, slots: 3, handler: '/f.js', kids: 2 })
  t.equal(file, 'preforkd.config.mjs')
  const of = Object.fromEntries(origins ?? [])
  t.match(of, { backlog: 'flag', slots: 'environment', handler: 'file', kids: 'file' })
  t.match(of, { listen: 'default', maxRss: 'default', startKids: 'default' })
  const { options: other, origins: others } = await configure(t, {
    env: { WEB_CONCURRENCY: '7' },
    files: { 'preforkd.config.json': '{"handler": "/f.js"}' },
  })
  t.strictSame(other, { handler: '/f.js', kids: 7 })
  t.equal(others?.get('kids'), 'environment')
})

test('of options that exclude each other the one from the stronger place counts', async (t) => {
  t.strictSame(await read(t, ['--kid', 'k'], { PREFORKD_HANDLER: 'h.js' }), { kid: 'k' })
  const pool = { ...handler, PREFORKD_START_KIDS: '1', PREFORKD_MAX_KIDS: '9' }
  t.strictSame(await read(t, ['--kids', '3'], pool), { handler: '/h.js', kids: 3 })
  t.strictSame(await read(t, ['--max-kids', '3'], { ...handler, PREFORKD_KIDS: '9' }), {
    handler: '/h.js',
    maxKids: 3,
  })
  t.equal(
    await read(t, [], { ...handler, PREFORKD_KIDS: '9', PREFORKD_MAX_KIDS: '3' }),
    'kids and maxKids contradict each other: kids is a fixed pool, maxKids is for one that grows',
    'from one place they contradict each other',
  )
  for (const name of ['KIDS', 'START_KIDS', 'MIN_SPARE', 'MAX_SPARE', 'MAX_KIDS']) {
    const env = { ...handler, [`PREFORKD_${name}`]: '2', WEB_CONCURRENCY: '7' }
    t.notMatch(await read(t, [], env), { kids: 7 })
  }
  const files = { 'preforkd.config.json': '{"kid": "k", "maxKids": 5, "minSpare": 0}' }
  const { options } = await configure(t, { argv: ['--kids', '3'], env: handler, files })
  t.strictSame(options, { handler: '/h.js', kids: 3 }, 'the file gives way too')
})

test('a bad flag or variable is refused by the name its user gave it', async (t) => {
  const aDuration = 'a duration with a unit, such as 500ms, 5s, 2m or 1h'
  for (const [argv, env, sentence] of [
    [['--slots', '0'], {}, '--slots must be a whole number from 1 to 10000, not 0'],
    [['--slots', '-1'], {}, '--slots must be a whole number from 1 to 10000, not -1'],
    [['--slots', '1e3'], {}, '--slots must be a whole number from 1 to 10000, not "1e3"'],
    [['--slots='], {}, '--slots must be a whole number from 1 to 10000, not ""'],
    [
      ['--accept-timeout', '5'],
      {},
      `--accept-timeout must be ${aDuration}, not "5": add a unit, 5s or 5ms`,
    ],
    [['--stop-timeout', '-5s'], {}, `--stop-timeout must be ${aDuration}, not "-5s"`],
    [['--stop-timeout', '600h'], {}, '--stop-timeout must be at most 24 days (576h), not "600h"'],
    [
      ['--max-rss', '300'],
      {},
      '--max-rss must be a size with a unit, such as 300MB or 1GiB, not "300": add a unit, 300MB or 300MiB',
    ],
    [['--overload', 'panic'], {}, '--overload must be graceful or abrupt, not "panic"'],
    [['--handler', ''], {}, '--handler must be the path or the file: URL of a module, not ""'],
    [
      [],
      { PREFORKD_MAX_KIDS: 'many' },
      'PREFORKD_MAX_KIDS must be a whole number from 1 to 10000, not "many"',
    ],
    [[], { PREFORKD_LISTEN: '8000,' }, /^PREFORKD_LISTEN must be .*, not ""$/],
    [['--listen', '8000', '--listen', 'x'], {}, /^--listen must be .*, not "x"$/],
    [
      [],
      { WEB_CONCURRENCY: 'auto' },
      'WEB_CONCURRENCY must be a whole number from 1 to 10000, not "auto"',
    ],
  ] as const) {
    t.match(await read(t, argv, env), sentence)
  }
})

test('a file may be a module, an object, or a function that says it later', async (t) => {
  for (const [name, text] of [
    ['preforkd.config.mjs', 'export default { handler: "/h.js", slots: 2 }'],
    ['preforkd.config.mjs', 'export default () => ({ handler: "/h.js", slots: 2 })'],
    ['preforkd.config.mjs', 'export default async () => ({ handler: "/h.js", slots: 2 })'],
    ['preforkd.config.mjs', 'export default Promise.resolve({ handler: "/h.js", slots: 2 })'],
    ['preforkd.config.js', 'module.exports = { handler: "/h.js", slots: 2, maxAge: undefined }'],
    ['preforkd.config.json', '{"handler": "/h.js", "slots": 2}'],
  ] as const) {
    // A module of a package without a type is CommonJS.
    const files = { [name]: text, 'package.json': '{}' }
    const { options, file, refusal } = await configure(t, { files })
    t.strictSame(options, { handler: '/h.js', slots: 2 }, refusal ?? text)
    t.equal(file, name)
  }
})

test('a file is named by flag or variable, or left alone', async (t) => {
  const files = {
    'a.mjs': 'export default { slots: 2 }',
    'b.json': '{"slots": 3}',
    'preforkd.config.mjs': 'export default { slots: 4 }',
  }
  const slots = async (argv: string[], env: Environment = {}) =>
    (await configure(t, { argv, env: { ...handler, ...env }, files })).options?.slots
  t.equal(await slots([]), 4)
  t.equal(await slots(['--config', 'a.mjs']), 2)
  t.equal(await slots([], { PREFORKD_CONFIG: 'b.json' }), 3)
  t.equal(await slots(['--config', 'a.mjs'], { PREFORKD_CONFIG: 'b.json' }), 2)
  t.equal(await slots([], { PREFORKD_CONFIG: '' }), 4, 'empty is unset')
  t.equal(await slots(['--no-config']), undefined)
  t.equal(await slots(['--no-config'], { PREFORKD_CONFIG: 'b.json' }), undefined)
})

test('paths in a file are meant as seen from the file', async (t) => {
  const cwd = t.testdir({
    etc: {
      'p.json': '{"handler": "../h.js", "chdir": ".", "logFile": "l", "pidFile": "/run/p"}',
      'url.mjs': 'export default { handler: new URL("../h.js", import.meta.url) }',
    },
  })
  const first = await readConfiguration(['--config', 'etc/p.json'], {}, cwd)
  t.strictSame(first.options, {
    handler: join(cwd, 'h.js'),
    chdir: join(cwd, 'etc'),
    logFile: join(cwd, 'etc/l'),
    pidFile: '/run/p',
  })
  const second = await readConfiguration(['--config', 'etc/url.mjs'], {}, cwd)
  t.match(String(second.options.handler), /^file:\/\/.*\/h\.js$/)
})

test('code in a file may give hooks, a logger and an environment', async (t) => {
  const files = {
    'preforkd.config.mjs': `
      const log = { child() {}, debug() {}, info() {}, warn() {}, error() {} }
      export default { handler: '/h.js', log, env: { A: '1' }, onReady() {}, async onStop() {} }`,
  }
  const { options, origins } = await configure(t, { files })
  t.match(options, { env: { A: '1' }, onReady: Function, onStop: Function })
  t.equal(origins?.get('onStop'), 'file')
  const { options: other } = await configure(t, { argv: ['--log-file', '/l'], files })
  t.equal(other?.log, undefined, 'a flag that contradicts it is stronger')
})

test('a file that is not to be used is refused by its name, in one sentence', async (t) => {
  for (const [text, sentence] of [
    ['export const a = 1, b = 2', 'configuration file FILE has no default export; it exports a, b'],
    ['', 'configuration file FILE has no default export; it exports nothing'],
    [
      'export default 5',
      'configuration file FILE must export an object of options, or a function that returns one, not 5',
    ],
    [
      'export default async () => {}',
      'configuration file FILE must export an object of options, or a function that returns one, not undefined',
    ],
    [
      'export default []',
      'configuration file FILE must export an object of options, or a function that returns one, not an empty list',
    ],
    ['export default {', /^configuration file FILE does not load: /],
    ['throw new Error("no\\nway")', 'configuration file FILE does not load: Error: no'],
    [
      'export default () => { throw new TypeError("no") }',
      'configuration file FILE does not load: TypeError: no',
    ],
    [
      'import "./nowhere.js"; export default {}',
      /^configuration file FILE does not load: Error: Cannot find module /,
    ],
    ['export default { slts: 1 }', 'there is no option "slts" in FILE, did you mean slots?'],
    ['export default { config: "x" }', 'there is no option "config" in FILE'],
    [
      'export default { slots: "8" }',
      'slots in FILE must be a whole number from 1 to 10000, not "8"',
    ],
    ['export default { env: { A: 1 } }', 'env.A in FILE must be text, not 1'],
    ['export default { onReady: 1 }', 'onReady in FILE must be a function, not 1'],
    [
      'export default { kids: 2, maxKids: 3 }',
      'kids and maxKids contradict each other: kids is a fixed pool, maxKids is for one that grows (configuration file: FILE)',
    ],
  ] as const) {
    const files = { 'preforkd.config.mjs': text }
    const { refusal } = await configure(t, { env: handler, files })
    t.match(refusal?.replaceAll('CWD/preforkd.config.mjs', 'FILE'), sentence, text)
  }
})

test('a file that is not there, no file, or one of two, is refused', async (t) => {
  const refusal = async (place: Place) => (await configure(t, { env: handler, ...place })).refusal
  t.equal(
    await refusal({ argv: ['--config', 'c.mjs'] }),
    'configuration file CWD/c.mjs does not exist',
  )
  t.equal(await refusal({ argv: ['--config', '.'] }), 'configuration file CWD is not a file')
  t.equal(
    await refusal({ files: { 'preforkd.config.js': '', 'preforkd.config.json': '{}' } }),
    'preforkd.config.js and preforkd.config.json are both in CWD: say with --config which one counts',
  )
  t.match(
    await refusal({ files: { 'preforkd.config.json': '{"slots": 2,}' } }),
    /^configuration file CWD\/preforkd\.config\.json does not load: SyntaxError: /,
  )
})

test('a file is read anew each time', async (t) => {
  const cwd = t.testdir({ 'package.json': '{}' })
  for (const [name, of] of [
    ['preforkd.config.mjs', (slots: number) => `export default { slots: ${slots} }`],
    ['preforkd.config.js', (slots: number) => `module.exports = { slots: ${slots} }`],
    ['preforkd.config.json', (slots: number) => `{"slots": ${slots}}`],
  ] as const) {
    for (const slots of [1, 2, 3]) {
      writeFileSync(join(cwd, name), of(slots))
      const { options } = await readConfiguration([], handler, cwd)
      t.equal(options.slots, slots, name)
    }
    rmSync(join(cwd, name))
  }
  mkdirSync(join(cwd, 'preforkd.config.mjs'))
  await t.rejects(
    readConfiguration([], handler, cwd),
    new UsageError(`configuration file ${join(cwd, 'preforkd.config.mjs')} is not a file`),
  )
})
