/** What the command does not start with: one plain sentence on standard error, the right exit code, and nothing left. */

import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { fixture, Run, refused } from './run.js'

const anyPort = ['--listen', '127.0.0.1:0']
const good = ['--handler', fixture('handlers/says-its-pid.js')]

function directory(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'preforkd-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

const handlers: [title: string, file: string, sentence: RegExp][] = [
  [
    'that does not exist',
    'nowhere.js',
    /^no kid can start: handler \S+\/nowhere\.js does not exist$/,
  ],
  [
    'that throws on import',
    'throws-on-import.js',
    /^no kid can start: handler \S+ does not load: Error: I throw on import$/,
  ],
  [
    'that imports what is missing',
    'imports-what-is-missing.js',
    /^no kid can start: handler \S+ does not load: .*Cannot find module \S+\/nowhere\.js/,
  ],
  [
    'without a default function',
    'no-default.js',
    /^no kid can start: handler \S+ has no default export; it exports handle$/,
  ],
  [
    'whose default is not a function',
    'default-is-not-a-function.js',
    / has a default export that is not a function: string$/,
  ],
  [
    'whose setup is not a function',
    'setup-is-not-a-function.js',
    /exports setup, but it is not a function: number$/,
  ],
  ['whose setup throws', 'setup-throws.js', /^no kid can start: setup failed: Error: no database$/],
  [
    'that ends its process',
    'exits-on-boot.js',
    /^no kid can start: kid \d ended with exit code 0 before it was up, and said nothing$/,
  ],
]

for (const [title, file, sentence] of handlers) {
  test(`a handler ${title} lets no kid start`, async (t) => {
    await refused(
      t,
      ['--handler', fixture(`handlers/${file}`), ...anyPort, '--kids', '2'],
      3,
      sentence,
    )
  })
}

test('a handler that is not a module lets no kid start', async (t) => {
  const file = join(directory(t), 'syntax-error.mjs')
  writeFileSync(file, 'export default function (\n')
  await refused(t, ['--handler', file, ...anyPort], 3, /does not load: SyntaxError: /)
})

test('a handler whose setup never finishes lets no kid start', async (t) => {
  const args = ['--handler', fixture('handlers/setup-hangs.js'), '--ready-timeout', '700ms']
  await refused(
    t,
    [...args, ...anyPort, '--kids', '2'],
    3,
    /^no kid can start: kid \d was not up within readyTimeout \(700 ms\); its setup may never finish$/,
  )
})

test('a kid that cannot be run lets no kid start', async (t) => {
  await refused(
    t,
    ['--kid', '/nowhere/kid --fast', ...anyPort],
    3,
    /^no kid can start: .*\/nowhere\/kid/,
  )
})

test('a port in use cannot be listened on', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as { port: number }
  await refused(
    t,
    [...good, '--listen', `127.0.0.1:${port}`],
    4,
    new RegExp(`^cannot listen on 127\\.0\\.0\\.1:${port}: another socket already listens there`),
  )
})

test('a reserved port cannot be listened on', {
  skip: process.getuid?.() !== 0 && 'needs root, to become nobody',
}, async (t) => {
  const run = new Run(t, [...good, '--listen', '127.0.0.1:81'], { uid: 65_534 })
  t.equal(await run.end(t), 4)
  t.match(
    run.stderr,
    /^preforkd: cannot listen on 127\.0\.0\.1:81: ports as low as 81 are reserved/,
  )
})

test('an address of another machine cannot be listened on', async (t) => {
  await refused(
    t,
    [...good, '--listen', '192.0.2.1:0'],
    4,
    /^cannot listen on 192\.0\.2\.1:0: this machine has no address 192\.0\.2\.1/,
  )
})

test('of two listeners neither is left when the second cannot be had', async (t) => {
  const path = join(directory(t), 's')
  await refused(
    t,
    [...good, '--listen', `unix:${path}`, '--listen', '192.0.2.1:0'],
    4,
    /^cannot listen on 192\.0\.2\.1:0/,
  )
  t.notOk(existsSync(path))
})

test('a Unix path that is too long cannot be listened on', async (t) => {
  await refused(
    t,
    [...good, '--listen', `unix:/tmp/${'x'.repeat(120)}`],
    4,
    /: its 125 bytes are more than the 107 a socket's path may have/,
  )
})

test('a path that a plain file occupies cannot be listened on, and the file stays', async (t) => {
  const path = join(directory(t), 'file')
  writeFileSync(path, 'precious')
  await refused(
    t,
    [...good, '--listen', `unix:${path}`],
    4,
    /: the path exists and is not a socket/,
  )
  t.ok(existsSync(path))
})

test('a path that a running server uses cannot be listened on, and the server stays', async (t) => {
  const path = join(directory(t), 's')
  const server = createServer().listen(path)
  await new Promise((resolve) => server.once('listening', resolve))
  t.teardown(() => server.close())
  await refused(
    t,
    [...good, '--listen', `unix:${path}`],
    4,
    /: the path is already in use by a running server/,
  )
  t.ok(existsSync(path))
})

test('when no kid can start, no socket file is left', async (t) => {
  const place = directory(t)
  const args = [
    '--handler',
    fixture('handlers/setup-throws.js'),
    '--listen',
    `unix:${join(place, 's')}`,
  ]
  await refused(t, args, 3, /setup failed/)
  t.strictSame(readdirSync(place), [])
})
