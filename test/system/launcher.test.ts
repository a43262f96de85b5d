/** The launcher itself, without a server: what it gives a program, in which order, and what it says when it cannot. */

import { type SpawnSyncOptions, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'tap'
import { SystemError } from '../../src/errors.js'
import type { Identity } from '../../src/system/identity.js'
import {
  findLauncher,
  type Launch,
  launchArguments,
  launcherIn,
} from '../../src/system/launcher.js'

const plain: Launch = {
  descriptors: 3,
  umask: undefined,
  chdir: undefined,
  reads: [],
  identity: undefined,
}

const somebody: Identity = {
  uid: 12_345,
  gid: 23_456,
  groups: [23_456, 34_567],
  name: undefined,
  home: '/',
  shell: undefined,
  changes: true,
}

const launcher = findLauncher()
const isLinux = process.platform === 'linux'
const notAsRoot = process.geteuid?.() === 0 ? false : 'needs root'

/** Runs a program by the launcher; `by` is a program and its arguments that runs the launcher in turn. */
function launch(
  how: Partial<Launch>,
  program: readonly string[],
  { by = [], ...options }: SpawnSyncOptions & { by?: readonly string[] } = {},
) {
  const [name = '', ...args] = program
  const [first = '', ...rest] = [
    ...by,
    launcher,
    ...launchArguments({ ...plain, ...how }, name, args),
  ]
  const result = spawnSync(first, rest, { ...options, encoding: 'utf8' })
  return { code: result.status, out: result.stdout, said: result.stderr }
}

/** Whether a program that some tests need is there and may do its work here. */
function can(...command: readonly string[]): boolean {
  const [program = '', ...args] = command
  return spawnSync(program, args).status === 0
}

/** Prints a shell's own descriptors; that of the directory is not open any more when it is asked for. */
const script = 'for fd in /dev/fd/*; do test -e "$fd" && basename "$fd"; done'
const listDescriptors = ['sh', '-c', script]

test('a program is run with its arguments, as they are', async (t) => {
  const args = ['-n', '--', '', 'a b', '$HOME', "it's"]
  t.match(launch({}, ['printf', '<%s>', ...args]), {
    code: 0,
    out: args.map((each) => `<${each}>`).join(''),
    said: '',
  })
})

test('its exit code and its output are those of the program', async (t) => {
  t.match(launch({}, ['sh', '-c', 'echo out; echo err >&2; exit 7']), {
    code: 7,
    out: 'out\n',
    said: 'err\n',
  })
})

/** Descriptors from 3 on that a careless parent has open. */
const strays = Array.from({ length: 1001 }, (_, fd): 'ignore' | 'pipe' | number => {
  if ([3, 4, 5, 20, 251, 1000].includes(fd)) return 0
  // What is passed over is closed in the new process.
  return fd === 1 || fd === 2 ? 'pipe' : 'ignore'
})

test('all descriptors are closed but those meant', async (t) => {
  const { out } = launch({ descriptors: 5 }, listDescriptors, { stdio: strays })
  t.equal(out, '0\n1\n2\n3\n4\n')
})

// With -D the tracer gets out of the way, and the launcher is our own.
const oldKernel = ['strace', '-D', '-f', '-qq', '-o', '/dev/null']
oldKernel.push('-e', 'inject=close_range:error=ENOSYS', '--')
test('and on a kernel that cannot close a range', {
  skip: !isLinux ? 'needs Linux' : can(...oldKernel, 'true') ? false : 'needs strace',
}, async (t) => {
  const { out } = launch({ descriptors: 5 }, listDescriptors, { stdio: strays, by: oldKernel })
  t.equal(out, '0\n1\n2\n3\n4\n')
})

test('LISTEN_PID is the number of the program, and the rest of the environment stays', async (t) => {
  const env = { PATH: process.env.PATH, A: 'b' }
  const look = ['sh', '-c', 'test "$LISTEN_PID" = $$ && echo mine; echo "$A"']
  const handed = { ...env, LISTEN_FDS: '1', LISTEN_PID: '1' }
  t.equal(launch({}, look, { env: handed }).out, 'mine\nb\n')
  t.equal(launch({}, look, { env }).out, 'b\n', 'where nothing is handed on there is none')
})

test('umask and directory are as given, or stay', async (t) => {
  const look = ['sh', '-c', 'umask; pwd -P']
  t.equal(launch({ umask: 0o27, chdir: '/usr' }, look).out, '0027\n/usr\n')
  t.equal(launch({ umask: 0 }, look, { cwd: '/' }).out, '0000\n/\n')
})

test('user and groups are changed for good', { skip: notAsRoot }, async (t) => {
  const { out } = launch({ identity: somebody }, ['sh', '-c', 'id -u; id -g; id -G'])
  t.equal(out, '12345\n23456\n23456 34567\n')
})

test('the directory is entered as the user', { skip: notAsRoot }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'preforkd-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const { code, said } = launch({ chdir: directory, identity: somebody }, ['true'])
  t.equal(code, 126)
  t.equal(said, `preforkd kid: cannot enter the directory ${directory}: Permission denied\n`)
})

test('a file that the user may not read is named', { skip: notAsRoot }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'preforkd-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'file')
  writeFileSync(file, '')
  const missing = launch({ reads: ['/', '/no-such-file'], identity: somebody }, ['true'])
  t.match(missing, { code: 0, said: '' }, 'what is missing is for the program to say')
  const { code, said } = launch({ reads: ['/', file], identity: somebody }, ['true'])
  t.equal(code, 126)
  t.match(
    said,
    `preforkd kid: user 12345 may not read ${file}; give its directories and itself to `,
  )
})

test('a user without a change is still denied new privileges', { skip: !isLinux }, async (t) => {
  const look = ['grep', 'NoNewPrivs', '/proc/self/status']
  t.match(launch({ identity: { ...somebody, changes: false } }, look).out, /\t1\n/)
  t.match(launch({}, look).out, /\t0\n/)
})

test('where it cannot, it says one sentence and starts nothing', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'preforkd-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'file')
  writeFileSync(file, '', { mode: 0o644 })
  for (const [how, program, code, sentence] of [
    [{}, ['no-such-program'], 127, 'cannot execute no-such-program: No such file or directory'],
    [{}, [file], 126, `cannot execute ${file}: Permission denied`],
    [{ chdir: file }, ['true'], 126, `cannot enter the directory ${file}: Not a directory`],
  ] as const) {
    // Not one of PATH's directories that only root may look into, which would be the reason given.
    t.match(launch(how, program, { env: { PATH: '/usr/bin:/bin' } }), {
      code,
      out: '',
      said: `preforkd kid: ${sentence}\n`,
    })
  }
})

test('a parent that is not its own ends it', async (t) => {
  const args = ['-p', '999999999', '-k', '3', '--', 'echo', 'started']
  const { status, stdout, stderr } = spawnSync(launcher, args, { encoding: 'utf8' })
  t.equal(status, 126)
  t.equal(stdout, '')
  t.equal(stderr, 'preforkd kid: cannot be launched: its parent 999999999 has gone\n')
})

const newPids = ['unshare', '--pid', '--fork', '--kill-child']
test('a parent that is the first process of a container is a parent', {
  skip: can(...newPids, 'true') ? false : 'needs unshare',
}, async (t) => {
  const command = `"$0" -p 1 -k 3 -- sh -c 'echo $LISTEN_PID $$'; echo $?`
  const args = [...newPids.slice(1), 'sh', '-c', command, launcher]
  const env = { ...process.env, LISTEN_FDS: '1' }
  const { stdout } = spawnSync('unshare', args, { encoding: 'utf8', env })
  t.equal(stdout, '2 2\n0\n')
})

test('arguments that could leave root as it is are refused', async (t) => {
  const rest = ['-p', String(process.pid), '-k', '3', '--', 'echo', 'started']
  for (const args of [
    ['-u', '0', '-g', '1', '-G', '1'],
    ['-u', '4294967295', '-g', '1', '-G', '1'],
    ['-u', '18446744073709551615', '-g', '1', '-G', '1'],
    ['-u', '-1', '-g', '1', '-G', '1'],
    ['-u', '1', '-g', '4294967295', '-G', '1'],
    ['-u', '1', '-g', '1', '-G', '1,4294967295'],
    ['-u', '1', '-g', '1', '-G', '1,x'],
    ['-u', '1', '-g', '1'],
    ['-u', '1', '-G', '1'],
    ['-g', '1', '-G', '1'],
    ['-u', '', '-g', '1', '-G', '1'],
    ['-u', '1 ', '-g', '1', '-G', '1'],
    ['-m', '1000'],
    ['-m', '9'],
    ['-k', '2'],
    ['-x'],
  ]) {
    // What comes later counts, so the wrong one of two stands behind.
    const line = [...rest.slice(0, 4), ...args, ...rest.slice(4)]
    const { status, stdout, stderr } = spawnSync(launcher, line, { encoding: 'utf8' })
    t.match({ status, stdout }, { status: 126, stdout: '' }, args.join(' '))
    t.match(stderr, /^\S.*\n$/, 'one line')
  }
})

// What a container may take from root, and what root may have set itself.
for (const [title, by, sentence] of [
  [
    'root that may not change groups starts nothing',
    ['setpriv', '--bounding-set', '-setgid', '--inh-caps', '-setgid'],
    'cannot set the supplementary groups: Operation not permitted',
  ],
  [
    'root that may not change users starts nothing',
    ['setpriv', '--bounding-set', '-setuid', '--inh-caps', '-setuid'],
    'cannot set the user: Operation not permitted',
  ],
  [
    'root that keeps its rights as another user starts nothing',
    ['setpriv', '--securebits', '+no_setuid_fixup'],
    'cannot give up root for good: the system grants it back; look at its capabilities and securebits',
  ],
] as const) {
  const skip = notAsRoot || (can(...by, 'true') ? false : 'needs setpriv')
  test(title, { skip }, async (t) => {
    const { code, out, said } = launch({ identity: somebody }, ['echo', 'started'], { by })
    t.equal(said, `preforkd kid: ${sentence}\n`)
    t.equal(out, '')
    t.equal(code, 126)
  })
}

test('a launcher that was not built is one sentence that says what to do', async (t) => {
  const empty = mkdtempSync(join(tmpdir(), 'preforkd-'))
  t.teardown(() => rmSync(empty, { recursive: true }))
  const sentence =
    /^finding the program that starts kids failed with .*\(run `npm rebuild preforkd --build-from-source`, which needs a C compiler, python3 and make\)$/
  try {
    launcherIn(empty)
    t.fail('it was found')
  } catch (error) {
    t.ok(error instanceof SystemError)
    t.match((error as Error).message, sentence)
  }
})
