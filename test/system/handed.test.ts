/** What the environment hands in: what is read, what is ignored, what is refused and in which words. */

import t from 'tap'
import { UsageError } from '../../src/errors.js'
import { parseHanded, takeHanded } from '../../src/system/handed.js'
import fc from '../fast-check.js'

const pid = 4711
const ours = { LISTEN_PID: '4711' }

const listen = (fd: number, name = '') => ({ fd, name, source: 'LISTEN_FDS' })
const upstart = (fd: number) => ({ fd, name: '', source: 'UPSTART_FDS' })
const starter = (fd: number, name: string) => ({ fd, name, source: 'SERVER_STARTER_PORT' })

t.test('each way of handing in is read, in the order of the variables', async (t) => {
  for (const [env, sockets] of [
    [{}, []],
    [{ ...ours, LISTEN_FDS: '0' }, []],
    [{ ...ours, LISTEN_FDS: '0', LISTEN_FDNAMES: '' }, []],
    [{ ...ours, LISTEN_FDS: '1' }, [listen(3)]],
    [{ ...ours, LISTEN_FDS: '2', LISTEN_FDNAMES: 'web:api' }, [listen(3, 'web'), listen(4, 'api')]],
    [
      { ...ours, LISTEN_FDS: '3', LISTEN_FDNAMES: 'web:web:unknown' },
      [listen(3, 'web'), listen(4, 'web'), listen(5)],
    ],
    [{ ...ours, LISTEN_FDS: '2', LISTEN_FDNAMES: ':a b' }, [listen(3), listen(4, 'a b')]],
    [{ UPSTART_FDS: '' }, []],
    [{ UPSTART_FDS: '0' }, [upstart(0)]],
    [{ UPSTART_FDS: '3 5  4 ' }, [upstart(3), upstart(5), upstart(4)]],
    [{ SERVER_STARTER_PORT: '' }, []],
    [{ SERVER_STARTER_PORT: '8000=3' }, [starter(3, '8000')]],
    [
      { SERVER_STARTER_PORT: '127.0.0.1:80=4;[::1]:80=5;/tmp/a=b.sock=6;' },
      [starter(4, '127.0.0.1:80'), starter(5, '[::1]:80'), starter(6, '/tmp/a=b.sock')],
    ],
    [
      { ...ours, LISTEN_FDS: '1', UPSTART_FDS: '9', SERVER_STARTER_PORT: '80=7' },
      [listen(3), upstart(9), starter(7, '80')],
    ],
  ] as const) {
    t.strictSame(parseHanded(env, pid), sockets, JSON.stringify(env))
  }
  t.equal(parseHanded({ ...ours, LISTEN_FDS: '1024' }, pid).length, 1024)
})

t.test('what was meant for another process is ignored, however wrong it is', async (t) => {
  for (const env of [
    { LISTEN_FDS: '1' },
    { LISTEN_FDS: 'abc' },
    { LISTEN_PID: '1', LISTEN_FDS: '1' },
    { LISTEN_PID: '1', LISTEN_FDS: 'abc', LISTEN_FDNAMES: 'a:b' },
    { ...ours },
    { ...ours, LISTEN_FDNAMES: 'a' },
  ]) {
    t.strictSame(parseHanded(env, pid), [], JSON.stringify(env))
  }
})

t.test('a malformed value is refused in a sentence with the variable and the value', async (t) => {
  const count = 'LISTEN_FDS must be a number from 0 to 1024, not '
  const numbers = 'UPSTART_FDS must have descriptors from 0 to 1048575, separated by spaces, not '
  const pairs =
    'SERVER_STARTER_PORT must have ADDRESS=DESCRIPTOR for each socket, separated by semicolons, not '
  for (const [env, sentence] of [
    ...['-1', 'abc', '1e9', '', ' 1', '1025', '0x1', '99999999999'].map(
      (text) => [{ ...ours, LISTEN_FDS: text }, count + JSON.stringify(text)] as const,
    ),
    ...['abc', '', '-1', '47 11', '12345678901'].map(
      (text) =>
        [
          { LISTEN_PID: text, LISTEN_FDS: '1' },
          `LISTEN_PID must be the number of a process, not ${JSON.stringify(text)}`,
        ] as const,
    ),
    ...['a', 'a:b:c', ''].map(
      (text) =>
        [
          { ...ours, LISTEN_FDS: '2', LISTEN_FDNAMES: text },
          `LISTEN_FDNAMES must have as many names as LISTEN_FDS has sockets, 2, not ${JSON.stringify(text)}`,
        ] as const,
    ),
    ...['a\n', 'x'.repeat(256)].map(
      (text) =>
        [
          { ...ours, LISTEN_FDS: '1', LISTEN_FDNAMES: text },
          /^LISTEN_FDNAMES must have printable ASCII names of at most 255 characters, not "/,
        ] as const,
    ),
    ...['x', '3,4', '3 -1', '1048576', '3\n'].map(
      (text) => [{ UPSTART_FDS: text }, numbers + JSON.stringify(text)] as const,
    ),
    ...['80', '80=', '=3', '80=x', '80=-1', '80=1048576', '80=3;x', '80=3\n'].map(
      (text) => [{ SERVER_STARTER_PORT: text }, pairs + JSON.stringify(text)] as const,
    ),
    [{ UPSTART_FDS: '3 3' }, 'descriptor 3 is twice in UPSTART_FDS: each socket is handed in once'],
    [
      { ...ours, LISTEN_FDS: '1', UPSTART_FDS: '3' },
      'descriptor 3 is both in LISTEN_FDS and in UPSTART_FDS: each socket is handed in once',
    ],
    [{ UPSTART_FDS: '3 '.repeat(1025) }, /^UPSTART_FDS must have at most 1024 sockets, not "3 3/],
    [{ SERVER_STARTER_PORT: 'x'.repeat(400_000) }, /^SERVER_STARTER_PORT must have at most \d+ /],
  ] as const) {
    const { message, long } = refusal(env)
    if (typeof sentence === 'string') t.equal(message, sentence)
    else t.match(message, sentence)
    t.notOk(long, 'the value is cut')
  }
})

function refusal(env: Record<string, string>): { message: string; long: boolean } {
  try {
    parseHanded(env, pid)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return { message: error.message, long: error.message.length > 250 }
  }
  return { message: 'not refused', long: false }
}

t.test('whatever the values, they are read or refused with a usage error', async (t) => {
  const text = fc.oneof(
    fc.string(),
    fc.array(fc.constantFrom('3', '=', ';', ':', ' ', '-', 'a', '9')).map((all) => all.join('')),
  )
  const some = { requiredKeys: [] }
  const record = fc.record(
    { LISTEN_FDS: text, LISTEN_FDNAMES: text, UPSTART_FDS: text, SERVER_STARTER_PORT: text },
    some,
  )
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(record, (env) => {
        try {
          return parseHanded({ ...ours, ...env }, pid).every(({ fd }) => Number.isInteger(fd))
        } catch (error) {
          return error instanceof UsageError
        }
      }),
      { numRuns: 2_000 },
    ),
  )
})

t.test(
  'the variables are gone afterwards, also when they were refused or meant for another',
  async (t) => {
    const rest = { PATH: '/bin', LISTEN: 'x' }
    const all = {
      LISTEN_FDS: '1',
      LISTEN_PIDFDID: '5',
      LISTEN_FDNAMES: 'a',
      UPSTART_FDS: '7',
      SERVER_STARTER_PORT: '80=8',
    }
    for (const [LISTEN_PID, count] of [
      [String(process.pid), 3],
      ['1', 2],
    ] as const) {
      const env: NodeJS.ProcessEnv = { ...rest, ...all, LISTEN_PID }
      t.equal(takeHanded(env).length, count)
      t.strictSame(env, rest)
    }
    const env: NodeJS.ProcessEnv = { ...rest, ...all, UPSTART_FDS: 'x' }
    t.throws(() => takeHanded(env), UsageError)
    t.strictSame(env, rest)
  },
)
