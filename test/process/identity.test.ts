/** Whom kids run as: real processes, looked at in /proc, and what they say when they try to get back. */

import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import tap, { type Test, test } from 'tap'
import { Run } from '../cli/run.js'
import { foreign, handler, type Served, type ServerOptions, withServer } from './harness.js'
import { isAlive, signal, until } from './processes.js'

/** What the fixture `tells-what-it-has` tells. */
interface Has {
  readonly status: string
  readonly env: Record<string, string>
  readonly cwd: string
  readonly umask: number
  readonly tries: Record<'setuid' | 'seteuid' | 'setgid' | 'setgroups', string>
  readonly program: { readonly status: string; readonly env: string[] }
}

const notHere = process.platform !== 'linux' && 'needs /proc'
const nobody = idOf('-u', 'nobody')
const nobodysGroup = idOf('-g', 'nobody')

/** Where tap's hooks, which it puts into every process, may write their notes as any user. */
const notes = mkdtempSync(join(tmpdir(), 'preforkd-'))
mkdirSync(join(notes, '.tap/processinfo'), { recursive: true })
for (const each of ['', '.tap', '.tap/processinfo']) chmodSync(join(notes, each), 0o777)
tap.teardown(() => rmSync(notes, { recursive: true, force: true }))
const ofTap = { _TAPJS_PROCESSINFO_CWD_: notes }

const whyNot = whyNotAsRoot()

function idOf(what: '-u' | '-g', name: string): number {
  return Number(spawnSync('id', [what, name], { encoding: 'utf8' }).stdout)
}

/** Why nothing can be tried here that only root may do; false when it can. */
function whyNotAsRoot(): string | false {
  if (notHere) return notHere
  if (process.geteuid?.() !== 0) return 'needs root'
  const file = fileURLToPath(new URL('../../dist/kid/main.js', import.meta.url))
  const script = `fs.readFileSync(${JSON.stringify(file)})`
  const as = { uid: nobody, gid: nobodysGroup, env: { ...process.env, ...ofTap } }
  return (
    spawnSync(process.execPath, ['-e', script], as).status !== 0 &&
    'needs a tree that nobody may read'
  )
}

/** A user that /etc/group has in some groups beside its own, and the numbers of those. */
function userOfSeveralGroups(): { name: string; groups: number[] } | undefined {
  const lines = readFileSync('/etc/group', 'utf8').split('\n')
  const rows = lines.map((line) => line.split(':'))
  const isUser = (name: string) => name !== '' && name !== 'root' && idOf('-u', name) > 0
  const name = rows.flatMap(([, , , members]) => members?.split(',') ?? []).find(isUser)
  if (name === undefined) return undefined
  const mine = rows.filter(([, , , members]) => members?.split(',').includes(name))
  return { name, groups: mine.map(([, , gid]) => Number(gid)) }
}

function asRoot(
  title: string,
  options: ServerOptions,
  body: (t: Test, served: Served) => Promise<void>,
  skip: string | false = whyNot,
): void {
  // That kids run as root is worth a warning, where they do.
  const mayLog = [/^kids run as root/]
  if (skip === false) withServer(title, { startKids: 1, mayLog, ...options, env: ofTap }, body)
  else void test(title, { skip }, () => {})
}

/** A line of /proc/PID/status in words. */
function wordsOf(status: string, name: string): string[] {
  const line = new RegExp(`^${name}:(.*)$`, 'm').exec(status)?.[1] ?? ''
  return line.trim().split(/\s+/).filter(Boolean)
}

function isDropped(t: Test, status: string, uid: number, gid: number, groups: number[]): void {
  t.strictSame(wordsOf(status, 'Uid'), Array(4).fill(`${uid}`), 'real, effective, saved, fs user')
  t.strictSame(wordsOf(status, 'Gid'), Array(4).fill(`${gid}`), 'real, effective, saved, fs group')
  // The kernel sorts them.
  const sorted = [...new Set(groups)].sort((a, b) => a - b).map(String)
  t.strictSame(wordsOf(status, 'Groups'), sorted, 'the groups, and no others')
  for (const name of ['CapEff', 'CapPrm', 'CapInh', 'CapAmb']) {
    t.match(wordsOf(status, name), [/^0+$/], `no capability in ${name}`)
  }
  t.strictSame(wordsOf(status, 'NoNewPrivs'), ['1'], 'no new privileges')
}

async function ask(served: Served): Promise<Has> {
  const { text } = await served.ask()
  return JSON.parse(text) as Has
}

const tells = handler('tells-what-it-has')

asRoot(
  'kids run as the user, in the groups of the user, and cannot get back',
  { ...tells, user: 'nobody' },
  async (t, served) => {
    const { status, tries, program } = await ask(served)
    isDropped(t, status, nobody, nobodysGroup, [nobodysGroup])
    isDropped(t, program.status, nobody, nobodysGroup, [nobodysGroup])
    const refused = 'EPERM'
    t.strictSame(tries, { setuid: refused, seteuid: refused, setgid: refused, setgroups: refused })
  },
)

asRoot(
  'with user, nobody of that user traces a kid or reads its memory, and there is no core file',
  { ...handler('says-its-pid'), user: 'nobody' },
  async (t, served) => {
    const [kid = 0] = served.living
    // What the kernel gives to root belongs to nobody else's eyes.
    t.equal(statSync(`/proc/${kid}/environ`).uid, 0)
    const as = { uid: nobody, gid: nobodysGroup, encoding: 'utf8' } as const
    const look = spawnSync('cat', [`/proc/${kid}/environ`], { ...as, env: { PATH: '/bin' } })
    t.equal(look.stdout, '')
    t.match(look.stderr, /Permission denied/)
  },
)

asRoot(
  'kids of another user may not stop the server, by asking or by exit code 125',
  {
    ...handler('shuts-down'),
    user: 'nobody',
    logs: [/^kid \d asks the server to stop/, /125$/, /^kid 1 died: 1 conn/],
  },
  async (t, served) => {
    for (const how of ['now', 'gracefully', 'now']) await served.ask({ send: how })
    await served.logged(
      /^kid 1 asks the server to stop at once, which kids may not: see kidShutdown$/,
    )
    await served.ask({ send: '125' })
    await served.event('gone', ({ code }) => code === 125)
    await served.event('idle', ({ kid }) => kid !== 1)
    t.equal((await served.ask({ send: 'now' })).text, 'asked\n', 'it serves on')
    const asked = served.log.filter(({ msg }) => msg.startsWith('kid 1 asks'))
    t.equal(asked.length, 2, 'one line for each thing it asked for')
    t.equal(served.server.status().phase, 'running')
  },
)

asRoot(
  'but those that were allowed to may',
  { ...handler('shuts-down'), user: 'nobody', kidShutdown: 'on' },
  async (t, served) => {
    await served.ask({ send: 'now' })
    await served.event('stop')
    t.equal(served.server.status().phase, 'stopped')
  },
)

withServer(
  'kidShutdown off holds for kids of our own user too',
  {
    ...handler('shuts-down'),
    kidShutdown: 'off',
    startKids: 1,
    logs: [/^kid 1 asks the server to stop/],
    mayLog: [/^kids run as root/],
  },
  async (t, served) => {
    await served.ask({ send: 'now' })
    await served.logged(/^kid 1 asks the server to stop at once, which kids may not/)
    t.equal((await served.ask({ send: 'now' })).text, 'asked\n')
  },
)

asRoot(
  'numbers do where the system has no names for them',
  { ...tells, user: 12_345, group: 23_456 },
  async (t, served) => {
    const { status, env } = await ask(served)
    isDropped(t, status, 12_345, 23_456, [23_456])
    t.equal(env.HOME, '/')
    t.hasStrict([env.USER, env.LOGNAME, env.SHELL], [undefined, undefined, undefined])
  },
)

asRoot(
  'group takes the place of the primary group',
  { ...tells, user: 'nobody', group: 23_456 },
  async (t, served) => {
    isDropped(t, (await ask(served)).status, nobody, 23_456, [23_456])
  },
)

const several = whyNot === false ? userOfSeveralGroups() : undefined
asRoot(
  'kids are in the supplementary groups of the user',
  { ...tells, user: several?.name ?? 'nobody' },
  async (t, served) => {
    if (several === undefined) return
    const gid = idOf('-g', several.name)
    const groups = [gid, ...several.groups]
    t.ok(new Set(groups).size > 1, `${several.name} is in ${groups}`)
    isDropped(t, (await ask(served)).status, idOf('-u', several.name), gid, groups)
  },
  whyNot || (several === undefined && 'needs a user in several groups'),
)

asRoot(
  'a kid in another language has dropped everything before its program begins',
  { ...foreign('behaves'), user: 'nobody' },
  async (t, served) => {
    const [kid = 0] = served.living
    const status = readFileSync(`/proc/${kid}/status`, 'utf8')
    isDropped(t, status, nobody, nobodysGroup, [nobodysGroup])
    t.equal((await served.ask()).text, `${kid}\n`, 'and it serves')
  },
)

asRoot(
  'kids that drop nothing may still gain privileges, by sudo say, and are in the groups of the parent',
  tells,
  async (t, served) => {
    const { status } = await ask(served)
    const own = readFileSync('/proc/self/status', 'utf8')
    for (const name of ['Uid', 'Gid', 'Groups', 'CapEff', 'NoNewPrivs']) {
      t.strictSame(wordsOf(status, name), wordsOf(own, name), name)
    }
  },
  notHere,
)

asRoot(
  'kids have the umask and the directory that were given',
  { ...tells, umask: '027', chdir: '/usr' },
  async (t, served) => {
    const { umask, cwd } = await ask(served)
    t.equal(umask, 0o027)
    t.equal(cwd, '/usr')
  },
  notHere,
)

for (const [title, user] of [
  ['a kid that is stuck ends with its parent', []],
  [
    'a kid that is stuck ends with its parent after it has dropped privileges',
    ['--user', 'nobody'],
  ],
] as const) {
  test(title, { skip: user.length === 0 ? notHere : whyNot }, async (t) => {
    const file = fileURLToPath(new URL('../fixtures/kids/loops-forever.sh', import.meta.url))
    const args = ['--kid', `sh ${file}`, '--listen', '127.0.0.1:0', '--kids', '2', ...user]
    const run = new Run(t, args, { env: ofTap })
    await run.ready()
    const kids = run.kids
    t.equal(kids.length, 2)
    await signal(run.pid, 'SIGKILL')
    await until(() => !kids.some(isAlive), 'the kids to be gone', 2_000)
    t.equal(await run.end(t), 'SIGKILL')
  })
}

test('the parent, too, where it is that user itself', { skip: whyNot }, async (t) => {
  const file = fileURLToPath(new URL('../fixtures/handlers/says-its-pid.js', import.meta.url))
  const args = ['--handler', file, '--listen', '127.0.0.1:0', '--kids', '1']
  const run = new Run(t, [...args, '--user', 'nobody'], { uid: nobody, env: ofTap })
  await run.ready()
  for (const pid of [run.pid, ...run.kids]) t.equal(statSync(`/proc/${pid}/environ`).uid, 0)
  run.signal('SIGTERM')
  t.equal(await run.end(t), 0)
})

test('whom kids cannot be is refused in one sentence', { skip: whyNot }, async (t) => {
  const file = fileURLToPath(new URL('../fixtures/handlers/says-its-pid.js', import.meta.url))
  const args = ['--handler', file, '--listen', '127.0.0.1:0', '--user']
  for (const [user, uid, sentence] of [
    ['root', 0, /user must not be root/],
    ['no-such-user', 0, /user "no-such-user" is not known to this system/],
    ['12345', 0, /user 12345 has no group of its own/],
    ['12345', nobody, /only root can start kids as somebody else/],
  ] as const) {
    const run = new Run(t, [...args, user], { uid, env: ofTap })
    t.not(await run.end(t), 0)
    t.match(run.stderr, sentence)
  }
})
