/** The log file: what it is not opened as, rotation, and a disk that takes nothing. */

import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'tap'
import { UsageError } from '../../src/errors.js'
import { openLog } from '../../src/operate/log.js'
import { checkLogFile, LogFile, openLogFile } from '../../src/operate/log-file.js'
import { until } from '../process/processes.js'

const isRoot = process.getuid?.() === 0

test('lines are appended in order, to a file that others cannot read', async (t) => {
  const path = join(t.testdir(), 'l.log')
  writeFileSync(path, 'before\n')
  const file = openLogFile(path)
  for (let i = 0; i < 1_000; i++) file.write(`line ${i}\n`)
  await file.close()
  const lines = readFileSync(path, 'utf8').split('\n')
  t.strictSame(lines.slice(0, 3), ['before', 'line 0', 'line 1'])
  t.equal(lines[1_000], 'line 999')
  t.equal(file.dropped, 0)
  const fresh = join(t.testdirName, 'fresh.log')
  await openLogFile(fresh).close()
  t.equal(statSync(fresh).mode & 0o007, 0)
})

test('what is no plain file with one name is refused, and left as it is', async (t) => {
  const cwd = t.testdir({ target: 'precious', directory: {} })
  const at = (name: string) => join(cwd, name)
  symlinkSync(at('target'), at('symlink'))
  symlinkSync(at('nowhere'), at('dangling'))
  linkSync(at('target'), at('hardlink'))
  execFileSync('mkfifo', [at('fifo')])
  for (const [path, reason] of [
    [at('symlink'), 'it is a symbolic link'],
    [at('dangling'), 'it is a symbolic link'],
    [at('hardlink'), 'it has 2 names (hard links)'],
    [at('fifo'), 'it is not a regular file'],
    [at('directory'), 'it is a directory'],
    [at('gone/l.log'), 'its directory does not exist'],
    [at('target/l.log'), 'what should be its directory is none'],
    ['/dev/full', 'it is not a regular file'],
  ] as const) {
    const refused = new UsageError(`logFile ${path} cannot be used: ${reason}`)
    t.throws(() => openLogFile(path), refused)
    t.throws(() => checkLogFile(path), refused)
  }
  t.equal(readFileSync(at('target'), 'utf8'), 'precious')
  t.notOk(existsSync(at('nowhere')))
})

test('a FIFO that somebody reads is refused too, without waiting', async (t) => {
  const path = join(t.testdir(), 'fifo')
  execFileSync('mkfifo', [path])
  // Both ends at once, so that nobody waits for anybody.
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
  t.throws(
    () => openLogFile(path),
    new UsageError(`logFile ${path} cannot be used: it is not a regular file`),
  )
  t.ok(fd > 2)
})

test('a place where nothing may be written is refused', {
  skip: isRoot && 'root may write anywhere',
}, async (t) => {
  const path = join(t.testdir({ closed: {} }), 'closed/l.log')
  chmodSync(join(path, '..'), 0o500)
  const refused = new UsageError(`logFile ${path} cannot be used: permission is denied`)
  t.throws(() => openLogFile(path), refused)
  t.throws(() => checkLogFile(path), refused)
  chmodSync(join(path, '..'), 0o700)
})

test('checking creates nothing', async (t) => {
  const path = join(t.testdir(), 'l.log')
  checkLogFile(path)
  t.notOk(existsSync(path))
})

test('after a rotation the same path is a new file, and no line is lost', async (t) => {
  const path = join(t.testdir(), 'l.log')
  const log = openLog('info', path)
  for (let i = 0; i < 100; i++) log.logger.info(`before ${i}`)
  await until(() => /before 99/.test(readFileSync(path, 'utf8')), 'the first lines')
  renameSync(path, `${path}.1`)
  log.logger.info('between')
  log.reopen()
  for (let i = 0; i < 100; i++) log.logger.info(`after ${i}`)
  await log.close()
  const both = readFileSync(`${path}.1`, 'utf8') + readFileSync(path, 'utf8')
  const said = both
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).msg)
  t.equal(said.length, 202)
  t.strictSame(said.slice(100, 104), ['between', `reopened log file ${path}`, 'after 0', 'after 1'])
  t.match(readFileSync(path, 'utf8'), /after 99/)
  t.notMatch(readFileSync(`${path}.1`, 'utf8'), /after/)
  t.equal(log.dropped(), 0)
})

test('a file that cannot be reopened is written on, and the log says why', async (t) => {
  const path = join(t.testdir(), 'l.log')
  const log = openLog('info', path)
  renameSync(path, `${path}.1`)
  mkdirSync(path)
  log.reopen()
  log.logger.info('on')
  await log.close()
  const said = readFileSync(`${path}.1`, 'utf8').trimEnd().split('\n')
  t.strictSame(
    said.map((line) => JSON.parse(line).msg),
    [`goes on with the old log file: logFile ${path} cannot be used: it is a directory`, 'on'],
  )
})

test('many reopens leave no descriptor behind', async (t) => {
  const path = join(t.testdir(), 'l.log')
  const file = openLogFile(path)
  const count = () =>
    execFileSync('ls', [`/proc/${process.pid}/fd`])
      .toString()
      .split('\n').length
  const before = count()
  for (let i = 0; i < 50; i++) {
    file.write(`${i}\n`)
    file.reopen()
  }
  file.write('last\n')
  await until(() => /last/.test(readFileSync(path, 'utf8')), 'the last line')
  await until(() => count() <= before, 'the old descriptors to close')
  await file.close()
  t.equal(readFileSync(path, 'utf8').split('\n').length, 52)
})

test('a full disk loses lines, counts them, and keeps nobody', async (t) => {
  const file = new LogFile('/dev/full', openSync('/dev/full', 'w'))
  for (let i = 0; i < 10; i++) file.write('x\n')
  await until(() => file.dropped === 10, 'the lines to be lost')
  file.write('y\n')
  await file.close()
  t.equal(file.dropped, 11)
  file.write('z\n')
  t.equal(file.dropped, 12, 'what comes after the end is lost too')
})

test('lines that nobody has time to write are dropped beyond a limit', async (t) => {
  const path = join(t.testdir(), 'l.log')
  const file = openLogFile(path)
  const line = `${'x'.repeat(99_999)}\n`
  // The first is being written at once; ten wait.
  for (let i = 0; i < 20; i++) file.write(line)
  t.equal(file.dropped, 9)
  await file.close()
  t.equal(statSync(path).size, 11 * line.length)
})

test('when the disk has room again the log goes on, with a line that says what was lost', {
  skip: !isRoot && 'needs root, to mount a tiny file system',
}, async (t) => {
  // Not in tap's own directory, which is removed before it could be unmounted.
  const disk = mkdtempSync(join(tmpdir(), 'preforkd-disk-'))
  let mounted = false
  t.teardown(() => {
    if (mounted) execFileSync('umount', ['-l', disk])
    rmdirSync(disk)
  })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', disk], { stdio: 'pipe' })
  } catch {
    t.comment('skipped: no tmpfs can be mounted here')
    return
  }
  mounted = true
  const path = join(disk, 'l.log')
  const ballast = join(disk, 'ballast')
  const fd = openSync(ballast, 'w')
  writeSync(fd, Buffer.alloc(8_192))
  const log = openLog('info', path)
  const text = 'x'.repeat(900)
  for (let i = 0; i < 30; i++) {
    log.logger.info(`${i} ${text}`)
    await new Promise(setImmediate)
  }
  await until(() => log.dropped() > 10, 'the disk to be full')
  await new Promise(setImmediate)
  unlinkSync(ballast)
  closeSync(fd)
  log.logger.info('room')
  await until(() => /can be written again/.test(readFileSync(path, 'utf8')), 'the line')
  const dropped = log.dropped()
  await log.close()
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  const whole = lines.filter((line) => {
    try {
      return JSON.parse(line)
    } catch {
      return false
    }
  })
  t.ok(lines.length - whole.length <= 1, 'at most one line is torn')
  t.match(JSON.parse(lines.at(-1) as string), {
    level: 40,
    lost: dropped,
    msg: `log lines can be written again: ${dropped} were lost (ENOSPC)`,
  })
  t.match(JSON.parse(lines.at(-2) as string), { msg: 'room' })
  t.equal(whole.length - 2 + dropped, 30, 'each line is written or counted')
})
