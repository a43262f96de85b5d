/** Addresses to listen on: what is read, what is refused and in which words. */

import t from 'tap'
import { UsageError } from '../src/errors.js'
import { formatListenAddress, parseListenAddress } from '../src/listen-address.js'
import fc from './fast-check.js'

const tcp = (name: string, host: string, port: number) => ({ kind: 'tcp', name, host, port })

/** The sentence of the refusal, to be compared in full. */
function refusal(read: () => unknown): string {
  try {
    read()
  } catch (error) {
    if (error instanceof UsageError) return error.message
    throw error
  }
  return 'not refused'
}

t.test(
  'an address is read in each form, and named by its full form unless it has a name',
  async (t) => {
    for (const [text, address] of [
      ['8000', tcp('127.0.0.1:8000', '127.0.0.1', 8000)],
      ['0', tcp('127.0.0.1:0', '127.0.0.1', 0)],
      ['65535', tcp('127.0.0.1:65535', '127.0.0.1', 65_535)],
      ['0.0.0.0:80', tcp('0.0.0.0:80', '0.0.0.0', 80)],
      ['localhost:80', tcp('localhost:80', 'localhost', 80)],
      ['my-host.example:80', tcp('my-host.example:80', 'my-host.example', 80)],
      ['[::1]:80', tcp('[::1]:80', '::1', 80)],
      ['[::]:80', tcp('[::]:80', '::', 80)],
      ['[fe80::1%eth0]:80', tcp('[fe80::1%eth0]:80', 'fe80::1%eth0', 80)],
      ['web=8000', tcp('web', '127.0.0.1', 8000)],
      ['web-1.a_b=[::1]:80', tcp('web-1.a_b', '::1', 80)],
      ['unix:/run/x', { kind: 'unix', name: 'unix:/run/x', path: '/run/x' }],
      ['unix:/a=b', { kind: 'unix', name: 'unix:/a=b', path: '/a=b' }],
      ['unix:/a b:c', { kind: 'unix', name: 'unix:/a b:c', path: '/a b:c' }],
      ['unix:/x?mode=0660', { kind: 'unix', name: 'unix:/x', path: '/x', mode: 0o660 }],
      ['api=unix:/x?mode=600', { kind: 'unix', name: 'api', path: '/x', mode: 0o600 }],
      ['unix:/x?user=me', { kind: 'unix', name: 'unix:/x', path: '/x', user: 'me' }],
      [
        'unix:/x?group=33&mode=0660&user=www-data',
        {
          kind: 'unix',
          name: 'unix:/x',
          path: '/x',
          group: '33',
          mode: 0o660,
          user: 'www-data',
        },
      ],
      ['fd:0', { kind: 'fd', name: 'fd:0', fd: 0 }],
      ['fd:3', { kind: 'fd', name: 'fd:3', fd: 3 }],
      ['fd://3', { kind: 'fd', name: 'fd:3', fd: 3 }],
      ['unix=fd:1048575', { kind: 'fd', name: 'unix', fd: 1_048_575 }],
      ['systemd', { kind: 'handed', name: 'systemd', wanted: 'all' }],
      ['web=systemd', { kind: 'handed', name: 'web', wanted: 'all' }],
      ['systemd:web', { kind: 'handed', name: 'systemd:web', wanted: { name: 'web' } }],
      ['systemd:all', { kind: 'handed', name: 'systemd:all', wanted: { name: 'all' } }],
      ['systemd:a=b', { kind: 'handed', name: 'systemd:a=b', wanted: { name: 'a=b' } }],
      ['web=systemd:[::1]:80', { kind: 'handed', name: 'web', wanted: { name: '[::1]:80' } }],
    ] as const) {
      t.strictSame(parseListenAddress(text), address, text)
    }
  },
)

t.test(
  'a bad address is refused in a sentence that quotes it and says what was expected',
  async (t) => {
    const owned = 'have nothing but mode=0660, user=NAME and group=NAME after ?, joined by &'
    const number = 'have the number of a descriptor after fd:, from 0 to 1048575'
    const form = 'be 8000, HOST:8000, [::1]:8000 or unix:/PATH'
    for (const [text, must] of [
      ['', form],
      ['foo', form],
      [':8000', form],
      ['foo:', form],
      ['foo:http', form],
      ['foo:-1', form],
      ['-1', form],
      ['80 00', form],
      ['a b:80', form],
      ['-x:80', form],
      ['*:80', form],
      ['a:b:80', form],
      ['1.2.3:80', form],
      ['999.1.1.1:80', form],
      ['1:80', form],
      ['FD:3', form],
      ['fd', form],
      ['Systemd', form],
      ['systemd ', form],
      ['=8000', form],
      ['1web=8000', form],
      ['web=', form],
      ['web=x=8000', form],
      ['http://a:80', form],
      ['8000\n', form],
      ['[::1', form],
      ['[::1]', form],
      ['65536', 'have a port from 0 to 65535'],
      ['localhost:99999', 'have a port from 0 to 65535'],
      ['[foo]:80', 'have an IPv6 address in the brackets'],
      ['[127.0.0.1]:80', 'have an IPv6 address in the brackets'],
      ['::1:80', 'have its IPv6 address in brackets, as in [::1]:8000'],
      ['unix:', 'have the absolute path of a socket after unix:'],
      ['unix:x', 'have the absolute path of a socket after unix:'],
      ['unix:/', 'have the absolute path of a socket after unix:'],
      ['unix:/x/', 'have the absolute path of a socket after unix:'],
      ['unix:/x\0', 'have the absolute path of a socket after unix:'],
      ['unix:/x?', owned],
      ['unix:/x?mode=', owned],
      ['unix:/x?mode=0888', owned],
      ['unix:/x?mode=1777', owned],
      ['unix:/x?user=', owned],
      ['unix:/x?user=-me', owned],
      ['unix:/x?user=a b', owned],
      [`unix:/x?user=${'x'.repeat(65)}`, owned],
      ['unix:/x?user=a&user=b', owned],
      ['unix:/x?mode=0660&mode=0660', owned],
      ['unix:/x?mode=0660&', owned],
      ['unix:/x?owner=me', owned],
      ['fd:', number],
      ['fd:-1', number],
      ['fd:x', number],
      ['fd:3:localhost:8080', number],
      ['fd:///3', number],
      ['fd:1048576', number],
      ['fd:99999999999', number],
      ['systemd:', 'have the name of a socket after systemd:'],
      ['systemd:a\nb', 'have the name of a socket after systemd:'],
      [`systemd:${'x'.repeat(256)}`, 'have the name of a socket after systemd:'],
    ] as const) {
      t.equal(
        refusal(() => parseListenAddress(text, '--listen')),
        `--listen must ${must}, not ${JSON.stringify(text)}`,
        JSON.stringify(text),
      )
    }
    t.equal(
      refusal(() => parseListenAddress('foo')),
      'a listen address must be 8000, HOST:8000, [::1]:8000 or unix:/PATH, not "foo"',
    )
  },
)

t.test(
  'an abstract name of a Unix socket is shown with @ in place of its zero bytes',
  async (t) => {
    t.equal(formatListenAddress({ kind: 'unix', name: '', path: '\0a\0b' }), 'unix:@a@b')
  },
)

t.test('whatever the text, it is read or refused with a usage error', async (t) => {
  const piece = fc.constantFrom(
    'unix:',
    'fd:',
    'systemd',
    '/',
    '&user=',
    '?mode=',
    '[',
    ']',
    ':',
    '=',
    '8',
    '::1',
    'a',
    '.',
    ' ',
  )
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((pieces) => pieces.join('')),
        ),
        (text) => {
          try {
            const address = parseListenAddress(text)
            // Its full form means the same.
            const again = parseListenAddress(formatListenAddress(address))
            return formatListenAddress(again) === formatListenAddress(address)
          } catch (error) {
            return error instanceof UsageError
          }
        },
      ),
      { numRuns: 2_000 },
    ),
  )
})
