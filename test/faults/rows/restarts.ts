/** Group G: upgrades under load, new parents that fail or are killed on the way, and bad configurations. */

import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { pidIn } from '../../process/deploy.js'
import { isAlive, offspring, pass, signal, until } from '../../process/processes.js'
import type { Bed } from '../bed.js'
import { load } from '../load.js'
import type { Row } from '../row.js'
import type { Server } from '../server.js'

/** How many upgrades in a row: the matrix asks for 50, of which each costs the start of a server. */
const upgrades = 10
const own = readFileSync(new URL('../handler.js', import.meta.url), 'utf8')

/** A server whose handler and pid file are the row's own. */
async function deploy(bed: Bed, ...args: string[]): Promise<Server> {
  writeFileSync(bed.path('h.mjs'), own)
  const files = ['--handler', bed.path('h.mjs'), '--pid-file', bed.path('pid')]
  return bed.command(['--kids', '2', ...files, ...args])
}

/** The new parent of an upgrade, once it has been started. */
async function heirOf(old: number, kids: readonly number[]): Promise<number> {
  const heirs = () =>
    offspring(old).filter((pid) => {
      // A process may be gone before it is looked at.
      if (kids.includes(pid) || !existsSync(`/proc/${pid}/cmdline`)) return false
      return /main\.js/.test(readFileSync(`/proc/${pid}/cmdline`, 'latin1'))
    })
  await until(() => heirs().length > 0, 'a new parent')
  return heirs()[0] as number
}

async function failsToUpgrade(bed: Bed, server: Server, old: number): Promise<void> {
  await server.logged(/^upgrade failed: /, 1, 20_000)
  await until(() => bed.left().length === 3, 'nothing of the new parent to be left')
  assert.equal(server.pid, old)
  assert.equal(pidIn(bed.path('pid')), old)
  assert.ok(!existsSync(bed.path('pid.old')), 'the pid file has its name again')
  assert.equal(await server.client().ended, 'ok')
}

export const restarts: readonly Row[] = [
  {
    number: 72,
    group: 'G',
    fault: `${upgrades} upgrades in a row under load`,
    inject: 'USR2, each once the one before has been completed; 8 clients all the while',
    repeats: 2,
    async run(bed) {
      const server = await deploy(bed)
      const traffic = load(server, 8)
      for (let upgrade = 1; upgrade <= upgrades; upgrade++) {
        const old = server.pid
        server.signal('SIGUSR2')
        // Its first process has ended with the first upgrade, its log goes on.
        const ready = () => server.lines(/^ready: /).length > upgrade
        await until(ready, `new parent ${upgrade}`, 20_000)
        await until(() => !isAlive(old), 'the old parent to end')
      }
      const { ok, ...others } = await traffic.stop()
      assert.ok(ok > 100, `${ok} were served`)
      assert.deepEqual(Object.values(others), [0, 0, 0, 0, 0], JSON.stringify(others))
      bed.figures['served over the upgrades'] = ok
      await server.stop()
    },
  },
  {
    number: 73,
    group: 'G',
    part: 'fails',
    fault: 'the new parent of an upgrade does not come up',
    inject: 'USR2 with a handler that throws when it is loaded',
    async run(bed) {
      const server = await deploy(bed)
      const old = server.pid
      writeFileSync(bed.path('h.mjs'), "throw new Error('I am broken')\n")
      server.signal('SIGUSR2')
      await failsToUpgrade(bed, server, old)
      // The look afterwards would see it as a defect of ours: it is what the handler says.
      assert.match(server.stderr, /I am broken/)
    },
  },
  {
    number: 73,
    group: 'G',
    part: 'hangs',
    fault: 'the new parent of an upgrade does not come up',
    inject: 'USR2, and SIGSTOP to the new parent',
    async run(bed) {
      const server = await deploy(bed, '--ready-timeout', '2s')
      const old = server.pid
      const kids = server.kids
      server.signal('SIGUSR2')
      await signal(await heirOf(old, kids), 'SIGSTOP')
      await failsToUpgrade(bed, server, old)
    },
  },
  {
    number: 74,
    group: 'G',
    part: 'the new one',
    fault: 'a parent is killed in the middle of an upgrade',
    inject: 'SIGKILL to the new parent, at a moment that the seed chooses',
    async run(bed) {
      const server = await deploy(bed)
      const old = server.pid
      const kids = server.kids
      server.signal('SIGUSR2')
      const heir = await heirOf(old, kids)
      await pass(bed.between(0, 30) * 10)
      // As long as it is not ready the old one stays; afterwards nobody does.
      const wasReady = server.lines(/^ready: /).length > 1
      if (wasReady) return endOf(bed, server)
      await signal(heir, 'SIGKILL')
      await until(
        () => server.lines(/^upgrade failed: /).length > 0 || !isAlive(old),
        'the old parent to go on or to end',
      )
      if (!isAlive(old)) return nobodyIsLeft(bed)
      await failsToUpgrade(bed, server, old)
    },
  },
  {
    number: 74,
    group: 'G',
    part: 'the old one',
    fault: 'a parent is killed in the middle of an upgrade',
    inject: 'SIGKILL to the old parent, at a moment that the seed chooses',
    async run(bed) {
      writeFileSync(bed.path('h.mjs'), own)
      const args = ['--kids', '2', '--handler', bed.path('h.mjs'), '--pid-file', bed.path('pid')]
      const server = await bed.command(args, { mayEnd: [0, 'SIGKILL'] })
      const old = server.pid
      const kids = server.kids
      server.signal('SIGUSR2')
      const heir = await heirOf(old, kids)
      await pass(bed.between(0, 30) * 10)
      if (isAlive(old)) await signal(old, 'SIGKILL')
      await until(() => !kids.some(isAlive), 'the old kids to be gone')
      // Either the new one has come up and serves, or it has ended.
      await until(
        () => !isAlive(heir) || server.lines(/^ready: /).length > 1,
        'the new parent to be ready or to end',
      )
      if (isAlive(heir)) await endOf(bed, server)
      else await nobodyIsLeft(bed)
    },
  },
  {
    number: 75,
    group: 'G',
    fault: 'HUP with a configuration that is wrong',
    inject: 'an option out of range, then no JSON, then no file',
    async run(bed) {
      const config = bed.path('c.json')
      const handler = bed.path('h.mjs')
      writeFileSync(handler, own)
      writeFileSync(config, JSON.stringify({ handler, kids: 2, listen: '127.0.0.1:0' }))
      const server = await bed.command(['--config', config])
      const kids = server.kids.sort()
      const traffic = load(server, 2)
      writeFileSync(config, JSON.stringify({ handler, kids: 2, slots: -1, listen: '127.0.0.1:0' }))
      server.signal('SIGHUP')
      await server.logged(/^no reload: slots in .* must be a whole number/)
      writeFileSync(config, '{ kids: ')
      server.signal('SIGHUP')
      await server.logged(/^no reload: /, 2)
      const { ok, ...others } = await traffic.stop()
      assert.ok(ok > 0, `${ok} were served`)
      assert.deepEqual(Object.values(others), [0, 0, 0, 0, 0])
      assert.deepEqual(server.kids.sort(), kids)
    },
  },
]

/** A new parent serves, and the old one is gone. */
async function endOf(bed: Bed, server: Server): Promise<void> {
  await until(() => bed.left().length === 3, 'one parent and its kids')
  assert.equal(await server.client().ended, 'ok')
  await server.stop()
}

async function nobodyIsLeft(bed: Bed): Promise<void> {
  await until(() => bed.left().length === 0, 'nobody to be left')
}
