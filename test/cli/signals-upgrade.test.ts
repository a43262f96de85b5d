/** USR2 to a real command: a new parent takes over under load, or the old one goes on as if nothing had been; run with the others. */

import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { type Test, test } from 'tap'
import { Deploy, pidIn, Signalled, version } from '../process/deploy.js'
import { isAlive, offspring, until } from '../process/processes.js'

const patience = ['--ready-timeout', '5s', '--stop-timeout', '5s']

function serve(t: Test, deploy: Deploy, ...more: string[]): Signalled {
  const pidFile = ['--pid-file', deploy.path('pid')]
  return new Signalled(t, ['--handler', deploy.handler, '--kids', '2', ...pidFile, ...more])
}

/** Watches the pid file at every turn: what it says must be alive whenever it is read. */
function watchPid(deploy: Deploy): () => number[] {
  const wrong: number[] = []
  const timer = setInterval(() => {
    const pid = pidIn(deploy.path('pid'))
    if (!isAlive(pid)) wrong.push(pid)
  }, 2)
  return () => {
    clearInterval(timer)
    return wrong
  }
}

/** Begins an upgrade; settles with the pid of the new parent as soon as there is one. */
async function upgradeTo(server: Signalled): Promise<number> {
  const { parent, kids } = server
  server.signal('SIGUSR2')
  await until(() => offspring(parent).length > kids.length, 'the new parent')
  return offspring(parent).find((pid) => !kids.includes(pid)) as number
}

test('after USR2 a new parent serves, the old one ends, and no client fails', async (t) => {
  const deploy = new Deploy(t)
  const server = serve(t, deploy)
  await server.said(/^ready: 2 kids/)
  const old = server.parent
  t.equal(pidIn(deploy.path('pid')), old)
  const wrongPids = watchPid(deploy)
  server.clients.begin(8)
  await server.clients.more(50)
  deploy.write(version('two'))
  server.signal('SIGUSR2')
  await server.said(/^ready: 2 kids/, 2)
  await until(() => !isAlive(old), 'the old parent to end')
  t.not(server.parent, old)
  await until(() => server.run.process.exitCode !== null, 'its exit code')
  t.equal(server.run.process.exitCode, 0, 'the old parent has ended well')
  t.equal(pidIn(deploy.path('pid')), server.parent)
  t.notOk(existsSync(deploy.path('pid.old')), 'its pid file is gone')
  await server.serves('two')
  await server.clients.more(50)
  t.same(wrongPids(), [], 'the pid file was right at every moment')
  await server.haveKids(2)
  await server.end(t, [deploy.path('pid')])
})

test('the path of a Unix socket outlives upgrades, and goes with the last parent', async (t) => {
  const deploy = new Deploy(t)
  const socket = deploy.path('socket')
  const server = new Signalled(t, ['--handler', deploy.handler, '--kids', '1', ...patience], socket)
  await server.said(/^ready: /)
  server.clients.begin(4)
  for (let upgrade = 1; upgrade <= 2; upgrade++) {
    const old = server.parent
    server.signal('SIGUSR2')
    await server.said(/^ready: /, upgrade + 1)
    await until(() => !isAlive(old), 'the old parent to end')
    t.ok(existsSync(socket), 'the path is there')
    await server.clients.more(10)
  }
  await server.end(t, [socket])
})

test('an upgrade to a broken handler fails, and the old parent goes on', async (t) => {
  const deploy = new Deploy(t)
  const server = serve(t, deploy)
  await server.said(/^ready: 2 kids/)
  const old = server.parent
  const kids = server.kids.sort()
  const wrongPids = watchPid(deploy)
  server.clients.begin(4)
  await server.clients.more(20)
  deploy.write("throw new Error('I am broken')\n")
  server.signal('SIGUSR2')
  t.match(await server.said(/^upgrade failed: /), /exit code 3 before it was up; this parent goes/)
  t.match(server.run.stderr, /preforkd: no kid can start: .*I am broken/)
  t.equal(pidIn(deploy.path('pid')), old)
  t.notOk(existsSync(deploy.path('pid.old')), 'it has its own name again')
  t.same(wrongPids(), [])
  t.same(server.kids.sort(), kids)
  await server.clients.more(20)
  deploy.write(version('two'))
  server.signal('SIGUSR2')
  await server.said(/^ready: /, 2)
  await server.serves('two')
  await until(() => !isAlive(old), 'the old parent to end')
  await server.end(t, [deploy.path('pid'), deploy.path('pid.old')])
})

test('a new parent that is not up in time is killed, even where it is stopped', async (t) => {
  const deploy = new Deploy(t)
  const server = serve(t, deploy, '--ready-timeout', '2s')
  await server.said(/^ready: 2 kids/)
  const old = server.parent
  const heir = await upgradeTo(server)
  process.kill(heir, 'SIGSTOP')
  t.match(await server.said(/^upgrade failed: /), /was not up within 7000 ms; this parent goes on/)
  await until(() => server.run.left().length === 3, 'nothing of the new parent to be left')
  t.equal(pidIn(deploy.path('pid')), old)
  t.notOk(existsSync(deploy.path('pid.old')))
  t.match(await server.ask(), /^one /)
  await server.end(t, [deploy.path('pid')])
})

test('a new parent that dies before it is up costs nothing', async (t) => {
  const deploy = new Deploy(t)
  const server = serve(t, deploy)
  await server.said(/^ready: 2 kids/)
  const old = server.parent
  server.clients.begin(4)
  await server.clients.more(10)
  process.kill(await upgradeTo(server), 'SIGKILL')
  t.match(await server.said(/^upgrade failed: /), /ended by SIGKILL before it was up/)
  await until(() => server.run.left().length === 3, 'nothing of the new parent to be left')
  t.equal(pidIn(deploy.path('pid')), old)
  await server.clients.more(20)
  await server.end(t, [deploy.path('pid')])
})

test('USR2 twice is one upgrade', async (t) => {
  const deploy = new Deploy(t)
  const server = serve(t, deploy)
  await server.said(/^ready: 2 kids/)
  const old = server.parent
  server.signal('SIGUSR2')
  await server.said(/^upgrade: starts a new parent/)
  server.signal('SIGUSR2')
  await until(() => !isAlive(old), 'the old parent to end')
  t.equal(server.lines(/^upgrade: starts/).length, 1)
  t.match(await server.ask(), /^one /)
  await server.end(t, [deploy.path('pid')])
})

for (const name of ['SIGTERM', 'SIGINT'] as const) {
  test(`${name} in the middle of an upgrade ends both parents`, async (t) => {
    const deploy = new Deploy(t)
    const server = serve(t, deploy)
    await server.said(/^ready: 2 kids/)
    server.signal('SIGUSR2')
    await server.said(/^upgrade: starts/)
    server.signal(name)
    t.equal(await server.run.end(t), 0)
    t.notOk(existsSync(deploy.path('pid')))
    t.notOk(existsSync(deploy.path('pid.old')))
    // The port is free: nobody has it open any more.
    const { port } = server.clients.address() as { port: number }
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve))
    other.close()
  })
}
