/** Whose PROXY headers are believed: entries good and bad, and peers of every family against them. */

import type { Socket } from 'node:net'
import t from 'tap'
import { UsageError } from '../../../src/errors.js'
import { isTrusted, parseTrusted } from '../../../src/handlers/proxy-protocol/trusted.js'

function trusts(entries: string[], remoteAddress: string | undefined, localAddress = '127.0.0.1') {
  return isTrusted(parseTrusted(entries), { remoteAddress, localAddress } as Socket)
}

t.test('addresses and networks match what they name and nothing else', async (t) => {
  for (const [entry, yes, no] of [
    ['10.1.2.3', ['10.1.2.3', '::ffff:10.1.2.3'], ['10.1.2.4', '::ffff:10.1.2.4', '::1']],
    [
      '10.0.0.0/8',
      ['10.0.0.0', '10.255.255.255', '::ffff:10.9.9.9'],
      ['9.255.255.255', '11.0.0.0'],
    ],
    ['192.168.4.0/23', ['192.168.4.0', '192.168.5.255'], ['192.168.3.255', '192.168.6.0']],
    ['192.0.2.1/32', ['192.0.2.1'], ['192.0.2.0', '192.0.2.2']],
    ['0.0.0.0/0', ['1.2.3.4', '255.255.255.255'], ['::1', '2001:db8::1']],
    ['::1', ['::1'], ['::2', '::', '127.0.0.1']],
    ['2001:DB8::/32', ['2001:db8::', '2001:db8:ffff::1'], ['2001:db7::1', '2001:db9::1']],
    ['2001:db8::/33', ['2001:db8:7fff::1'], ['2001:db8:8000::1']],
    ['2001:db8::2/127', ['2001:db8::2', '2001:db8::3'], ['2001:db8::1', '2001:db8::4']],
    ['fe80::/10', ['fe80::1', 'fe80::1%eth0', 'febf::1'], ['fec0::1']],
    ['loopback', ['127.0.0.1', '127.255.0.9', '::1', '::ffff:127.0.0.1'], ['128.0.0.1', '::2']],
    ['unix', [], ['127.0.0.1', '::1']],
  ] as const) {
    for (const address of yes) t.ok(trusts([entry], address), `${entry} has ${address}`)
    for (const address of no) t.notOk(trusts([entry], address), `${entry} has not ${address}`)
  }
  t.ok(trusts(['10.0.0.1', '::5', 'unix'], '::5'), 'any of several will do')
  t.notOk(trusts([], '127.0.0.1'), 'nobody is trusted by nobody')
})

t.test('peers of Unix sockets are those that have no address at either end', async (t) => {
  const peer = (trusted: string, localAddress?: string) =>
    isTrusted(parseTrusted([trusted]), { remoteAddress: undefined, localAddress } as Socket)
  t.ok(peer('unix'))
  t.ok(peer('loopback'))
  t.notOk(peer('127.0.0.1'))
  t.notOk(peer('0.0.0.0/0'))
  t.notOk(peer('unix', '127.0.0.1'), 'a TCP connection that its peer has reset')
})

t.test('what is neither is refused in one sentence', async (t) => {
  for (const entry of [
    ...[
      '',
      'localhost',
      '10.0.0',
      '10.0.0.256',
      '10.0.0.1:80',
      '[::1]',
      '*',
      'Loopback',
      'unix:/s',
    ],
    ...[
      '10.0.0.0/',
      '10.0.0.0/33',
      '10.0.0.0/-1',
      '10.0.0.0/08',
      '10.0.0.0/8/8',
      '/8',
      '10.0.0.0/a',
    ],
    ...['10.0.0.0/255.0.0.0', '::/129', '::1%lo', 'fe80::%eth0/10', '::1/1e1', '1'.repeat(1000)],
  ]) {
    const message = `must have addresses, networks such as 10.0.0.0/8, loopback or unix, not ${JSON.stringify(entry.slice(0, 100))}`
    t.throws(() => parseTrusted(['127.0.0.1', entry]), new UsageError(message))
  }
})
