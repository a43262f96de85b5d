/** TTIN, TTOU, WINCH, USR1, STOP and CONT to a real command; run with the other tests. */

import { existsSync, readFileSync, renameSync } from 'node:fs'
import { type Test, test } from 'tap'
import { Client } from '../process/client.js'
import { Deploy, Signalled } from '../process/deploy.js'
import { isAlive, lookAt, pass, until } from '../process/processes.js'

function serve(t: Test, ...more: string[]): Signalled {
  return new Signalled(t, ['--handler', new Deploy(t).handler, '--stop-timeout', '2s', ...more])
}

/** Stops processes, and settles when they are. */
async function stop(pids: readonly number[]): Promise<void> {
  for (const pid of pids) process.kill(pid, 'SIGSTOP')
  await until(() => pids.every((pid) => lookAt(pid)?.state === 'T'), 'all to be stopped')
}

test('TTIN is one kid more, TTOU one less, and one always remains', async (t) => {
  const server = serve(t, '--kids', '1')
  await server.said(/^ready: /)
  const [first] = server.kids
  server.signal('SIGTTIN')
  await server.haveKids(2)
  server.signal('SIGTTIN')
  await server.haveKids(3)
  server.clients.begin(2)
  for (const kids of [2, 1, 1]) {
    server.signal('SIGTTOU')
    await server.haveKids(kids)
  }
  await server.said(/^resized/, 5)
  await server.clients.more(20)
  t.equal(server.kids.length, 1)
  t.ok(first)
  await server.end(t)
})

test('WINCH parks: no kid is left, connections wait, and HUP serves them', async (t) => {
  const server = serve(t, '--kids', '2')
  await server.said(/^ready: /)
  server.signal('SIGWINCH')
  await server.said(/^parked/)
  await server.haveKids(0)
  const waiting = Array.from({ length: 5 }, () => new Client(server.clients.address()))
  for (const { connected } of waiting) await connected
  t.ok(isAlive(server.parent), 'the parent is there')
  t.same(server.kids, [])
  server.signal('SIGHUP')
  for (const { outcome } of waiting) t.equal((await outcome).result, 'ok')
  await server.said(/^reloaded: generation 2/)
  await server.end(t)
})

test('parked in the middle of a reload it stays parked, and the next HUP starts kids', async (t) => {
  const server = serve(t, '--kids', '2')
  await server.said(/^ready: /)
  server.signal('SIGHUP')
  await server.said(/^reloads: /)
  server.signal('SIGWINCH')
  await server.said(/^no reload: the server was parked meanwhile/)
  await server.haveKids(0)
  server.signal('SIGHUP')
  await server.said(/^reloaded: generation 3 serves/)
  t.match(await server.ask(), /^one /)
  await server.end(t)
})

test('USR1 opens the log file anew after it was renamed, and never the debugger', async (t) => {
  const deploy = new Deploy(t)
  const log = deploy.path('log')
  const server = new Signalled(t, ['--handler', deploy.handler, '--kids', '1', '--log-file', log])
  const said = (file: string, pattern: RegExp) =>
    until(
      () => existsSync(file) && pattern.test(readFileSync(file, 'utf8')),
      `${pattern} in ${file}`,
    )
  await said(log, /ready: /)
  renameSync(log, `${log}.1`)
  server.signal('SIGUSR1', server.run.pid)
  await until(() => existsSync(log), 'the log file to be there again')
  server.signal('SIGTTIN', server.run.pid)
  await said(log, /resized/)
  t.notMatch(readFileSync(`${log}.1`, 'utf8'), /resized/)
  server.signal('SIGTERM', server.run.pid)
  t.equal(await server.run.end(t), 0)
  t.equal(server.run.stderr, '', 'no debugger, and nothing else, speaks on standard error')
})

for (const whole of [false, true]) {
  const who = whole ? 'the parent and its kids are' : 'the parent is'
  test(`when ${who} stopped for long and go on, no kid is killed`, async (t) => {
    // The stop takes three times as long as the longest of these that begin with a connection.
    const times = ['--accept-timeout', '600ms', '--connection-timeout', '600ms']
    const server = serve(t, '--kids', '2', '--ready-timeout', '5s', ...times)
    await server.said(/^ready: /)
    const kids = server.kids.sort()
    const parent = server.parent
    server.clients.begin(8)
    await server.clients.more(30)
    // Kids first: so that they have orders that they cannot have answered when all goes on.
    if (whole) await stop(kids)
    if (whole) await pass(50)
    await stop([parent])
    await pass(1_800)
    // The parent first: it must not judge those who have not run yet.
    for (const pid of whole ? [parent, ...kids] : [parent]) process.kill(pid, 'SIGCONT')
    await server.clients.more(30)
    t.same(server.lines(/^killed/), [])
    t.same(server.kids.sort(), kids, 'the kids are the same')
    await server.end(t)
  })
}

test('a kid that ends with 125 stops the server, with exit code 1 and one sentence', async (t) => {
  const deploy = new Deploy(t, 'export default () => process.exit(125)\n')
  const server = new Signalled(t, ['--handler', deploy.handler, '--kids', '2'])
  await server.said(/^ready: /)
  await server.ask()
  t.equal(await server.run.end(t), 1)
  const sentences = server.run.stderr.split('\n').filter((line) => line.startsWith('preforkd: '))
  t.match(sentences, [/^preforkd: kid \d ended with exit code 125, which asks for no restart/])
  t.equal(sentences.length, 1)
})

test('a kid that ends with 125 before it is up stops the server in the same way', async (t) => {
  const deploy = new Deploy(t, 'process.exit(125)\n')
  const server = new Signalled(t, ['--handler', deploy.handler, '--kids', '2'])
  t.equal(await server.run.end(t), 1)
  t.match(server.run.stderr, /^preforkd: kid \d ended with exit code 125, which asks for/m)
})
