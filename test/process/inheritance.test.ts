/** What kids inherit: exactly the descriptors and the environment that are meant for them, whatever the parent has. */

import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Test, test } from 'tap'
import { fixture, handler, socketPath, withServer } from './harness.js'
import { descriptorsOf, isAlive, lookAt, offspring, signal, until } from './processes.js'

const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const isRoot = process.geteuid?.() === 0

/** What a parent may have in its environment that says nothing to its kids, or the wrong thing. */
const parents = {
  LISTEN_PIDFDID: '1',
  NOTIFY_SOCKET: '/nowhere',
  WATCHDOG_USEC: '1000000000',
  WATCHDOG_PID: '1',
  NODE_UNIQUE_ID: '1',
  PREFORKD_KID_SETTINGS: '{}',
}

/** What speaks of sockets that were handed to the parent; this one was handed none. */
const handed = { LISTEN_PID: '1', LISTEN_FDS: '3', LISTEN_FDNAMES: 'a:b:c' }

/** What root has for its own programs, and itself. */
const roots = {
  NODE_OPTIONS: '--no-warnings',
  LD_LIBRARY_PATH: '/nowhere',
  LD_BIND_NOW: '1',
  SSH_AUTH_SOCK: '/root/agent',
  SUDO_USER: 'somebody',
  XDG_RUNTIME_DIR: '/run/user/0',
  HOME: '/root',
  USER: 'root',
  LOGNAME: 'root',
  SHELL: '/bin/sh',
}

/** What is nobody's business but the kids'. */
const theirs = { PATH: '/usr/bin:/bin', LANG: 'C', DATABASE: 'a=b' }

interface Start {
  readonly env: Record<string, string>
  /** Descriptors it is started with. */
  readonly strays?: readonly number[]
  /** A shell's redirections. */
  readonly redirections?: string
}

/** Starts the command with one kid and exactly this environment, without tap's hooks; gives its pid and the kid's. */
async function start(t: Test, args: readonly string[], { env, strays, redirections }: Start) {
  const stdio = ['ignore', 'ignore', 'ignore'] as ('ignore' | number)[]
  const nothing = openSync('/dev/null', 'r')
  for (const stray of strays ?? []) stdio[stray] = nothing
  // What is passed over is closed in the new process.
  for (let fd = 0; fd < stdio.length; fd++) stdio[fd] ??= 'ignore'
  const listen = ['--listen', `name=unix:${socketPath(t)}`, '--kids', '1']
  const assignments = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const command = [process.execPath, program, ...args, ...listen]
  const parent = spawn(
    'sh',
    ['-c', `exec env -i "$@" ${redirections ?? ''}`, 'sh', ...assignments, ...command],
    { stdio },
  )
  closeSync(nothing)
  const pid = parent.pid as number
  t.teardown(() => parent.kill('SIGKILL'))
  // The launcher sets it last before it turns into the kid.
  const launched = (kid: number) => environmentOf(kid).LISTEN_PID === `${kid}`
  await until(() => offspring(pid).some(launched), 'a kid')
  const [kid = 0] = offspring(pid)
  return { pid, kid }
}

/** Ends a parent, and sees that its kid ends. */
async function end({ pid, kid }: { pid: number; kid: number }): Promise<void> {
  await signal(pid, 'SIGKILL')
  await until(() => !isAlive(kid), 'the kid to end with its parent')
}

function environmentOf(pid: number): Record<string, string> {
  const entries = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(Boolean)
  return Object.fromEntries(entries.map((entry) => entry.split(/=(.*)/s, 2)))
}

/** What the parent itself puts into the environment of its first kid. */
function ofProtocol(kid: number): Record<string, string> {
  return {
    PREFORKD_PROTOCOL: '1',
    PREFORKD_COMMAND_FD: '4',
    PREFORKD_STATUS_FD: '5',
    PREFORKD_KID: '1',
    PREFORKD_INDEX: '0',
    PREFORKD_GENERATION: '1',
    LISTEN_FDS: '1',
    LISTEN_FDNAMES: 'name',
    LISTEN_PID: `${kid}`,
  }
}

const serve = ['--handler', fixture('handlers/says-its-pid.js')]

void test('kids get the environment of the parent but for what speaks of the parent', async (t) => {
  const given = { ...parents, ...handed, ...roots, ...theirs }
  const run = await start(t, serve, { env: given })
  const { PREFORKD_KID_SETTINGS: settings = '', ...env } = environmentOf(run.kid)
  t.strictSame(env, { ...roots, ...theirs, ...ofProtocol(run.kid) })
  t.match(JSON.parse(settings), { parent: run.pid })
  await end(run)
})

void test('kids of another user get neither what root has loaded nor its home, but that of the user', {
  skip: isRoot ? false : 'needs root',
}, async (t) => {
  const given = { ...parents, ...handed, ...roots, ...theirs }
  const run = await start(t, [...serve, '--user', 'nobody'], { env: given })
  const { PREFORKD_KID_SETTINGS: _, ...env } = environmentOf(run.kid)
  const passwd = readFileSync('/etc/passwd', 'utf8')
  const [home, shell] = /^nobody:.*:(.*):(.*)$/m.exec(passwd)?.slice(1) ?? []
  const users = { HOME: home, USER: 'nobody', LOGNAME: 'nobody', SHELL: shell }
  t.strictSame(env, { ...theirs, ...users, ...ofProtocol(run.kid) })
  await end(run)
})

withServer(
  'a program that a handler starts gets no descriptor and no variable of the protocol',
  { ...handler('tells-what-it-has'), startKids: 1, mayLog: [/^kids run as root/] },
  async (t, served) => {
    const { program } = JSON.parse((await served.ask()).text)
    t.strictSame(program.descriptors.sort(), ['0', '1', '2'])
    const left = program.env.filter((entry: string) => /^(PREFORKD|LISTEN)_/.test(entry))
    t.strictSame(left, [])
  },
)

for (const [title, redirections, user] of [
  ['a kid has exactly its descriptors, whatever the parent was started with', '', []],
  ['and when the parent was started without 0, 1 and 2', '0<&- 1>&- 2>&-', []],
  ['and when it runs as another user', '0<&- 1>&- 2>&-', ['--user', 'nobody']],
] as const) {
  const skip = user.length > 0 && !isRoot && 'needs root'
  void test(title, { skip }, async (t) => {
    const strays = [20, 251]
    const run = await start(t, ['--kid', 'sleep 60', ...user], {
      env: theirs,
      strays,
      redirections,
    })
    // The shell in between, too, has it; but it may have descriptors of its own for a moment.
    await until(() => readFileSync(`/proc/${run.kid}/comm`, 'latin1') === 'sleep\n', 'its program')
    const open = descriptorsOf(run.pid)
    for (const stray of strays)
      t.ok(open.includes(`${stray} -> /dev/null`), `the parent has ${stray}`)
    t.match(descriptorsOf(run.kid), [
      /^0 -> \/dev\/null$/,
      /^1 -> socket:/,
      /^2 -> socket:/,
      /^3 -> socket:/,
      /^4 -> pipe:/,
      /^5 -> pipe:/,
    ])
    t.equal(descriptorsOf(run.kid).length, 6)
    await end(run)
  })
}

void test('parent and kid let others finish their turn, unless told otherwise', async (t) => {
  for (const [flags, policy] of [
    [[], 3],
    [['--scheduling', 'normal'], 0],
  ] as const) {
    const run = await start(t, [...serve, ...flags], { env: theirs })
    // It has its title only when it has done what comes first.
    const title = () => readFileSync(`/proc/${run.kid}/cmdline`, 'latin1')
    await until(() => title().startsWith('preforkd: kid'), 'the kid to have its title')
    t.equal(lookAt(run.kid)?.policy, policy)
    t.equal(lookAt(run.pid)?.policy, policy)
    await end(run)
  }
})

withServer(
  'a parent that is part of another program is scheduled as that is, its kids as kids are',
  { ...handler('says-its-pid'), kids: 1 },
  async (t, served) => {
    const [kid] = served.server.status().kids
    t.equal(lookAt(kid?.pid as number)?.policy, 3)
    t.equal(lookAt(process.pid)?.policy, 0)
  },
)
