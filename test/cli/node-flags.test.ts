/** Flags of Node.js that the parent was started with, and those of nodeArgs, as kids have them; run with the other tests. */

import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Test, test } from 'tap'
import { fixture, Run, type RunOptions } from './run.js'

const isRoot = process.geteuid?.() === 0
const tsx = fileURLToPath(import.meta.resolve('tsx'))

/** What a kid says of itself. */
interface Has {
  execArgv: string[]
  maxHeaderSize: number
  marks: string[]
  cwd: string
}

const tells = `
import http from 'node:http'
export default function handle(socket) {
  const { maxHeaderSize } = http
  const marks = globalThis.marks ?? []
  socket.end(JSON.stringify({ execArgv: process.execArgv, maxHeaderSize, marks, cwd: process.cwd() }))
}`
const marks = (name: string) => `(globalThis.marks ??= []).push('${name}')\n`

/** A directory of which another user may read all, with modules that leave marks and a handler that tells of them. */
function place(t: Test): string {
  const cwd = mkdtempSync(join(tmpdir(), 'preforkd-flags-'))
  t.teardown(() => rmSync(cwd, { recursive: true, force: true }))
  chmodSync(cwd, 0o755)
  writeFileSync(join(cwd, 'h.mjs'), tells)
  writeFileSync(join(cwd, 'a.mjs'), marks('a'))
  writeFileSync(join(cwd, 'b.cjs'), marks('b'))
  return cwd
}

const flags = ['--listen', '127.0.0.1:0', '--kids', '1']

/** Starts a server, asks its kid, and stops it. */
async function ask(t: Test, args: readonly string[], options: RunOptions): Promise<string> {
  const it = new Run(t, [...flags, ...args], { bare: true, ...options })
  await it.ready()
  const { text } = await it.client().outcome
  it.signal('SIGTERM')
  t.equal(await it.end(t), 0)
  return text
}

async function kidOf(t: Test, args: readonly string[], options: RunOptions): Promise<Has> {
  return JSON.parse(await ask(t, ['--handler', 'h.mjs', ...args], options)) as Has
}

test("a handler's kid has the flags of the parent and of nodeArgs, in this order", async (t) => {
  const cwd = place(t)
  const has = await kidOf(
    t,
    ['--node-args=--stack-trace-limit=7', '--node-args', '--no-warnings'],
    {
      cwd,
      flags: ['--max-http-header-size=65536', '--enable-source-maps', '--import', './a.mjs'],
    },
  )
  t.strictSame(has.execArgv, [
    ...['--max-http-header-size=65536', '--enable-source-maps'],
    ...['--import', `file://${cwd}/a.mjs`, '--stack-trace-limit=7', '--no-warnings'],
  ])
  t.equal(has.maxHeaderSize, 65_536)
  t.strictSame(has.marks, ['a'])
})

test('modules are found from where the parent was started, also where kids start elsewhere', async (t) => {
  const cwd = place(t)
  const has = await kidOf(t, ['--chdir', '/usr', '--node-args=--import=./a.mjs'], {
    cwd,
    flags: ['-r', './b.cjs', '--no-warnings'],
  })
  t.equal(has.cwd, '/usr')
  t.strictSame(has.marks, ['b', 'a'])
})

test('with a loader a handler may be TypeScript, also where kids start elsewhere', async (t) => {
  const cwd = t.testdir({
    'h.ts': `import type { Socket } from 'node:net'
      enum Answer { yes = 'typed' }
      export default (socket: Socket) => socket.end(Answer.yes)`,
  })
  for (const args of [[], ['--chdir', '/usr']]) {
    const text = await ask(t, ['--handler', 'h.ts', ...args], { cwd, flags: [`--import=${tsx}`] })
    t.equal(text, 'typed')
  }
})

test('what would have every kid take one port, or run something else, is not passed on', async (t) => {
  const cwd = place(t)
  const has = await kidOf(t, [], {
    cwd,
    flags: ['--inspect-port', '9230', '--inspect-publish-uid=http', '--test-only', '--no-warnings'],
  })
  t.strictSame(has.execArgv, ['--no-warnings'])
})

test('a profile of each kid is written', async (t) => {
  const cwd = place(t)
  const has = await kidOf(
    t,
    ['--chdir', '/', '--node-args=--cpu-prof', '--node-args=--cpu-prof-dir=p'],
    { cwd },
  )
  t.strictSame(has.execArgv, ['--cpu-prof', `--cpu-prof-dir=${cwd}/p`])
  t.match(readdirSync(join(cwd, 'p')), [/\.cpuprofile$/])
})

test('a kid that runs programs has the flags, and the programs have not', async (t) => {
  const cwd = place(t)
  writeFileSync(join(cwd, 'p.mjs'), 'process.stdout.write(JSON.stringify(process.execArgv))')
  writeFileSync(join(cwd, 'says.mjs'), "process.stderr.write('in kid: ' + process.title + '\\n')")
  const it = new Run(t, [...flags, '--program', `${process.execPath} p.mjs`], {
    ...{ cwd, bare: true },
    flags: ['--import=./says.mjs', '--title=flagged'],
  })
  await it.ready()
  await it.logged(/^in kid: flagged$/)
  t.equal((await it.client().outcome).text, '[]')
  it.signal('SIGTERM')
  t.equal(await it.end(t), 0)
})

test("a kid in another language gets no flags, which are not its own program's", async (t) => {
  const cwd = place(t)
  const behaves = fixture('kids/behaves.js')
  const it = new Run(t, [...flags, '--kid', `${process.execPath} ${behaves}`], {
    ...{ cwd, bare: true },
    flags: ['--import=./a.mjs', '--no-warnings'],
  })
  await it.ready()
  const [kid] = it.kids
  const words = readFileSync(`/proc/${kid}/cmdline`, 'utf8').split('\0').filter(Boolean)
  t.strictSame(words, [process.execPath, behaves])
  it.signal('SIGTERM')
  t.equal(await it.end(t), 0)
})

test('flags that Node.js does not know are why no kid can start', async (t) => {
  const cwd = place(t)
  const it = new Run(t, [...flags, '--handler', 'h.mjs', '--node-args=--no-such-flag'], { cwd })
  t.equal(await it.end(t), 3)
  t.match(it.stderr, /^preforkd: no kid can start: .*bad option: --no-such-flag$/m)
})

test('kids of another user have the flags too, and who may not read a module is told', {
  skip: isRoot ? false : 'needs root',
}, async (t) => {
  const cwd = place(t)
  const options = { cwd, flags: ['--import=./a.mjs', '--max-http-header-size=65536'] }
  chmodSync(join(cwd, 'h.mjs'), 0o644)
  chmodSync(join(cwd, 'a.mjs'), 0o644)
  const has = await kidOf(t, ['--user', 'nobody'], options)
  t.strictSame(has.marks, ['a'])
  t.equal(has.maxHeaderSize, 65_536)
  chmodSync(join(cwd, 'a.mjs'), 0o600)
  const it = new Run(t, [...flags, '--handler', 'h.mjs', '--user', 'nobody'], options)
  t.equal(await it.end(t), 3)
  t.match(it.stderr, /^preforkd: no kid can start: .*user \d+ may not read \/.*\/a\.mjs; give its/m)
})

test('nodeArgs of a reload are those of the new kids', async (t) => {
  const cwd = place(t)
  const config = join(cwd, 'c.json')
  const write = (nodeArgs: string[]) =>
    writeFileSync(
      config,
      JSON.stringify({ handler: 'h.mjs', listen: '127.0.0.1:0', kids: 1, nodeArgs }),
    )
  write(['--stack-trace-limit=1'])
  const it = new Run(t, ['--config', 'c.json'], { cwd, bare: true })
  await it.ready()
  write(['--stack-trace-limit=2'])
  it.signal('SIGHUP')
  await it.logged(/^reloaded: /)
  const { text } = await it.client().outcome
  t.strictSame(JSON.parse(text).execArgv, ['--stack-trace-limit=2'])
  it.signal('SIGTERM')
  t.equal(await it.end(t), 0)
})
