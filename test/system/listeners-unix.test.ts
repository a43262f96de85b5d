/** Unix listeners: stale, occupied and foreign paths, modes, and whose file is unlinked. */

import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import t, { type Test } from 'tap'
import { ListenError, UsageError } from '../../src/errors.js'
import { binding } from '../../src/system/binding.js'
import { accept, close } from '../../src/system/descriptors.js'
import {
  closeListener,
  describe,
  describeDescriptor,
  openListener,
  waiting,
} from '../../src/system/listeners.js'
import { client, hangUp, openDescriptors, shortDirectory, soon, until } from './observe.js'

const before = openDescriptors()

function at(path: string, mode?: number) {
  const address = { kind: 'unix', name: 'local', path } as const
  return mode === undefined ? address : { ...address, mode }
}

/** A socket file that nobody listens on. */
function leaveStale(path: string): void {
  const fd = binding.socket(1)
  binding.bindUnix(fd, path)
  close(fd)
}

async function refusal(
  t: Test,
  path: string,
  sentence: RegExp,
  owner: { user?: string } = {},
): Promise<void> {
  const before = openDescriptors()
  const error: unknown = await openListener({ ...at(path), ...owner }, 8).then(
    () => undefined,
    (error: unknown) => error,
  )
  t.type(error, ListenError)
  t.match((error as Error).message, sentence)
  t.ok((error as Error).message.startsWith(`cannot listen on unix:${path}: `))
  // A server in this process has to see first that the question has hung up.
  await until(() => isDeepStrictEqual(openDescriptors(), before))
}

t.test('a connection arrives, waiting says 1, and closing removes the path', async (t) => {
  const path = join(shortDirectory(t), 's')
  const listener = await openListener(at(path), 8)
  t.equal(listener.depthKnown, false)
  t.equal(describe(listener.address), `unix:${path}`)
  t.equal(describeDescriptor(listener.fd), `unix:${path}`)
  t.same(binding.getSocketName(listener.fd), { family: 'unix', host: '', port: 0, path })
  t.equal(waiting(listener), 0)
  const socket = await client({ path })
  await until(() => waiting(listener) === 1)
  const fd = accept(listener.fd)
  t.same(binding.getPeerName(fd), { family: 'unix', host: '', port: 0, path: '' })
  close(fd)
  await hangUp(socket)
  closeListener(listener)
  t.notOk(existsSync(path))
})

t.test('the mode is applied, whatever the umask, which stays', async (t) => {
  const umask = process.umask(0o077)
  t.teardown(() => process.umask(umask))
  for (const mode of [0o600, 0o660, 0o666]) {
    const path = join(shortDirectory(t), 's')
    const listener = await openListener(at(path, mode), 8)
    t.equal(statSync(path).mode & 0o777, mode)
    closeListener(listener)
  }
  t.equal(process.umask(), 0o077)
})

t.test('the owner is applied, by name or by number, beside the mode', async (t) => {
  if (process.getuid?.() !== 0) {
    t.comment('skipped: only root may give files away')
    return
  }
  const users = readFileSync('/etc/passwd', 'latin1').split('\n')
  const [user = '', , uid] =
    users.map((line) => line.split(':')).find((f) => Number(f[2]) > 0) ?? []
  const groups = readFileSync('/etc/group', 'latin1').split('\n')
  const [group = '', , gid] =
    groups.map((line) => line.split(':')).find((f) => Number(f[2]) > 0) ?? []
  for (const [owner, expected] of [
    [{ user }, { uid: Number(uid), gid: 0 }],
    [{ group }, { uid: 0, gid: Number(gid) }],
    [
      { user, group },
      { uid: Number(uid), gid: Number(gid) },
    ],
    [
      { user: '54321', group: '54322' },
      { uid: 54_321, gid: 54_322 },
    ],
  ] as const) {
    const path = join(shortDirectory(t), 's')
    const listener = await openListener({ ...at(path, 0o640), ...owner }, 8)
    const { uid, gid, mode } = statSync(path)
    t.same({ uid, gid, mode: mode & 0o777 }, { ...expected, mode: 0o640 })
    closeListener(listener)
  }
})

t.test('an owner that does not exist is refused before anything is opened', async (t) => {
  const path = join(shortDirectory(t), 's')
  const none = 'no-such-name-here'
  for (const [owner, sentence] of [
    [{ user: none }, `listen unix:${path} has the user ${none}, which this system does not know`],
    [{ group: none }, `listen unix:${path} has the group ${none}, which this system does not know`],
    [
      { user: '4294967295' },
      `listen unix:${path} has the user 4294967295, which this system does not know`,
    ],
  ] as const) {
    const error: unknown = await openListener({ ...at(path), ...owner }, 8).catch((e) => e)
    t.type(error, UsageError)
    t.equal((error as Error).message, sentence)
  }
  t.notOk(existsSync(path))
})

t.test('who may not give a file away is told so, and no file is left', async (t) => {
  const path = join(shortDirectory(t), 's')
  const seteuid = process.seteuid?.bind(process)
  if (process.getuid?.() !== 0 || seteuid === undefined) {
    t.comment('skipped: only root can be somebody else for a while')
    return
  }
  chmodSync(dirname(path), 0o777)
  seteuid(54_321)
  try {
    await refusal(t, path, /only root may give its file away; start as root, /, { user: '1' })
  } finally {
    seteuid(0)
  }
  t.notOk(existsSync(path))
})

t.test('a stale socket is replaced', async (t) => {
  const path = join(shortDirectory(t), 's')
  leaveStale(path)
  const listener = await openListener(at(path), 8)
  await hangUp(await client({ path }))
  closeListener(listener)
  t.notOk(existsSync(path))
})

t.test('a path in use by a running server is refused, and the server goes on', async (t) => {
  const path = join(shortDirectory(t), 's')
  const server = createServer((socket) => socket.on('error', () => {}).end())
  await new Promise<void>((resolve) => server.listen(path, resolve))
  await refusal(t, path, /already in use by a running server; /)
  await hangUp(await client({ path }))
  await soon(new Promise((resolve) => server.close(resolve)))
})

t.test('a server whose queue is full is running all the same', async (t) => {
  const path = join(shortDirectory(t), 's')
  const listener = await openListener(at(path), 0)
  const queued = await client({ path })
  await refusal(t, path, /already in use by a running server; /)
  await hangUp(queued)
  closeListener(listener)
})

t.test('what is not a socket is never removed', async (t) => {
  const directory = shortDirectory(t)
  writeFileSync(join(directory, 'file'), 'precious')
  mkdirSync(join(directory, 'folder'))
  leaveStale(join(directory, 'target'))
  symlinkSync('target', join(directory, 'link'))
  for (const name of ['file', 'folder']) {
    await refusal(t, join(directory, name), /exists and is not a socket; /)
    t.ok(lstatSync(join(directory, name)))
  }
  symlinkSync('nowhere', join(directory, 'dangling'))
  for (const name of ['link', 'dangling']) {
    await refusal(t, join(directory, name), /is a symbolic link; /)
    t.ok(lstatSync(join(directory, name)))
  }
  t.ok(existsSync(join(directory, 'target')))
})

t.test('each other failure is one sentence with the path and a remedy', async (t) => {
  const directory = shortDirectory(t)
  writeFileSync(join(directory, 'file'), '')
  await refusal(t, join(directory, 'none', 's'), /its directory does not exist; create it/)
  await refusal(t, join(directory, 'file', 's'), /not a directory; /)
  await refusal(
    t,
    join(directory, 'x'.repeat(108)),
    /bytes are more than the 107 .*choose a shorter/,
  )
  t.same(readdirSync(directory), ['file'])
})

t.test('a path of exactly the longest length is taken', async (t) => {
  const directory = shortDirectory(t)
  const path = join(directory, 'x'.repeat(107 - directory.length - 1))
  t.equal(path.length, 107)
  const listener = await openListener(at(path), 8)
  t.match(binding.getSocketName(listener.fd), { path })
  closeListener(listener)
  await refusal(t, `${path}x`, /its 108 bytes/)
})

t.test('a failure after bind leaves no file', async (t) => {
  const path = join(shortDirectory(t), 's')
  const chmodFails = -1
  await t.rejects(openListener(at(path, chmodFails), 8), ListenError)
  t.notOk(existsSync(path))
})

t.test('closing leaves alone what has taken the place of our file', async (t) => {
  const directory = shortDirectory(t)
  const path = join(directory, 's')
  const first = await openListener(at(path), 8)
  renameSync(path, join(directory, 'aside'))
  const second = await openListener(at(path), 8)
  closeListener(first)
  t.ok(existsSync(path))
  closeListener(second)
  t.notOk(existsSync(path))

  const third = await openListener(at(path), 8)
  renameSync(path, join(directory, 'aside'))
  writeFileSync(path, 'precious')
  closeListener(third)
  t.ok(existsSync(path))
})

t.test('closing a listener whose path has gone is no failure', async (t) => {
  const directory = shortDirectory(t)
  mkdirSync(join(directory, 'd'))
  const listener = await openListener(at(join(directory, 'd', 's')), 8)
  renameSync(join(directory, 'd'), join(directory, 'e'))
  closeListener(listener)
})

t.test(
  'of many that start at once on a stale path exactly one wins, and its path works',
  async (t) => {
    const path = join(shortDirectory(t), 's')
    for (let round = 0; round < 10; round++) {
      leaveStale(path)
      // The queue has room for those who ask whether the winner runs.
      const tries = Array.from({ length: 20 }, () => openListener(at(path), 64))
      const results = await soon(Promise.allSettled(tries))
      const won = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
      t.equal(won.length, 1)
      for (const listener of won) {
        await hangUp(await client({ path }))
        closeListener(listener)
      }
    }
  },
)

t.test('no descriptor is left open', async (t) => {
  t.same(openDescriptors(), before)
})
