/** Pipes, flags, errnos and the loader. */

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { SystemError } from '../../src/errors.js'
import { binding, loadBinding } from '../../src/system/binding.js'
import {
  close,
  isNonBlocking,
  openPipe,
  read,
  setCloseOnExec,
  setNonBlocking,
  shutdownWrite,
  write,
  writeText,
} from '../../src/system/descriptors.js'
import { errnoName, negated, orThrow } from '../../src/system/errno.js'
import { setParentDeathSignal } from '../../src/system/process.js'
import { flagsOf, openDescriptors, shortDirectory } from './observe.js'

const before = openDescriptors()

t.test('a pipe is close-on-exec and blocking at both ends', async (t) => {
  const { readFd, writeFd } = openPipe()
  t.same(flagsOf(readFd), { nonBlocking: false, closeOnExec: true })
  t.same(flagsOf(writeFd), { nonBlocking: false, closeOnExec: true })
  close(readFd)
  close(writeFd)
})

t.test('what is written is read, and the end of file is 0', async (t) => {
  const { readFd, writeFd } = openPipe()
  const buffer = Buffer.alloc(64)
  t.equal(writeText(writeFd, 'idle 1\n'), 7)
  t.equal(write(writeFd, Buffer.from('done 1 1\n')), 9)
  t.equal(write(writeFd, Buffer.from('label'), 3), 3)
  t.equal(write(writeFd, Buffer.from('el'), 9), 2)
  t.equal(read(readFd, buffer), 21)
  t.equal(buffer.toString('latin1', 0, 21), 'idle 1\ndone 1 1\nlabel')
  close(writeFd)
  t.equal(read(readFd, buffer), 0)
  close(readFd)
})

t.test('O_NONBLOCK is set and cleared, and an empty pipe says EAGAIN', async (t) => {
  const { readFd, writeFd } = openPipe()
  t.equal(isNonBlocking(readFd), false)
  setNonBlocking(readFd, true)
  setNonBlocking(readFd, true)
  t.equal(flagsOf(readFd).nonBlocking, true)
  t.equal(read(readFd, Buffer.alloc(1)), negated('EAGAIN'))
  setNonBlocking(readFd, false)
  t.equal(isNonBlocking(readFd), false)
  close(readFd)
  close(writeFd)
})

t.test('a full pipe says EAGAIN and takes no part of a text', async (t) => {
  const { readFd, writeFd } = openPipe()
  setNonBlocking(writeFd, true)
  const line = `${'x'.repeat(63)}\n`
  let written = 0
  for (;;) {
    const result = writeText(writeFd, line)
    if (result === negated('EAGAIN')) break
    t.equal(result, line.length)
    written += result
  }
  t.equal(write(writeFd, Buffer.from('x')), negated('EAGAIN'))
  const buffer = Buffer.alloc(written + 1)
  t.equal(read(readFd, buffer), written)
  t.equal(writeText(writeFd, line), line.length)
  close(readFd)
  t.equal(writeText(writeFd, line), negated('EPIPE'))
  close(writeFd)
})

t.test('a text of 512 bytes is written and a longer one refused whole', async (t) => {
  const { readFd, writeFd } = openPipe()
  t.equal(writeText(writeFd, 'x'.repeat(512)), 512)
  t.equal(writeText(writeFd, 'x'.repeat(513)), negated('EMSGSIZE'))
  t.equal(writeText(writeFd, 'x'.repeat(5000)), negated('EMSGSIZE'))
  t.equal(read(readFd, Buffer.alloc(2000)), 512)
  close(readFd)
  close(writeFd)
})

t.test('setCloseOnExec and shutdownWrite do, or say what went wrong', async (t) => {
  const { readFd, writeFd } = openPipe()
  setCloseOnExec(readFd)
  t.equal(flagsOf(readFd).closeOnExec, true)
  t.equal(shutdownWrite(readFd), negated('ENOTSOCK'))
  close(readFd)
  close(writeFd)
  t.throws(() => setCloseOnExec(readFd), { code: 'EBADF' })
  t.throws(() => setNonBlocking(readFd, true), { code: 'EBADF' })
  t.throws(() => isNonBlocking(readFd), { code: 'EBADF' })
})

t.test('closing twice is a defect and throws', async (t) => {
  const { readFd, writeFd } = openPipe()
  close(readFd)
  close(writeFd)
  t.throws(() => close(readFd), {
    code: 'EBADF',
    message: `close failed with EBADF (descriptor ${readFd})`,
  })
})

t.test('errnos have names, and orThrow throws negative ones only', async (t) => {
  t.equal(errnoName(negated('EAGAIN')), 'EAGAIN')
  t.equal(errnoName(negated('EMFILE')), 'EMFILE')
  t.equal(errnoName(-9999), 'errno 9999')
  t.equal(orThrow(0, 'accept'), 0)
  t.equal(orThrow(7, 'accept'), 7)
  const value = { host: '::1' }
  t.equal(orThrow(value, 'getsockname'), value)
  t.throws(() => orThrow(negated('EMFILE'), 'accept'), new SystemError('accept', 'EMFILE'))
  t.throws(() => orThrow(negated('EBADF'), 'accept', 'listener 3'), {
    code: 'EBADF',
    message: 'accept failed with EBADF (listener 3)',
  })
})

t.test('the parent death signal is set on Linux and passed over elsewhere', async (t) => {
  t.equal(setParentDeathSignal('SIGKILL'), process.platform === 'linux')
  t.equal(binding.parentDeathSignal(9999), negated('EINVAL'))
  t.throws(() => setParentDeathSignal('SIGNONSENSE' as 'SIGKILL'))
  binding.parentDeathSignal(0)
})

t.test('an addon that does not load is one sentence that says what to do', async (t) => {
  const folder = shortDirectory(t)
  const error = t.throws(() => loadBinding(folder), SystemError) as SystemError
  t.equal(
    error.message,
    "loading preforkd's native addon failed with no build found (run `npm rebuild preforkd`, which needs a C compiler, python3 and make)",
  )
  t.type(error.cause, Error)
  t.equal(error.exitCode, 1)
})

t.test('so is one that is broken', async (t) => {
  const folder = shortDirectory(t)
  const release = join(folder, 'build', 'Release')
  mkdirSync(release, { recursive: true })
  writeFileSync(join(release, 'preforkd.node'), 'not a library')
  const error = t.throws(() => loadBinding(folder), SystemError) as SystemError
  t.match(error.message, /^[^\n]*ERR_DLOPEN_FAILED \(run `npm rebuild preforkd`[^\n]*\)$/)
  rmSync(release, { recursive: true })
})

t.test('no descriptor is left open', async (t) => {
  t.same(openDescriptors(), before)
})
