/** The pid file: whose it is, what is never overwritten, and how it passes to the next parent. */

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { UsageError } from '../../src/errors.js'
import { checkPidFile, PidFile } from '../../src/operate/pid-file.js'

const ours = `${process.pid}\n`

test('it holds our pid until it is removed', async (t) => {
  const cwd = t.testdir()
  const path = join(cwd, 'p.pid')
  const file = await PidFile.take(path)
  t.equal(readFileSync(path, 'utf8'), ours)
  t.equal(statSync(path).mode & 0o022, 0, 'nobody else may write it')
  t.strictSame(readdirSync(cwd), ['p.pid'], 'nothing else is left there')
  file.remove()
  t.strictSame(readdirSync(cwd), [])
})

test('what a dead server has left is replaced', async (t) => {
  const path = join(t.testdir({ 'p.pid': '1\n', 'empty.pid': '' }), 'p.pid')
  const file = await PidFile.take(path)
  t.equal(readFileSync(path, 'utf8'), ours)
  file.remove()
  const empty = await PidFile.take(join(path, '../empty.pid'))
  t.equal(readFileSync(empty.path, 'utf8'), ours)
  empty.remove()
})

test('a running server keeps it, and is named', async (t) => {
  const path = join(t.testdir(), 'p.pid')
  const file = await PidFile.take(path)
  await t.rejects(
    PidFile.take(path),
    new UsageError(`pidFile ${path} is held by a running server, whose pid is ${process.pid}`),
  )
  t.equal(readFileSync(path, 'utf8'), ours)
  t.doesNotThrow(() => checkPidFile(path), 'a check may be made beside it')
  file.remove()
})

test('a process that dies lets go of it, whatever it says', async (t) => {
  const path = join(t.testdir({ 'p.pid': `${process.pid}\n` }), 'p.pid')
  const holder = spawn('flock', ['-n', path, 'sh', '-c', 'echo held; read line'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(holder.stdout, 'data')
  await t.rejects(PidFile.take(path), { message: / is held by a running server/ })
  holder.stdin.end()
  await once(holder, 'exit')
  const file = await PidFile.take(path)
  file.remove()
})

test('of many that start at once one gets it', async (t) => {
  const path = join(t.testdir(), 'p.pid')
  const results = await Promise.allSettled(Array.from({ length: 20 }, () => PidFile.take(path)))
  const won = results.filter(({ status }) => status === 'fulfilled')
  t.equal(won.length, 1)
  for (const result of won) if (result.status === 'fulfilled') result.value.remove()
})

test('what is no pid file is never overwritten', async (t) => {
  const cwd = t.testdir({ target: '1\n', other: '1\n', directory: {}, 'server.js': 'serve()' })
  const at = (name: string) => join(cwd, name)
  symlinkSync(at('target'), at('symlink'))
  linkSync(at('other'), at('hardlink'))
  execFileSync('mkfifo', [at('fifo')])
  for (const [name, reason] of [
    ['symlink', 'it is a symbolic link'],
    ['hardlink', 'it has 2 names (hard links)'],
    ['directory', 'it is a directory'],
    ['fifo', 'it is not a regular file'],
    ['server.js', 'it holds something that is no pid'],
  ] as const) {
    await t.rejects(
      PidFile.take(at(name)),
      new UsageError(`pidFile ${at(name)} cannot be used: ${reason}`),
    )
  }
  await t.rejects(
    PidFile.take(at('gone/p.pid')),
    new UsageError(`pidFile ${at('gone/p.pid')} cannot be written: ENOENT`),
  )
  t.throws(
    () => checkPidFile(at('gone/p.pid')),
    new UsageError(`pidFile ${at('gone/p.pid')} cannot be used: its directory does not exist`),
  )
  t.equal(readFileSync(at('server.js'), 'utf8'), 'serve()')
  t.equal(readFileSync(at('target'), 'utf8'), '1\n')
})

test('another file in its place is not removed at the end', async (t) => {
  const path = join(t.testdir(), 'p.pid')
  const file = await PidFile.take(path)
  unlinkSync(path)
  writeFileSync(path, '1\n')
  file.remove()
  t.equal(readFileSync(path, 'utf8'), '1\n')
  const other = await PidFile.take(path)
  unlinkSync(path)
  t.doesNotThrow(() => other.remove(), 'nor is it missed')
})

test('it makes room for the next parent, and both are removed by their own', async (t) => {
  const cwd = t.testdir({ 'p.pid.old': '1\n' })
  const path = join(cwd, 'p.pid')
  const old = await PidFile.take(path)
  old.handOver()
  t.strictSame(readdirSync(cwd), ['p.pid.old'])
  old.handOver()
  const next = await PidFile.take(path)
  t.strictSame(readdirSync(cwd), ['p.pid', 'p.pid.old'])
  t.throws(
    () => next.handOver(),
    new UsageError(`pidFile ${path}.old is held by a running server, whose pid is ${process.pid}`),
    'one upgrade at a time',
  )
  old.remove()
  t.strictSame(readdirSync(cwd), ['p.pid'])
  next.handOver()
  next.remove()
  t.strictSame(readdirSync(cwd), [])
})

test('the name is taken back when the next parent has failed', async (t) => {
  const cwd = t.testdir()
  const path = join(cwd, 'p.pid')
  const old = await PidFile.take(path)
  t.ok(old.takeBack(), 'it has never left')
  old.handOver()
  t.ok(old.takeBack())
  t.strictSame(readdirSync(cwd), ['p.pid'])
  old.handOver()
  const next = await PidFile.take(path)
  t.notOk(old.takeBack(), 'not while the next one lives')
  next.remove()
  old.handOver()
  writeFileSync(path, `${process.pid}\n`)
  t.ok(old.takeBack(), 'what a dead one has left is no obstacle')
  await t.rejects(PidFile.take(path), { message: / is held by a running server/ })
  old.remove()
  t.notOk(existsSync(path))
})

test('it cannot be handed over when it is no longer ours', async (t) => {
  const path = join(t.testdir(), 'p.pid')
  const file = await PidFile.take(path)
  unlinkSync(path)
  mkdirSync(path)
  t.throws(
    () => file.handOver(),
    new UsageError(`pidFile ${path} cannot be written: somebody has put another in its place`),
  )
  file.remove()
  t.ok(existsSync(path))
})
