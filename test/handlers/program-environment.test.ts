/** What programs find in their environment: all families of addresses, and names that no environment can hold. */

import t from 'tap'
import {
  commonEnvironment,
  connectionEnvironment,
  nameClient,
} from '../../src/handlers/program-environment.js'

const tcp = (family: 'tcp4' | 'tcp6', host: string, port: number) => ({
  ...{ family, host, port, path: '' },
})
const unix = (path: string) => ({ family: 'unix' as const, host: '', port: 0, path })

t.test('TCP has the addresses and ports of both ends', async (t) => {
  const [local, remote] = [tcp('tcp4', '10.0.0.1', 80), tcp('tcp4', '10.0.0.2', 5000)]
  const four = { local, remote, credentials: undefined }
  t.strictSame(connectionEnvironment(four), {
    ...{ PROTO: 'TCP', TCPLOCALIP: '10.0.0.1', TCPLOCALPORT: '80' },
    ...{ TCPREMOTEIP: '10.0.0.2', TCPREMOTEPORT: '5000' },
  })
  t.equal(nameClient(four), '10.0.0.2:5000')
  const six = { ...four, remote: tcp('tcp6', '2001:db8::1', 1), local: tcp('tcp6', '::1', 2) }
  t.match(connectionEnvironment(six), { TCPREMOTEIP: '2001:db8::1', TCPLOCALIP: '::1' })
  t.equal(nameClient(six), '[2001:db8::1]:1')
})

t.test('an IPv4 client of a listener for both families is one of IPv4', async (t) => {
  const [local, remote] = [tcp('tcp6', '::ffff:10.0.0.1', 80), tcp('tcp6', '::ffff:10.0.0.2', 5)]
  const ends = { local, remote, credentials: undefined }
  t.match(connectionEnvironment(ends), { TCPREMOTEIP: '10.0.0.2', TCPLOCALIP: '10.0.0.1' })
  t.equal(nameClient(ends), '10.0.0.2:5')
})

t.test('a Unix socket has its path and what is known of the client', async (t) => {
  const bare = { local: unix('/s'), remote: unix(''), credentials: undefined }
  t.strictSame(connectionEnvironment(bare), { PROTO: 'UNIX', UNIXLOCALPATH: '/s' })
  t.equal(nameClient(bare), 'a client of /s')
  const known = {
    ...{ local: unix('\0abstract\0name'), remote: unix('/of/the/client') },
    credentials: { pid: 0, uid: 7, gid: 8 },
  }
  t.strictSame(connectionEnvironment(known), {
    ...{ PROTO: 'UNIX', UNIXLOCALPATH: '@abstract@name', UNIXREMOTEPATH: '/of/the/client' },
    ...{ UNIXREMOTEEUID: '7', UNIXREMOTEEGID: '8' },
  })
  t.equal(nameClient(known), 'a client of @abstract@name (uid 7)')
})

t.test('what is not of this connection, or between parent and kid, is left out', async (t) => {
  const kept = { PATH: '/bin', TCPDUMP: 'x', UNIX: 'x', PROTOCOL: 'x', MY_PREFORKD_: 'x' }
  const left = {
    ...{ PREFORKD_HANDLER: 'x', LISTEN_PID: '1', LISTEN_FDS: '1', PROTO: 'TCP' },
    ...{ TCPREMOTEIP: 'x', TCPREMOTEHOST: 'x', TCPLOCALHOST: 'x', TCP6REMOTEIP: 'x' },
    ...{ UNIXREMOTEPID: '1', UNIXLOCALPATH: 'x' },
  }
  t.strictSame(commonEnvironment({ ...kept, ...left }), kept)
})
