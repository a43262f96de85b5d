/** Programs that kids start for connections: what they have, how they end, and what ends them. */

import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { test } from 'tap'
import type { Client } from './client.js'
import { fixture, type Served, socketPath, withServer } from './harness.js'
import { peerDirectory, without } from './peers.js'
import { descriptorsOf, isAlive, lookAt, offspring, signal, until } from './processes.js'

/** A client may come before the parent knows that the one before it is done, on a busy machine. */
const early = /^overload begins/

const obeys = { program: `sh '${fixture('programs/obeys.sh')}'`, kids: 1 }

/** A new connection whose program is told what to do, with its process number and, where it starts one, its grandchild's. */
async function told(served: Served, word: string): Promise<{ client: Client; pids: number[] }> {
  const client = served.client({ send: `${word}\n` })
  let heard = ''
  client.socket.on('data', (text) => {
    heard += text
  })
  await client.heard(/hold|deaf/.test(word) ? /^\d+\n\d+\n/ : /^\d+\n/)
  return { client, pids: heard.split('\n', 2).filter(Boolean).map(Number) }
}

/** Settles when a kid has no child left, dead or alive. */
function childless(served: Served, kid: number): Promise<void> {
  const children = () =>
    readFileSync(`/proc/${served.pid(kid)}/task/${served.pid(kid)}/children`, 'latin1')
  return until(() => children() === '', `kid ${kid} to have reaped its programs`)
}

withServer(
  'each connection has a program of its own, with the socket as its input and output',
  {
    program: ['cat'],
    kids: 1,
    slots: 2,
    logs: [/^kid 1 ended by SIGKILL$/, /^kid 1 died: 1 connection lost/],
  },
  async (t, served) => {
    const [one, other] = [served.client(), served.client()]
    one.say('hello')
    other.say('world')
    t.strictSame([await one.answered, await other.answered], ['hello', 'world'])
    const cats = offspring(served.pid(1))
    t.equal(cats.length, 2)
    for (const pid of cats) {
      const [input, output, error, ...more] = descriptorsOf(pid)
      t.match([input, output, error], [/^0 -> socket:/, /^1 -> socket:/, /^2 -> /])
      t.strictSame(more, [], 'and nothing else')
      t.equal(input?.slice(1), output?.slice(1))
      const flags = /^flags:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/0`, 'latin1'))?.[1]
      t.equal(Number.parseInt(flags ?? '', 8) & 0o4000, 0, 'which blocks')
      const [, , group, session] = statOf(pid)
      t.strictSame([group, session], [pid, pid], 'in a session of its own')
    }
    t.match(await one.end(), { result: 'ok', text: 'hello' })
    await served.until(() => served.counters.done === 1)
    const { level } = await served.logged(/^the program for 127.0.0.1:\d+ ended: exit status 0$/)
    t.equal(level, 20)
    const again = served.client()
    again.say('a slot is free')
    await again.answered
    await again.end()
    await served.until(() => served.counters.done === 2)
    // That the other one does not outlive its kid is the kernel's work.
    const [last = 0] = offspring(served.pid(1))
    t.equal(lookAt(last)?.parent, served.pid(1))
    await signal(served.pid(1), 'SIGKILL')
    t.match(await other.outcome, { text: 'world' })
    await until(() => !isAlive(last), 'the program to be gone')
    await served.event('idle', ({ kid }) => kid === 2)
  },
)

/** State, parent, group and session of a process. */
function statOf(pid: number): (string | number)[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const [state = '', ...numbers] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return [state, ...numbers.slice(0, 3).map(Number)]
}

withServer(
  'the environment says who speaks with whom, by the conventions of UCSPI',
  (t) => ({
    program: 'env',
    kids: 1,
    mayLog: [early],
    listen: ['127.0.0.1:0', '[::1]:0', `unix:${socketPath(t)}`],
    env: { GIVEN: 'yes', TCPREMOTEHOST: 'of another server', PROTO: 'UDP' },
  }),
  async (t, served) => {
    const environments: Record<string, string>[] = []
    for (const number of [0, 1, 2]) {
      const client = served.client({}, number)
      await client.connected
      const { localPort } = client.socket
      const lines = (await client.outcome).text.trimEnd().split('\n')
      const env = Object.fromEntries(lines.map((line) => line.split(/=(.*)/s, 2)))
      t.equal(env.GIVEN, 'yes')
      const others = /^(PREFORKD_|LISTEN_)/
      t.strictSame(
        Object.keys(env).filter((name) => others.test(name)),
        [],
      )
      const ucspi = /^(PROTO$|TCP|UNIX)/
      environments.push(
        Object.fromEntries(Object.entries<string>(env).filter(([name]) => ucspi.test(name))),
      )
      if (number < 2) t.equal(env.TCPREMOTEPORT, String(localPort))
    }
    const [four, six, unix] = environments
    for (const [ip, env, number] of [
      ['127.0.0.1', four, 0],
      ['::1', six, 1],
    ] as const) {
      const { port } = served.server.addresses[number] as { port: number }
      const remote = { TCPREMOTEIP: ip, TCPREMOTEPORT: /^\d+$/ }
      t.matchStrict(env, { PROTO: 'TCP', TCPLOCALIP: ip, TCPLOCALPORT: `${port}`, ...remote })
      t.equal(Object.keys(env ?? {}).length, 5)
    }
    t.strictSame(unix, {
      PROTO: 'UNIX',
      UNIXLOCALPATH: (served.server.addresses[2] as { path: string }).path,
      UNIXREMOTEPID: String(process.pid),
      UNIXREMOTEEUID: String(process.geteuid?.()),
      UNIXREMOTEEGID: String(process.getegid?.()),
    })
  },
)

withServer(
  'the log says how a program has ended, and connectionTimeout ends it with all that it has started',
  {
    ...obeys,
    kids: 3,
    connectionTimeout: 2_000,
    mayLog: [early],
    logs: [
      /^the program for 127.0.0.1:\d+ ended: exit status 3$/,
      /^the program for 127.0.0.1:\d+ ended: SIGUSR1$/,
      /^the program for 127.0.0.1:\d+ was ended with its connection: SIGTERM$/,
      /^the program for 127.0.0.1:\d+ was ended with its connection: SIGKILL$/,
      /^the program "sh .*" cannot be started for .*: exit status 127, which says that there is no such program$/,
    ],
  },
  async (t, served) => {
    const kids = served.living
    // These two take a while, and the third kid does the others meanwhile.
    const [holding, deaf] = await Promise.all([told(served, 'hold'), told(served, 'deaf')])
    const processes = [...holding.pids, ...deaf.pids]
    t.equal(processes.filter(isAlive).length, 4)
    for (const [word, log] of [
      ['exit 3', /ended: exit status 3$/],
      ['kill USR1', /ended: SIGUSR1$/],
      ['exit 127', /cannot be started/],
    ] as const) {
      const { client } = await told(served, word)
      t.match(await client.outcome, { result: 'ok' }, word)
      await served.logged(log)
    }
    // As of one that writes to a client that has left.
    await (await told(served, 'kill PIPE')).client.outcome
    t.equal((await served.logged(/ended: SIGPIPE$/)).level, 20, 'a client that leaves is no news')
    t.match(await holding.client.outcome, { result: 'ok' })
    t.match(await deaf.client.outcome, { result: 'ok' })
    await until(() => !processes.some(isAlive), 'both groups to be gone')
    await served.until(() => served.counters.done + served.counters.cut === 6)
    t.ok(served.counters.cut > 0)
    t.strictSame(served.living, kids, 'kids go on, each with its one slot')
    for (const kid of [1, 2, 3]) await childless(served, kid)
  },
)

withServer(
  'a program that does not exist costs its connection alone',
  {
    program: ['/no/such/program', '--flag'],
    kids: 1,
    logs: [
      /^the program "\/no\/such\/program --flag" cannot be started for 127.0.0.1:\d+: exit status 127, which/,
    ],
    mayLog: [early, /cannot execute \/no\/such\/program: No such file or directory$/],
  },
  async (t, served) => {
    t.match(await served.ask(), { result: 'closed' })
    t.match(await served.ask(), { result: 'closed' })
    t.strictSame(served.living, [served.pid(1)])
  },
)

withServer('a graceful stop waits for programs', { ...obeys }, async (t, served) => {
  const client = served.client()
  await client.heard(/^\d+\n/)
  const stopped = served.server.stop()
  await served.logged(/^stops gracefully/)
  client.say('exit 0\n')
  t.match(await client.outcome, { result: 'ok' })
  await stopped
  t.match(served.counters, { done: 1, lost: 0 })
})

withServer(
  'a quick stop ends programs and all that they have started',
  { ...obeys },
  async (t, served) => {
    const { pids: processes } = await told(served, 'deaf')
    t.equal(processes.filter(isAlive).length, 2)
    await served.server.stop({ graceful: false })
    await until(() => !processes.some(isAlive), 'the group to be gone')
  },
)

const noGit = without('git')

/** Runs git in a directory, with no settings but ours; bounded in time. */
async function git(directory: string, ...args: string[]): Promise<string> {
  const env = { PATH: process.env.PATH, HOME: directory, GIT_CONFIG_NOSYSTEM: '1' }
  const me = ['-c', 'user.name=a', '-c', 'user.email=a@example.org']
  const options = { cwd: directory, env, timeout: 20_000 }
  return (await promisify(execFile)('git', [...me, ...args], options)).stdout
}

if (noGit !== false) {
  void test('git clones from git daemon', { skip: noGit }, async () => {})
} else {
  let directory = ''
  withServer(
    'git clones from git daemon, which inetd would start',
    (t) => {
      directory = peerDirectory(t)
      return {
        program: ['git', 'daemon', '--inetd', '--export-all', `--base-path=${directory}`],
        kids: 2,
        env: { HOME: directory },
      }
    },
    async (t, served) => {
      const repository = join(directory, 'served')
      mkdirSync(repository)
      writeFileSync(join(repository, 'file'), 'content\n'.repeat(10_000))
      await git(repository, 'init', '-q', '-b', 'main')
      await git(repository, 'add', 'file')
      await git(repository, 'commit', '-q', '-m', 'one')
      const commit = (await git(repository, 'rev-parse', 'HEAD')).trim()
      const { port } = served.server.addresses[0] as { port: number }
      const url = `git://127.0.0.1:${port}/served`
      t.match(await git(directory, 'ls-remote', url), `${commit}\trefs/heads/main`)
      await git(directory, 'clone', '-q', url, 'cloned')
      t.equal((await git(join(directory, 'cloned'), 'rev-parse', 'HEAD')).trim(), commit)
      await served.until(() => served.counters.done === 2)
    },
  )
}
