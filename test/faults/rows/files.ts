/** Group G: socket, pid and log files that are not what they should be, full disks, and files that go away. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { Client } from '../../process/client.js'
import { descriptorsOf, descriptorsOfKid, signal, until } from '../../process/processes.js'
import { type Bed, fixture } from '../bed.js'
import type { Row } from '../row.js'

/** How many start at once: the matrix asks for 50, of which each takes half a second of a processor. */
const racers = 6

/** A command that is to end with a code and one sentence, and to leave nothing. */
async function refused(bed: Bed, args: string[], code: number, sentence: RegExp): Promise<void> {
  const server = bed.launch({ args: ['--kids', '1', ...args], mayEnd: [code] })
  await server.ended
  const said = server.stderr.split('\n').filter((line) => line.startsWith('preforkd: '))
  assert.equal(said.length, 1, `one sentence: ${server.stderr}`)
  assert.match(said[0] as string, sentence)
  assert.equal(server.exit, code, said[0])
}

export const files: readonly Row[] = [
  {
    number: 79,
    group: 'G',
    fault: 'many start at once on the same Unix path',
    inject: `${racers} starts at once, on a path that a dead server has left`,
    repeats: 5,
    async run(bed) {
      const path = bed.path('s')
      const dead = await bed.command(['--listen', `unix:${path}`, '--kids', '1'], {
        mayEnd: ['SIGKILL'],
      })
      await signal(dead.pid, 'SIGKILL')
      const all = Array.from({ length: racers }, () =>
        bed.launch({ args: ['--listen', `unix:${path}`, '--kids', '1'], mayEnd: [4] }),
      )
      const decided = () =>
        all.every(
          ({ exit, log }) => exit !== undefined || log.some(({ msg }) => /^ready/.test(msg)),
        )
      await until(decided, 'all to be ready or to have ended', 60_000)
      const winners = all.filter(({ exit }) => exit === undefined)
      assert.equal(winners.length, 1, 'one wins')
      assert.equal(await winners[0]?.client().ended, 'ok')
    },
  },
  {
    number: 80,
    group: 'G',
    fault: 'the path of a Unix socket is taken, or too long',
    inject: 'a symbolic link, a file, a directory, 108 bytes, a running server',
    async run(bed) {
      const path = bed.path('s')
      const listen = ['--listen', `unix:${path}`]
      const left = bed.path('target')
      symlinkSync(left, path)
      await refused(bed, listen, 4, /cannot listen/)
      assert.ok(
        lstatSync(path).isSymbolicLink() && !existsSync(left),
        'the link is there, and what it leads to is not',
      )
      rmSync(path)
      writeFileSync(path, 'precious')
      await refused(bed, listen, 4, /cannot listen/)
      assert.equal(readFileSync(path, 'utf8'), 'precious')
      rmSync(path)
      mkdirSync(path)
      await refused(bed, listen, 4, /cannot listen/)
      await refused(bed, ['--listen', `unix:/${'x'.repeat(107)}`], 4, /too long|107/)
      rmSync(path, { recursive: true })
      const running = createServer().listen(path)
      await new Promise((resolve) => running.once('listening', resolve))
      await refused(bed, listen, 4, /cannot listen/)
      assert.ok(lstatSync(path).isSocket(), 'it is a socket')
      running.close()
    },
  },
  {
    number: 81,
    group: 'G',
    fault: 'something else has the path of the socket when the server stops',
    inject: 'the socket renamed away, and a file in its place',
    async run(bed) {
      const path = bed.path('s')
      const server = await bed.command(['--listen', `unix:${path}`, '--kids', '1'])
      assert.equal(await server.client().ended, 'ok')
      renameSync(path, bed.path('elsewhere'))
      writeFileSync(path, 'precious')
      await server.stop()
      assert.equal(readFileSync(path, 'utf8'), 'precious')
    },
  },
  {
    number: 82,
    group: 'G',
    fault: 'pid or log file is not what it should be',
    inject: 'symbolic link, FIFO, hard link, directory',
    async run(bed) {
      const target = bed.path('target')
      writeFileSync(target, 'precious')
      const make: [string, (path: string) => void][] = [
        ['link', (path) => symlinkSync(target, path)],
        ['fifo', (path) => execFileSync('mkfifo', [path])],
        ['hard', (path) => linkSync(target, path)],
        ['directory', (path) => mkdirSync(path)],
      ]
      for (const flag of ['--log-file', '--pid-file']) {
        for (const [name, put] of make) {
          const path = bed.path(name)
          put(path)
          await refused(bed, [flag, path], 2, /cannot be used|is not|it is|pidFile|logFile/)
          rmSync(path, { recursive: true })
          assert.equal(readFileSync(target, 'utf8'), 'precious', `${flag} ${name}`)
        }
      }
    },
  },
  {
    number: 83,
    group: 'G',
    fault: 'the disk with the log is full',
    inject: 'a file system of 4 KiB',
    needs: ['root'],
    async run(bed) {
      const disk = bed.path('disk')
      mkdirSync(disk)
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', disk])
      bed.finally(() => execFileSync('umount', ['-l', disk]))
      // Whoever reads the log knows nothing of it: it is in the file.
      const path = bed.path('s')
      const server = bed.launch({
        options: {
          kids: 1,
          listen: `unix:${path}`,
          logFile: `${disk}/log`,
          logLevel: 'trace',
          handler: fixture('handlers/logs.js'),
        },
        outOfService: true,
      })
      await server.event('idle')
      for (let i = 0; i < 100; i++) {
        const client = new Client({ kind: 'unix', name: '', path })
        assert.equal((await client.outcome).result, 'ok')
      }
      const { counters } = await server.statusIs(({ counters }) => counters.logDropped > 0, 'loss')
      bed.figures['log lines dropped'] = counters.logDropped
    },
  },
  {
    number: 84,
    group: 'G',
    fault: 'the handler and the working directory are removed',
    inject: 'rm -r while it runs, and a kid that is killed',
    async run(bed) {
      const home = bed.path('home')
      mkdirSync(home)
      const own = readFileSync(new URL('../handler.js', import.meta.url), 'utf8')
      writeFileSync(`${home}/h.mjs`, own)
      const server = await bed.command(['--kids', '2', '--handler', `${home}/h.mjs`], { cwd: home })
      const [victim = 0, other = 0] = server.kids
      rmSync(home, { recursive: true })
      assert.equal(await server.client().ended, 'ok')
      await signal(victim, 'SIGKILL')
      // Those in its place cannot come up; it must not try for ever as fast as it can.
      await server.logged(/no further spawn/, 1, 20_000)
      assert.equal(await server.client().servedBy(), other)
      const tried = server.lines(/ended with exit code/).length
      assert.ok(tried <= 20, `tried ${tried} times`)
    },
  },
  {
    number: 85,
    group: 'G',
    fault: 'the parent is started without 0 and 1, with 200 stray descriptors',
    inject: 'bash: exec with them closed and open; a foreign kid',
    async run(bed) {
      const strays = 'for i in {20..219}; do eval "exec $i</dev/null"; done'
      const server = bed.launch({
        args: ['--kid', 'sleep 60', '--kids', '1', '--ready-timeout', '30s'],
        prefix: ['bash', '-c', `${strays}; exec "$@" 0<&- 1>&-`, 'bash'],
        outOfService: true,
        unfinished: true,
      })
      const isSleep = (pid: number) => readFileSync(`/proc/${pid}/comm`, 'latin1') === 'sleep\n'
      await until(() => server.kids.some(isSleep), 'a kid')
      const [kid = 0] = server.kids
      assert.ok(
        descriptorsOf(server.pid).includes('219 -> /dev/null'),
        'the parent has the stray one',
      )
      const open = descriptorsOf(kid)
      assert.equal(open.length, descriptorsOfKid.length, open.join(', '))
      for (const [at, pattern] of descriptorsOfKid.entries())
        assert.match(open[at] as string, pattern)
      await server.stop(false)
    },
  },
]
