/** The command with a configuration file, a log file and a pid file, and what it does instead of serving. */

import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { Client } from '../process/client.js'
import { until } from '../process/processes.js'
import { fixture, Run, type RunOptions, refused } from './run.js'

const says = (word: string) => `export default (socket) => { socket.end('${word}') }\n`
const isRoot = process.getuid?.() === 0

/** A place with a handler that says `one` and a configuration file with these options. */
function place(t: Test, options: object = {}) {
  const cwd = mkdtempSync(join(tmpdir(), 'preforkd-'))
  t.teardown(() => rmSync(cwd, { recursive: true, force: true }))
  const at = (name: string) => join(cwd, name)
  const configure = (more: object) =>
    writeFileSync(
      at('preforkd.config.json'),
      JSON.stringify({ handler: 'h.mjs', listen: '127.0.0.1:0', kids: 2, ...options, ...more }),
    )
  writeFileSync(at('h.mjs'), says('one'))
  configure({})
  const run = (args: string[] = [], more: RunOptions = {}) => new Run(t, args, { cwd, ...more })
  return { cwd, at, configure, run }
}

/** Settles once a file has a line of the log that is like this; gives it. */
async function logged(path: string, pattern: RegExp): Promise<Record<string, unknown>> {
  const find = () => {
    if (!existsSync(path)) return undefined
    const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
    return lines.map((line) => JSON.parse(line)).find(({ msg }) => pattern.test(msg))
  }
  await until(() => find() !== undefined, `a line like ${pattern} in ${path}`)
  return find()
}

async function reply(run: Run): Promise<string> {
  return (await run.client().outcome).text
}

test('a file in the working directory says what to serve, and the parent its title', async (t) => {
  const { run } = place(t, { kids: undefined, startKids: 1, maxKids: 1 })
  const it = run(['--start-kids', '1'], { env: { PREFORKD_SLOTS: '3' } })
  const { kids } = await it.ready()
  t.equal(kids, 1)
  t.equal(await reply(it), 'one')
  t.equal(readFileSync(`/proc/${it.pid}/cmdline`, 'utf8').replace(/\0+$/, ''), 'preforkd: parent')
  it.signal('SIGTERM')
  t.equal(await it.end(t), 0)
})

test('hooks in a configuration file are called', async (t) => {
  const { at, run } = place(t)
  rmSync(at('preforkd.config.json'))
  const names = ['onReady', 'onSpawn', 'onIdle', 'onGone', 'onStop']
  const hooks = names.map((name) => `${name}: (told) => appendFileSync(file, '${name}\\n')`)
  writeFileSync(
    at('preforkd.config.mjs'),
    `import { appendFileSync } from 'node:fs'
    const file = new URL('told', import.meta.url)
    export default async () => ({ handler: 'h.mjs', listen: '127.0.0.1:0', kids: 1,
      onRound() { throw new Error('never mind') }, ${hooks.join(', ')} })`,
  )
  const it = run()
  await it.ready()
  it.signal('SIGTERM')
  t.equal(await it.end(t), 0)
  t.strictSame(readFileSync(at('told'), 'utf8').trimEnd().split('\n'), [
    ...['onSpawn', 'onIdle', 'onReady', 'onGone', 'onStop'],
  ])
  t.match(
    it.log.find(({ level }) => level === 50),
    { level: 50, msg: 'hook onRound failed', err: { message: 'never mind' } },
  )
})

test('a configuration that is wrong is a usage error that names the file', async (t) => {
  const { at } = place(t, { slots: 0 })
  await refused(
    t,
    ['--config', at('preforkd.config.json')],
    2,
    `slots in ${at('preforkd.config.json')} must be a whole number from 1 to 10000, not 0`,
  )
  writeFileSync(at('c.mjs'), 'export default {')
  await refused(
    t,
    ['--config', at('c.mjs')],
    2,
    `configuration file ${at('c.mjs')} does not load: SyntaxError: Unexpected end of input`,
  )
})

test('--print-config shows what is in force and where it comes from', async (t) => {
  const { at, run, cwd } = place(t, { maxRss: '300MB', umask: '027', connectionTimeout: 90_000 })
  const it = run(['--print-config', '--slots', '3', '--overload-reply', 'no\\r\\n'], {
    env: { PREFORKD_OVERLOAD: 'abrupt' },
  })
  t.equal(await it.end(t), 0)
  const rows = `
handler               "CWD/h.mjs"      file
program               none             default
kid                   none             default
server                none             default
protocol              tcp              default
listen                ["127.0.0.1:0"]  file
backlog               2048             default
kids                  2                file
startKids             2                file
minSpare              2                file
maxSpare              2                file
maxKids               2                file
idleTimeout           1m               default
slots                 3                flag
pick                  warm             default
maxOrders             no limit         default
lateAfter             5ms              default
maxConnections        0                default
maxConnectionsJitter  10%              default
maxAge                off              default
maxRss                300MB            file
overload              abrupt           environment
shedAfter             off              default
overloadReply         "no\\r\\n"         flag
acceptTimeout         1s               default
readyTimeout          10s              default
connectionTimeout     90s              file
firstByteTimeout      off              default
headersTimeout        off              default
requestTimeout        off              default
sendTimeout           off              default
keepAliveTimeout      off              default
proxyProtocol         off              default
trustedProxies        ["loopback"]     default
maxDetached           1000             default
warmupDelay           off              default
stopTimeout           30s              default
user                  the parent's     default
group                 that of user     default
name                  none             default
nodeArgs              none             default
inspectKids           off              default
scheduling            batch            default
kidShutdown           on, but off for kids of another user default
umask                 027              file
chdir                 the parent's     default
logLevel              info             default
logFile               standard error   default
pidFile               none             default
`
  // The columns are as wide as what is in them: compared without.
  const plain = (text: string) => text.replaceAll(cwd, 'CWD').replace(/ +/g, ' ')
  t.equal(plain(it.stdout), plain(`# configuration file: ${at('preforkd.config.json')}${rows}`))
  t.equal(it.stderr, '')
  const widths = new Set(
    it.stdout
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => line.search(/\S+$/)),
  )
  t.equal(widths.size, 1, 'the columns are straight')
  const other = run(['--print-config', '--no-config', '--kid', 'k', '--min-spare', '0'])
  t.equal(await other.end(t), 0)
  t.match(
    plain(other.stdout),
    /^# no configuration file was read\nhandler none default\nprogram none default\nkid "k" flag\n/,
  )
  t.match(plain(other.stdout), '\nstartKids 0 default\nminSpare 0 flag\nmaxSpare 4 default\n')
})

test('--print-config tells which variables kids get, but not what is in them', async (t) => {
  const { at, run } = place(t)
  writeFileSync(
    at('c.mjs'),
    'export default { handler: "h.mjs", env: { TOKEN: "s3cret" }, onReady() {} }',
  )
  const it = run(['--print-config', '--config', 'c.mjs'])
  t.equal(await it.end(t), 0)
  t.match(it.stdout, /\nenv +\["TOKEN"\] +file\nonReady +a function +file\n$/)
  t.notMatch(it.stdout, /s3cret/)
})

test('--check loads all there is, beside a server that runs, and leaves nothing', async (t) => {
  const { at, run, cwd } = place(t, { pidFile: 'p.pid', logFile: 'l.log', shedAfter: '1s' })
  const first = run()
  await logged(at('l.log'), /^ready/)
  const { msg } = await logged(at('l.log'), /^ready/)
  const [, port] = /:(\d+),/.exec(String(msg)) ?? []
  const before = readdirSync(cwd)
  const it = run(['--check', '--listen', `127.0.0.1:${port}`])
  t.equal(await it.end(t), 0)
  t.equal(it.stdout, 'configuration and handler are fine\n')
  t.equal(it.stderr, '')
  t.strictSame(readdirSync(cwd), before)
  const log = readFileSync(at('l.log'), 'utf8').trimEnd().split('\n')
  t.strictSame([...new Set(log.map((line) => JSON.parse(line).pid))], [first.pid])
  first.signal('SIGTERM')
  t.equal(await first.end(t), 0)
})

test('--check calls no hook', async (t) => {
  const { at, run } = place(t)
  writeFileSync(
    at('c.mjs'),
    `import { writeFileSync } from 'node:fs'
    const told = () => writeFileSync(new URL('told', import.meta.url), '')
    export default { handler: 'h.mjs', onReady: told, onSpawn: told, onStop: told }`,
  )
  const it = run(['--check', '--config', 'c.mjs'])
  t.equal(await it.end(t), 0)
  t.notOk(existsSync(at('told')))
})

test('--check says what is wrong: with the options, the files, or the handler', async (t) => {
  const { at, configure } = place(t)
  const check = ['--check', '--config', at('preforkd.config.json')]
  configure({ slots: 0 })
  await refused(t, check, 2, /^slots in \S+ must be a whole number from 1 to 10000, not 0$/)
  configure({ maxKids: 3 })
  await refused(t, check, 2, /^kids and maxKids contradict each other: .* \(configuration file: /)
  symlinkSync('/etc/passwd', at('l.log'))
  configure({ logFile: 'l.log' })
  await refused(t, check, 2, `logFile ${at('l.log')} cannot be used: it is a symbolic link`)
  configure({ pidFile: 'gone/p.pid' })
  await refused(
    t,
    check,
    2,
    `pidFile ${at('gone/p.pid')} cannot be used: its directory does not exist`,
  )
  configure({ handler: 'nowhere.mjs' })
  await refused(t, check, 3, `no kid can start: handler ${at('nowhere.mjs')} does not exist`)
  configure({ handler: fixture('handlers/setup-throws.js') })
  await refused(t, check, 3, 'no kid can start: setup failed: Error: no database')
})

test('the log goes to the file, USR1 opens it anew, and standard error has nothing', async (t) => {
  const { at, run } = place(t, { logFile: 'l.log', handler: fixture('handlers/logs.js') })
  const it = run()
  await logged(at('l.log'), /^ready/)
  renameSync(at('l.log'), at('l.log.1'))
  it.signal('SIGUSR1')
  await logged(at('l.log'), /^reopened log file /)
  it.signal('SIGTERM')
  t.equal(await it.end(t), 0)
  await logged(at('l.log'), /^stopped$/)
  t.equal(it.stderr, '')
})

test('a log file that is not safe to write is a usage error', async (t) => {
  const { at } = place(t)
  symlinkSync(at('elsewhere'), at('l.log'))
  const args = ['--config', at('preforkd.config.json'), '--log-file', at('l.log')]
  await refused(t, args, 2, `logFile ${at('l.log')} cannot be used: it is a symbolic link`)
  t.notOk(existsSync(at('elsewhere')))
})

test('a full disk costs log lines, not connections', {
  skip: !isRoot && 'needs root, to mount a tiny file system',
}, async (t) => {
  const { cwd, run } = place(t, { logFile: 'disk/l.log', logLevel: 'trace' })
  const disk = join(cwd, 'disk')
  execFileSync('mkdir', [disk])
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', disk], { stdio: 'pipe' })
  } catch {
    t.comment('skipped: no tmpfs can be mounted here')
    return
  }
  try {
    const it = run(['--handler', fixture('handlers/logs.js')])
    const { addresses } = (await logged(join(disk, 'l.log'), /^ready/)) as { addresses: string[] }
    const [host = '', port] = (addresses[0] as string).split(':')
    for (let i = 0; i < 60; i++) {
      const client = new Client({ kind: 'tcp', name: '', host, port: Number(port) })
      t.equal((await client.outcome).result, 'ok')
    }
    t.ok(execFileSync('df', ['--output=avail', disk]).toString().includes(' 0\n'), 'it is full')
    it.signal('SIGTERM')
    t.equal(await it.end(t), 0)
  } finally {
    execFileSync('umount', ['-l', disk])
  }
})

test('the pid file keeps a second server out, outlives no server, and survives a sudden death', async (t) => {
  const { at, run } = place(t, { pidFile: 'p.pid' })
  const first = run()
  await first.ready()
  t.equal(readFileSync(at('p.pid'), 'utf8'), `${first.pid}\n`)
  await refused(
    t,
    ['--config', at('preforkd.config.json')],
    2,
    `pidFile ${at('p.pid')} is held by a running server, whose pid is ${first.pid}`,
  )
  first.signal('SIGKILL')
  t.equal(await first.end(t), 'SIGKILL')
  t.equal(readFileSync(at('p.pid'), 'utf8'), `${first.pid}\n`)
  const second = run()
  await second.ready()
  t.equal(readFileSync(at('p.pid'), 'utf8'), `${second.pid}\n`)
  second.signal('SIGTERM')
  t.equal(await second.end(t), 0)
  t.notOk(existsSync(at('p.pid')))
  await refused(
    t,
    ['--config', at('preforkd.config.json'), '--handler', at('nowhere.mjs')],
    3,
    /does not exist$/,
  )
  t.notOk(existsSync(at('p.pid')), 'nor is it left by one that does not start')
})

test('HUP reads the configuration anew; a bad one changes nothing', async (t) => {
  const { at, run, configure } = place(t)
  writeFileSync(at('other.mjs'), says('two'))
  const it = run()
  await it.ready()
  configure({ handler: 'other.mjs' })
  it.signal('SIGHUP')
  await it.logged(/^reloaded: generation 2 serves$/)
  t.equal(await reply(it), 'two')
  configure({ slots: -1 })
  it.signal('SIGHUP')
  const { msg, level } = await it.logged(/^no reload/)
  t.equal(
    msg,
    `no reload: slots in ${at('preforkd.config.json')} must be a whole number from 1 to 10000, not -1`,
  )
  t.equal(level, 50)
  t.equal(await reply(it), 'two')
  it.signal('SIGTERM')
  t.equal(await it.end(t), 0)
})

test('HUP changes the level of the log, and says what it does not change', async (t) => {
  const { run, configure } = place(t)
  const it = run()
  await it.ready()
  configure({ logLevel: 'debug', backlog: 5, pidFile: 'p.pid' })
  it.signal('SIGHUP')
  const { msg } = await it.logged(/^a reload does not change/)
  t.equal(msg, 'a reload does not change backlog, pidFile: that takes a restart')
  configure({ logLevel: 'debug' })
  it.signal('SIGHUP')
  await it.logged(/^kid \d+ is up$/)
  it.signal('SIGTERM')
  t.equal(await it.end(t), 0)
})

test('--watch reloads when handler or configuration change, and goes on when they are broken', async (t) => {
  const { at, run, configure } = place(t)
  const it = run(['--watch'])
  await it.ready()
  t.equal(await reply(it), 'one')
  writeFileSync(at('h.mjs'), says('two'))
  await it.logged(/^reloaded: generation 2 serves$/)
  t.equal(await reply(it), 'two')
  writeFileSync(at('h.mjs'), 'export default (')
  await it.logged(/does not load: SyntaxError/)
  t.equal(await reply(it), 'two')
  writeFileSync(at('preforkd.config.json'), '{')
  await it.logged(/^no reload: configuration file \S+ does not load: SyntaxError/)
  writeFileSync(at('other.mjs'), says('three'))
  configure({ handler: 'other.mjs' })
  const reloads = () => it.log.filter(({ msg }) => msg.startsWith('reloaded: '))
  await until(() => reloads().length === 2, 'the second reload')
  t.equal(await reply(it), 'three')
  it.signal('SIGTERM')
  t.equal(await it.end(t), 0)
})
