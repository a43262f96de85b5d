/** The command from its first line to its exit code: readiness, serving, signals, and its own sudden death. */

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import {
  descriptorsOf,
  descriptorsOfKid,
  isAlive,
  lookAt,
  pass,
  signal,
  until,
} from '../process/processes.js'
import { fixture, Run } from './run.js'

function serve(t: Test, name: string, ...more: string[]): Run {
  const handler = fixture(`handlers/${name}.js`)
  return new Run(t, ['--handler', handler, '--listen', '127.0.0.1:0', ...more])
}

test('--help names every option, --version the version, and both succeed', async (t) => {
  const help = new Run(t, ['--help'])
  t.equal(await help.end(t), 0)
  t.match(help.stdout, /--handler <FILE>[\s\S]*--accept-timeout <TIME>[\s\S]*--log-level/)
  t.equal(help.stderr, '')
  const version = new Run(t, ['--version'])
  t.equal(await version.end(t), 0)
  t.match(version.stdout, /^\d+\.\d+\.\d+\n$/)
})

test('when it is up it says so in one line of JSON, and serves', async (t) => {
  const run = serve(t, 'says-its-pid', '--kids', '2')
  const { addresses, kids, pid, msg } = await run.ready()
  t.equal(pid, run.pid)
  t.equal(kids, 2)
  t.match(addresses, [/^127\.0\.0\.1:[1-9]\d+$/])
  t.equal(msg, `ready: 2 kids on ${addresses[0]}, pid ${run.pid}`)
  t.equal(run.kids.length, 2)
  const { result, text } = await run.client().outcome
  t.equal(result, 'ok')
  t.ok(run.kids.includes(Number(text)))
  run.signal('SIGTERM')
  t.equal(await run.end(t), 0)
  t.ok(
    run.log.every(({ level, msg }) => level === 30 || /^kids run as root/.test(String(msg))),
    'nothing is worse than information',
  )
  t.equal(run.stderr.trimEnd().split('\n').length, run.log.length, 'every line is JSON')
  t.equal(run.stdout, '')
})

test('TERM serves what was queued, finishes what is held, and exits with 0', async (t) => {
  const run = serve(t, 'holds', '--kids', '1')
  await run.ready()
  const held = run.client()
  await held.answered
  const queued = [run.client(), run.client()]
  for (const client of queued) await client.connected
  run.signal('SIGTERM')
  t.equal((await held.end()).result, 'ok')
  for (const client of queued) {
    await client.answered
    t.equal((await client.end()).result, 'ok')
  }
  t.equal(await run.end(t), 0)
  t.equal((await run.client().outcome).result, 'refused')
})

for (const name of ['SIGINT', 'SIGQUIT'] as const) {
  test(`${name} does not wait for connections`, async (t) => {
    const run = serve(t, 'holds', '--kids', '2')
    await run.ready()
    const held = run.client()
    await held.answered
    run.signal(name)
    t.match((await held.outcome).result, /^(ok|reset)$/)
    t.equal(await run.end(t, 3_000), 0)
  })
}

for (const second of ['SIGTERM', 'SIGINT'] as const) {
  test(`${second} hurries a graceful stop`, async (t) => {
    const run = serve(t, 'holds', '--kids', '1')
    await run.ready()
    const held = run.client()
    await held.answered
    const [kid = 0] = run.kids
    const open = descriptorsOf(kid).length
    run.signal('SIGTERM')
    // The stop has begun once the kid has closed its listener.
    await until(() => descriptorsOf(kid).length < open, 'the kid to drain')
    run.signal(second)
    await held.outcome
    t.equal(await run.end(t, 3_000), 0)
  })
}

test('a stop that takes longer than stopTimeout ends by killing, and exits with 0', async (t) => {
  const run = serve(t, 'holds', '--kids', '1', '--stop-timeout', '300ms')
  await run.ready()
  const held = run.client()
  await held.answered
  run.signal('SIGTERM')
  await held.outcome
  t.equal(await run.end(t, 3_000), 0)
  await run.logged(/^killed kid 1: stop timeout: /)
  await run.logged(/^kid 1 died: 1 connection lost, at: holds \d+$/)
})

test('TERM while it starts leaves nothing', async (t) => {
  const run = serve(t, 'setup-hangs', '--kids', '2')
  await until(() => run.kids.length === 2, 'kids to be spawned')
  run.signal('SIGTERM')
  t.equal(await run.end(t, 5_000), 0)
})

for (const [what, name] of [
  ['idle kids', 'says-its-pid'],
  ['a kid in a busy loop', 'loops-forever'],
] as const) {
  test(`when the parent is killed, ${what} end`, async (t) => {
    const run = serve(t, name, '--kids', '4')
    await run.ready()
    const { kids } = run
    const { result } = await run.client().outcome
    t.equal(result, 'ok')
    const begun = performance.now()
    await signal(run.pid, 'SIGKILL')
    await until(() => !kids.some(isAlive), 'kids to end')
    t.ok(performance.now() - begun < 1_000, `${(performance.now() - begun).toFixed()} ms`)
    t.equal(await run.end(t), 'SIGKILL')
  })
}

test('a parent that was stopped and continued blames no kid', async (t) => {
  const run = serve(t, 'says-its-pid', '--kids', '2', '--accept-timeout', '600ms')
  await run.ready()
  const { kids } = run
  await signal(run.pid, 'SIGSTOP')
  const clients = [run.client(), run.client(), run.client()]
  for (const client of clients) await client.connected
  // Longer than acceptTimeout by the clock of a process that does run.
  await pass(1_000)
  await signal(run.pid, 'SIGCONT')
  for (const client of clients) t.equal((await client.outcome).result, 'ok')
  t.strictSame(run.kids, kids)
  t.equal(lookAt(run.pid)?.state === 'T', false)
  run.signal('SIGTERM')
  t.equal(await run.end(t), 0)
})

test('a storm of signals that mean nothing to it changes nothing', async (t) => {
  const run = serve(t, 'says-its-pid', '--kids', '2')
  await run.ready()
  const { kids } = run
  for (let i = 0; i < 50; i++) {
    run.signal('SIGCHLD')
    run.signal('SIGCONT')
    run.signal('SIGPIPE')
    t.equal((await run.client().outcome).result, 'ok')
  }
  t.strictSame(run.kids, kids)
  run.signal('SIGTERM')
  t.equal(await run.end(t), 0)
})

test('a socket file whose server was killed is taken over, and removed at the end', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'preforkd-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const path = join(directory, 's')
  const args = ['--handler', fixture('handlers/says-its-pid.js'), '--listen', `unix:${path}`]
  const first = new Run(t, args)
  await first.ready()
  await signal(first.pid, 'SIGKILL')
  await first.end(t)
  t.ok(existsSync(path), 'the dead one has left its file')
  const second = new Run(t, args)
  await second.ready()
  second.signal('SIGTERM')
  t.equal(await second.end(t), 0)
  t.notOk(existsSync(path))
})

test('its port is free once it has ended', async (t) => {
  const run = serve(t, 'says-its-pid', '--kids', '2')
  const { addresses } = await run.ready()
  await run.client().outcome
  run.signal('SIGTERM')
  t.equal(await run.end(t), 0)
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(Number(addresses[0]?.split(':')[1]), '127.0.0.1', resolve)
  })
  server.close()
})

test('a kid inherits its listener and its pipes, and nothing else', async (t) => {
  const run = new Run(t, ['--kid', 'sleep 60', '--listen', '127.0.0.1:0', '--kids', '1'], {
    stray: 200,
  })
  await until(() => run.kids.length === 1, 'a kid')
  const [kid = 0] = run.kids
  // Until then it is still the shell, or not even that.
  await until(() => readFileSync(`/proc/${kid}/comm`, 'latin1') === 'sleep\n', 'the program to run')
  t.ok(descriptorsOf(run.pid).some((open) => open.startsWith('200 ')))
  t.match(descriptorsOf(kid), descriptorsOfKid)
  t.equal(descriptorsOf(kid).length, 6)
  run.signal('SIGINT')
  await run.end(t)
})
