/** Options: defaults, limits, contradictions, and the words of each refusal. */

import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { pino } from 'pino'
import t from 'tap'
import { MAX_DURATION } from '../src/durations.js'
import { UsageError } from '../src/errors.js'
import { hookNames } from '../src/option-checks.js'
import { checkOption, optionTable, type PreforkerOptions, parseOptions } from '../src/options.js'

const cores = availableParallelism()

/** The sentence of the refusal, to be compared in full. */
function refusal(input: unknown): string {
  try {
    parseOptions(input as PreforkerOptions)
  } catch (error) {
    if (error instanceof UsageError) return error.message
    throw error
  }
  return 'not refused'
}

t.test('the defaults are those of the design', async (t) => {
  t.strictSame(
    { ...parseOptions({ handler: 'h.js' }) },
    {
      handler: resolve('h.js'),
      program: undefined,
      kid: undefined,
      server: undefined,
      protocol: 'tcp',
      listen: [{ kind: 'tcp', name: '127.0.0.1:8000', host: '127.0.0.1', port: 8000 }],
      backlog: 2048,
      fixed: false,
      startKids: Math.min(cores, 4),
      minSpare: 1,
      maxSpare: 4,
      maxKids: Math.max(16, 2 * cores),
      idleTimeout: 60_000,
      slots: 1,
      pick: 'warm',
      maxOrders: undefined,
      lateAfter: 5,
      maxConnections: 0,
      maxConnectionsJitter: 0.1,
      maxAge: undefined,
      maxRss: undefined,
      overload: 'graceful',
      shedAfter: undefined,
      overloadReply: undefined,
      acceptTimeout: 1_000,
      readyTimeout: 10_000,
      connectionTimeout: undefined,
      firstByteTimeout: undefined,
      headersTimeout: undefined,
      requestTimeout: undefined,
      sendTimeout: undefined,
      keepAliveTimeout: undefined,
      proxyProtocol: 'off',
      trustedProxies: ['loopback'],
      maxDetached: 1_000,
      warmupDelay: undefined,
      stopTimeout: 30_000,
      user: undefined,
      group: undefined,
      name: undefined,
      nodeArgs: [],
      inspectKids: undefined,
      scheduling: 'batch',
      kidShutdown: undefined,
      umask: undefined,
      chdir: undefined,
      logLevel: 'info',
      logFile: undefined,
      pidFile: undefined,
      log: undefined,
      env: {},
      hooks: {},
    },
  )
})

t.test('given values are taken over', async (t) => {
  const good: [PreforkerOptions, object][] = [
    [{ handler: '/a/h.js' }, { handler: '/a/h.js' }],
    [{ handler: pathToFileURL('/a/h h.js') }, { handler: '/a/h h.js' }],
    [{ handler: 'file:///a/h%20h.js' }, { handler: '/a/h h.js' }],
    [{ kid: 'exec ./kid -v' }, { kid: 'exec ./kid -v', handler: undefined }],
    [{ kid: ['./kid', '-v'] }, { kid: ['./kid', '-v'] }],
    [{ kids: 3 }, { fixed: true, startKids: 3, minSpare: 3, maxSpare: 3, maxKids: 3 }],
    [{ maxKids: 1 }, { fixed: false, startKids: 1, minSpare: 1, maxKids: 1 }],
    [{ maxSpare: 1 }, { startKids: 1, minSpare: 1, maxSpare: 1 }],
    [{ minSpare: 9 }, { minSpare: 9, maxSpare: 9 }],
    [{ minSpare: 0 }, { startKids: 0, minSpare: 0, maxSpare: 4, idleTimeout: 60_000 }],
    [
      { minSpare: 0, startKids: 2, idleTimeout: 'off' },
      { startKids: 2, idleTimeout: undefined },
    ],
    [
      { minSpare: 0, startKids: 0, idleTimeout: '5s' },
      { startKids: 0, idleTimeout: 5_000 },
    ],
    [{ maxConnections: 1_000_000_000 }, { maxConnections: 1_000_000_000 }],
    [{ maxConnectionsJitter: '25%' }, { maxConnectionsJitter: 0.25 }],
    [{ maxConnectionsJitter: '12.5' }, { maxConnectionsJitter: 0.125 }],
    [{ maxConnectionsJitter: 100 }, { maxConnectionsJitter: 1 }],
    [{ maxConnectionsJitter: 0 }, { maxConnectionsJitter: 0 }],
    [
      { maxAge: '1h', maxRss: '300MB' },
      { maxAge: 3_600_000, maxRss: 300_000_000 },
    ],
    [
      { maxAge: 'off', maxRss: 'off' },
      { maxAge: undefined, maxRss: undefined },
    ],
    [{ maxRss: 2 ** 30 }, { maxRss: 2 ** 30 }],
    [
      { user: 'www-data', group: 0 },
      { user: 'www-data', group: 0 },
    ],
    [
      { user: '1000', group: 'COMPANY\\web' },
      { user: 1000, group: 'COMPANY\\web' },
    ],
    [{ name: 'shop no. 1' }, { name: 'shop no. 1' }],
    [{ name: 'x'.repeat(32) }, { name: 'x'.repeat(32) }],
    [
      { nodeArgs: ['--import', './a.mjs', '-C', 'dev', '--max-old-space-size=99'] },
      { nodeArgs: ['--import', './a.mjs', '-C', 'dev', '--max-old-space-size=99'] },
    ],
    [{ inspectKids: 'off' }, { inspectKids: undefined }],
    [{ inspectKids: 'on' }, { inspectKids: { host: '127.0.0.1', port: 9_229 } }],
    [{ inspectKids: 9_300 }, { inspectKids: { host: '127.0.0.1', port: 9_300 } }],
    [{ inspectKids: '9300' }, { inspectKids: { host: '127.0.0.1', port: 9_300 } }],
    [{ inspectKids: 'dev.local:9300' }, { inspectKids: { host: 'dev.local', port: 9_300 } }],
    [{ inspectKids: '[::1]:9300' }, { inspectKids: { host: '[::1]', port: 9_300 } }],
    [{ inspectKids: 65_532, kids: 4 }, { inspectKids: { host: '127.0.0.1', port: 65_532 } }],
    [{ scheduling: 'normal' }, { scheduling: 'normal' }],
    [{ kidShutdown: 'off' }, { kidShutdown: 'off' }],
    [{ umask: '027' }, { umask: 0o027 }],
    [{ umask: '0007' }, { umask: 0o007 }],
    [{ umask: 0o77 }, { umask: 0o77 }],
    [
      { chdir: '/srv/../srv', logFile: 'l', pidFile: '/run/p' },
      { chdir: '/srv', logFile: resolve('l'), pidFile: '/run/p' },
    ],
    [
      { startKids: 2, maxKids: 2 },
      { startKids: 2, maxKids: 2 },
    ],
    [
      { slots: 10_000, backlog: 65_535 },
      { slots: 10_000, backlog: 65_535 },
    ],
    [
      { acceptTimeout: '2s', stopTimeout: 1 },
      { acceptTimeout: 2_000, stopTimeout: 1 },
    ],
    [{ stopTimeout: MAX_DURATION }, { stopTimeout: MAX_DURATION }],
    [{ lateAfter: '7ms' }, { lateAfter: 7 }],
    [
      { lateAfter: 'never', maxOrders: 1 },
      { lateAfter: 'never', maxOrders: 1 },
    ],
    [{ connectionTimeout: '1m' }, { connectionTimeout: 60_000 }],
    [{ connectionTimeout: 'off' }, { connectionTimeout: undefined }],
    [{ firstByteTimeout: 30_000 }, { firstByteTimeout: 30_000 }],
    [
      { shedAfter: '1s', overloadReply: 'no' },
      { shedAfter: 1_000, overloadReply: 'no' },
    ],
    [
      { overload: 'abrupt', overloadReply: 'no' },
      { overload: 'abrupt', overloadReply: 'no' },
    ],
    [
      { overload: 'abrupt', shedAfter: 'off' },
      { overload: 'abrupt', shedAfter: undefined },
    ],
    [
      { pick: 'fair', logLevel: 'silent' },
      { pick: 'fair', logLevel: 'silent' },
    ],
    [{ env: { A: '', B: 'b=c' } }, { env: { A: '', B: 'b=c' } }],
    [{ slots: undefined, listen: undefined }, { slots: 1 }],
    [{ overloadReply: 'x'.repeat(4096), overload: 'abrupt' }, { overload: 'abrupt' }],
  ]
  for (const [input, output] of good) {
    const source = 'kid' in input || 'handler' in input ? {} : { handler: 'h.js' }
    t.match(parseOptions({ ...source, ...input }), output, JSON.stringify(input))
  }
})

t.test('several listeners are read, port 0 as often as wanted under different names', async (t) => {
  const { listen } = parseOptions({ handler: 'h', listen: ['a=0', 'b=0', 'unix:/x?mode=0600'] })
  t.strictSame(listen, [
    { kind: 'tcp', name: 'a', host: '127.0.0.1', port: 0 },
    { kind: 'tcp', name: 'b', host: '127.0.0.1', port: 0 },
    { kind: 'unix', name: 'unix:/x', path: '/x', mode: 0o600 },
  ])
})

t.test('the result is frozen to its depths, and what was passed in is not', async (t) => {
  const log = pino({ level: 'silent' })
  const input = { kid: ['./kid'], listen: ['8000'], env: { A: '1' }, log }
  const options = parseOptions(input)
  for (const part of [options, options.listen, options.listen[0], options.env, options.kid]) {
    t.ok(Object.isFrozen(part))
  }
  for (const part of [input, input.listen, input.kid, input.env, log])
    t.notOk(Object.isFrozen(part))
  t.equal(options.log, log)
})

const reply = 'x'.repeat(5_000)
const wholeMs = 'from 1 to 2073600000 (24 days), in whole milliseconds'
const aDuration = 'a duration with a unit, such as 500ms, 5s, 2m or 1h'
const wholeBytes = 'from 1000000 (1MB) to 1000000000000000 (1000TB), in whole bytes'
const aSize = 'a size with a unit, such as 300MB or 1GiB'
const aPercentage = 'a percentage from 0% to 100%'
const anAddress = '8000, HOST:8000, [::1]:8000 or unix:/PATH'
const aKid = 'a command line, or a list of a program and its arguments'
const aName = 'from 1 to 32 printable ASCII characters, with no space at either end'
const aVariable =
  'must be a variable that an environment can hold, without = in its name and without NUL'

t.test('a bad value is refused in a sentence naming option, expectation and value', async (t) => {
  for (const [input, sentence] of [
    [null, 'options must be an object, not null'],
    ['h.js', 'options must be an object, not "h.js"'],
    [{ handler: 5 }, 'handler must be the path or the file: URL of a module, not 5'],
    [{ handler: ' ' }, 'handler must be the path or the file: URL of a module, not " "'],
    [{ handler: 'a\0' }, 'handler must be the path or the file: URL of a module, not "a\\u0000"'],
    [
      { handler: 'http://a/h.js' },
      'handler must be the path or the file: URL of a module, not "http://a/h.js"',
    ],
    [
      { handler: new URL('http://a/h.js') },
      'handler must be the path or the file: URL of a module, not "http://a/h.js"',
    ],
    [{ kid: '' }, `kid must be ${aKid}, not ""`],
    [{ kid: [] }, `kid must be ${aKid}, not an empty list`],
    [{ kid: ['a', 1] }, `kid must be ${aKid}, not a list`],
    [{ protocol: 'gopher' }, 'protocol must be tcp, http or scgi, not "gopher"'],
    [{ listen: [] }, 'listen must be an address or a list of addresses, not an empty list'],
    [{ listen: 8000 }, 'listen must be an address or a list of addresses, not 8000'],
    [{ listen: ['8000', 'x'] }, `listen must be ${anAddress}, not "x"`],
    [{ backlog: 65_536 }, 'backlog must be a whole number from 1 to 65535, not 65536'],
    [{ kids: -1 }, 'kids must be a whole number from 1 to 10000, not -1'],
    [{ startKids: -1 }, 'startKids must be a whole number from 0 to 10000, not -1'],
    [{ minSpare: 0.5 }, 'minSpare must be a whole number from 0 to 10000, not 0.5'],
    [{ maxSpare: 0 }, 'maxSpare must be a whole number from 1 to 10000, not 0'],
    [{ idleTimeout: 0 }, `idleTimeout must be ${wholeMs}, not 0`],
    [{ maxConnections: -1 }, 'maxConnections must be a whole number from 0 to 1000000000, not -1'],
    [{ maxConnectionsJitter: 101 }, `maxConnectionsJitter must be ${aPercentage}, not 101`],
    [{ maxConnectionsJitter: '-5%' }, `maxConnectionsJitter must be ${aPercentage}, not "-5%"`],
    [{ maxConnectionsJitter: true }, `maxConnectionsJitter must be ${aPercentage}, not true`],
    [{ maxAge: 'old' }, `maxAge must be ${aDuration}, not "old"`],
    [{ maxRss: 300 }, `maxRss must be ${wholeBytes}, not 300`],
    [{ maxRss: '1kB' }, `maxRss must be ${wholeBytes}, not "1kB"`],
    [{ maxRss: '300M' }, `maxRss must be ${aSize}, not "300M"`],
    [{ maxRss: '300' }, `maxRss must be ${aSize}, not "300": add a unit, 300MB or 300MiB`],
    [{ maxRss: null }, `maxRss must be ${aSize}, or off, or a number of bytes, not null`],
    [{ user: '' }, 'user must be the name or the number of a user, not ""'],
    [{ user: -1 }, 'user must be the name or the number of a user, not -1'],
    [{ user: '4294967295' }, 'user must be the name or the number of a user, not "4294967295"'],
    [{ group: 'a b' }, 'group must be the name or the number of a group, not "a b"'],
    [
      { umask: '089' },
      'umask must be an octal text such as 027, or a number from 0 to 0o777, not "089"',
    ],
    [
      { umask: 512 },
      'umask must be an octal text such as 027, or a number from 0 to 0o777, not 512',
    ],
    [{ chdir: '' }, 'chdir must be the path of a directory, not ""'],
    [{ logFile: 5 }, 'logFile must be the path of a file, not 5'],
    [{ pidFile: 'a\0' }, 'pidFile must be the path of a file, not "a\\u0000"'],
    [{ onReady: 'f' }, 'onReady must be a function, not "f"'],
    [{ maxKids: 1e9 }, 'maxKids must be a whole number from 1 to 10000, not 1000000000'],
    [{ slots: 0 }, 'slots must be a whole number from 1 to 10000, not 0'],
    [{ slots: 1.5 }, 'slots must be a whole number from 1 to 10000, not 1.5'],
    [{ slots: '1' }, 'slots must be a whole number from 1 to 10000, not "1"'],
    [{ slots: Number.NaN }, 'slots must be a whole number from 1 to 10000, not NaN'],
    [{ slots: null }, 'slots must be a whole number from 1 to 10000, not null'],
    [{ maxOrders: 0 }, 'maxOrders must be a whole number from 1 to 10000, not 0'],
    [{ pick: 'x' }, 'pick must be warm or fair, not "x"'],
    [{ overload: () => {} }, 'overload must be graceful or abrupt, not a function'],
    [
      { logLevel: 'loud' },
      'logLevel must be trace, debug, info, warn, error, fatal or silent, not "loud"',
    ],
    [{ acceptTimeout: '5' }, `acceptTimeout must be ${aDuration}, not "5": add a unit, 5s or 5ms`],
    [{ acceptTimeout: '-5s' }, `acceptTimeout must be ${aDuration}, not "-5s"`],
    [
      { acceptTimeout: {} },
      `acceptTimeout must be ${aDuration}, or a number of milliseconds, not an object`,
    ],
    [{ readyTimeout: '600h' }, 'readyTimeout must be at most 24 days (576h), not "600h"'],
    [{ readyTimeout: '0s' }, `readyTimeout must be ${wholeMs}, not "0s"`],
    [{ stopTimeout: -1 }, `stopTimeout must be ${wholeMs}, not -1`],
    [{ stopTimeout: 0.5 }, `stopTimeout must be ${wholeMs}, not 0.5`],
    [{ stopTimeout: 2 ** 31 }, `stopTimeout must be ${wholeMs}, not 2147483648`],
    [{ stopTimeout: 'off' }, `stopTimeout must be ${aDuration}, not "off"`],
    [{ connectionTimeout: 'x' }, `connectionTimeout must be ${aDuration}, not "x"`],
    [
      { firstByteTimeout: [] },
      `firstByteTimeout must be ${aDuration}, or off, or a number of milliseconds, not an empty list`,
    ],
    [
      { lateAfter: true },
      `lateAfter must be ${aDuration}, or never, or a number of milliseconds, not true`,
    ],
    [{ overloadReply: 5 }, 'overloadReply must be text, not 5'],
    [{ overloadReply: '' }, 'overloadReply must be from 1 to 4096 bytes long, not 0'],
    [{ overloadReply: reply }, 'overloadReply must be from 1 to 4096 bytes long, not 5000'],
    [
      { overloadReply: 'ü'.repeat(2_049) },
      'overloadReply must be from 1 to 4096 bytes long, not 4098',
    ],
    [
      { proxyProtocol: 'required', trustedProxies: '10.0.0.0/8, 10.0.0.0/33' },
      'trustedProxies must have addresses, networks such as 10.0.0.0/8, loopback or unix, not "10.0.0.0/33"',
    ],
    [
      { proxyProtocol: 'required', trustedProxies: ['localhost'] },
      'trustedProxies must have addresses, networks such as 10.0.0.0/8, loopback or unix, not "localhost"',
    ],
    [
      { proxyProtocol: 'required', trustedProxies: '' },
      'trustedProxies must have addresses, networks such as 10.0.0.0/8, loopback or unix, not ""',
    ],
    ...['', ' a', 'a ', ' ', 'a\nb', 'a\tb', 'ä', 'x'.repeat(33)].map(
      (name) => [{ name }, `name must be ${aName}, not ${JSON.stringify(name)}`] as const,
    ),
    [{ name: 5 }, `name must be ${aName}, not 5`],
    [{ nodeArgs: '--a' }, 'nodeArgs must be a list of flags of Node.js, not "--a"'],
    [{ nodeArgs: [5] }, 'nodeArgs.0 must be a flag of Node.js or its value, not 5'],
    [{ nodeArgs: ['--a', ''] }, 'nodeArgs.1 must be a flag of Node.js or its value, not ""'],
    [
      { nodeArgs: ['--inspect=9229'] },
      'nodeArgs must have flags of Node.js for kids, not "--inspect=9229": all kids would want one port, and inspectKids gives each its own',
    ],
    [
      { nodeArgs: ['--enable-source-maps', '--watch-path', './src'] },
      'nodeArgs must have flags of Node.js for kids, not "--watch-path": kids are replaced by a reload',
    ],
    [
      { nodeArgs: ['-e', '1'] },
      'nodeArgs must have flags of Node.js for kids, not "-e": with it Node.js does not run the kid',
    ],
    [
      { nodeArgs: ['main.js'] },
      'nodeArgs must have flags of Node.js for kids, not "main.js": that is none, and Node.js would run it in place of the kid',
    ],
    [
      { nodeArgs: ['--import ./a.mjs'] },
      'nodeArgs must have flags of Node.js for kids, not "--import ./a.mjs": a value is a word of its own, or comes after a =',
    ],
    ...[true, '', 80, '1023', 65_536, 9_229.5, 'localhost', 'a b:9229', '::1:9229'].map(
      (inspectKids) =>
        [
          { inspectKids },
          `inspectKids must be on, off, a port from 1024 to 65535, or HOST:PORT with such a port, not ${JSON.stringify(inspectKids)}`,
        ] as const,
    ),
    [
      { inspectKids: 65_533, kids: 4 },
      'inspectKids (from port 65533) must leave a port for each of 4 kids: 65535 is the last',
    ],
    [{ log: {} }, 'log must be a pino logger, not an object'],
    [{ env: [] }, 'env must be an object of texts, not an empty list'],
    [{ env: { A: 1 } }, 'env.A must be text, not 1'],
    [{ env: { 'A=': '' } }, `env.A= ${aVariable}`],
    [{ env: { A: '\0' } }, `env.A ${aVariable}`],
    [
      { env: { PREFORKD_KID: '1' } },
      'env.PREFORKD_KID must be left to preforkd, which sets it for each kid',
    ],
    [
      { env: { LISTEN_FDS: '1' } },
      'env.LISTEN_FDS must be left to preforkd, which sets it for each kid',
    ],
    [{ handlr: 'h.js' }, 'there is no option "handlr", did you mean handler?'],
    [{ 'max-kids': 1 }, 'there is no option "max-kids", did you mean maxKids?'],
    [{ workers: 1 }, 'there is no option "workers"'],
  ] as const) {
    const complete =
      input === null || typeof input !== 'object' || 'handler' in input || 'kid' in input
        ? input
        : { handler: 'h.js', ...input }
    t.equal(refusal(complete), sentence)
  }
})

t.test('hooks are taken over as they are, and only functions are any', async (t) => {
  const hooks = Object.fromEntries(hookNames.map((name) => [name, () => {}]))
  t.strictSame(parseOptions({ handler: 'h', ...hooks }).hooks, hooks)
  const { onReady } = hooks
  t.strictSame(parseOptions({ handler: 'h', onReady }).hooks, { onReady })
  t.notOk(Object.isFrozen(onReady), "the function is still its owner's")
  for (const name of hookNames)
    t.equal(refusal({ handler: 'h', [name]: 1 }), `${name} must be a function, not 1`)
})

t.test('contradictory options are refused: which two, and why', async (t) => {
  for (const [input, sentence] of [
    [
      { handler: undefined },
      'one of handler (a module that serves connections), program (a command run for each), kid (a command that speaks the protocol) and server (a command that accepts by itself) must be given',
    ],
    [{ kid: 'k' }, 'handler and kid contradict each other: each says what serves the connections'],
    [
      { handler: undefined, program: 'cat', server: ['s'] },
      'program and server contradict each other: each says what serves the connections',
    ],
    [
      { handler: undefined, program: 'cat', protocol: 'http' },
      'protocol "http" and program contradict each other: it is what a handler module speaks',
    ],
    [
      { handler: undefined, kid: 'k', proxyProtocol: 'required' },
      'proxyProtocol "required" and kid contradict each other: only in front of a handler module is the header read',
    ],
    [
      { trustedProxies: '10.0.0.0/8' },
      'trustedProxies must come with proxyProtocol "required": otherwise nobody names a client',
    ],
    [
      { handler: undefined, program: 'cat', firstByteTimeout: '1s' },
      'firstByteTimeout and program contradict each other: it is for connections that a handler module serves',
    ],
    [
      { handler: undefined, kid: 'k', maxDetached: 3 },
      'maxDetached and kid contradict each other: it is for connections that a handler module serves',
    ],
    [
      { handler: undefined, kid: 'k', nodeArgs: ['--enable-source-maps'] },
      'nodeArgs and kid contradict each other: it is for kids that are our own program, by Node.js',
    ],
    [
      { handler: undefined, server: 's', nodeArgs: ['--enable-source-maps'] },
      'nodeArgs and server contradict each other: it is for kids that are our own program, by Node.js',
    ],
    [
      { handler: undefined, kid: 'k', inspectKids: 'on' },
      'inspectKids and kid contradict each other: it is for kids that are our own program, by Node.js',
    ],
    [
      { requestTimeout: '1s' },
      'requestTimeout must come with protocol "http" or "scgi": in a plain connection no request can be told',
    ],
    [
      { keepAliveTimeout: '1s', protocol: 'scgi' },
      'keepAliveTimeout must come with protocol "http": no other keeps a connection for a next request',
    ],
    [
      { warmupDelay: '1s' },
      'warmupDelay must come with server: it lies between the starts of two servers',
    ],
    [
      { handler: undefined, server: 's', slots: 2 },
      'server and slots contradict each other: the parent sees nothing of the connections that a server accepts by itself',
    ],
    [
      { handler: undefined, server: 's', maxKids: 2 },
      'server and maxKids contradict each other: who is idle is not known, so give kids, a fixed number',
    ],
    [
      { kids: 4, startKids: 2 },
      'kids and startKids contradict each other: kids is a fixed pool, startKids is for one that grows',
    ],
    [
      { kids: 4, maxKids: 4 },
      'kids and maxKids contradict each other: kids is a fixed pool, maxKids is for one that grows',
    ],
    [
      { kids: 4, minSpare: 4 },
      'kids and minSpare contradict each other: kids is a fixed pool, minSpare is for one that grows',
    ],
    [
      { kids: 4, maxSpare: 4 },
      'kids and maxSpare contradict each other: kids is a fixed pool, maxSpare is for one that grows',
    ],
    [
      { minSpare: 4, maxKids: 3 },
      'minSpare (4) must be at most maxKids (3 as given): more cannot be alive',
    ],
    [
      { minSpare: 4, maxSpare: 3 },
      'minSpare (4) must be at most maxSpare (3): kids would come and go for ever',
    ],
    [
      { startKids: 0 },
      'startKids (0) must be at least 1 unless minSpare is 0: minSpare (1) wants idle kids from the start',
    ],
    [
      { log: pino({ level: 'silent' }), logFile: '/l' },
      'log and logFile contradict each other: a logger that is brought along has its own place to write to',
    ],
    [
      { startKids: 4, maxKids: 3 },
      'startKids (4) must be at most maxKids (3 as given): more cannot be alive',
    ],
    [
      { startKids: 9_999 },
      `startKids (9999) must be at most maxKids (${Math.max(16, 2 * cores)} by default): more cannot be alive`,
    ],
    [
      { lateAfter: '1s' },
      'lateAfter (1000 ms) must be shorter than acceptTimeout (1000 ms): an order is late before its kid is killed',
    ],
    [
      { acceptTimeout: 3 },
      'lateAfter (5 ms) must be shorter than acceptTimeout (3 ms): an order is late before its kid is killed',
    ],
    [
      { shedAfter: 10, overload: 'abrupt' },
      'shedAfter and overload "abrupt" contradict each other: abrupt closes at once, so nothing waits to be shed',
    ],
    [
      { overloadReply: 'no' },
      'overloadReply and overload "graceful" contradict each other without shedAfter: nothing is shed that could be replied to',
    ],
    [
      { shedAfter: 10, listen: ['8000', 'unix:/x'] },
      'shedAfter and listen "unix:/x" contradict each other: how many connections wait on a Unix socket is not known',
    ],
    [
      { listen: ['8000', 'a=8000'] },
      'listen must have each address once, not "127.0.0.1:8000" twice',
    ],
    [
      { listen: ['a=1', 'a=2'] },
      'listen must have each name once, not "a" twice: put NAME= before the address',
    ],
    [
      { listen: ['0', '0'] },
      'listen must have each name once, not "127.0.0.1:0" twice: put NAME= before the address',
    ],
  ] as const) {
    t.equal(refusal({ handler: 'h.js', ...(input as object) }), sentence)
  }
})

t.test('one option is checked by itself, called what its user called it', async (t) => {
  const refused = (name: Parameters<typeof checkOption>[0], value: unknown, called: string) => {
    try {
      checkOption(name, value, called)
    } catch (error) {
      return (error as UsageError).message
    }
    return 'not refused'
  }
  t.equal(refused('slots', 0, '--slots'), '--slots must be a whole number from 1 to 10000, not 0')
  t.equal(refused('env', { A: 1 }, 'env in c.js'), 'env.A in c.js must be text, not 1')
  t.equal(refused('slots', 1, '--slots'), 'not refused')
})

t.test(
  'the table has every option that can be written as text, and its defaults are those of the TSDoc',
  async (t) => {
    const source = readFileSync(new URL('../src/option-types.ts', import.meta.url), 'utf8')
    const fields =
      /export interface PreforkerOptions extends Hooks \{\n(.*?)\n\}/s.exec(source)?.[1] ?? ''
    const documented = new Map<string, string>()
    for (const [, comment, name] of fields.matchAll(/\/\*\* (.*) \*\/\n {2}(\w+)\?:/g)) {
      documented.set(name as string, /@default (.*)$/.exec(comment as string)?.[1] ?? '')
    }
    documented.delete('log')
    documented.delete('env')
    t.strictSame(
      Object.fromEntries(documented),
      Object.fromEntries(optionTable.map((row) => [row.name, row.default])),
    )
    for (const row of optionTable) t.match(row.meaning, /^[A-Z][^\n]*\.$/, row.name)
  },
)
