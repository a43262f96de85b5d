/** Group G: sockets that are handed in wrongly, and service managers that do not listen. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { pass, signal, until } from '../../process/processes.js'
import type { Bed } from '../bed.js'
import type { Row } from '../row.js'

/** What LISTEN_FDS and the descriptors are, and what is said about it. */
const handedIn: [what: string, fds: string, redirections: string, sentence: RegExp][] = [
  ['none', '0', '', /no socket was handed in/],
  ['fewer than none', '-1', '', /LISTEN_FDS/],
  ['no number', 'abc', '', /LISTEN_FDS/],
  ['a thousand million', '1000000000', '', /LISTEN_FDS/],
  ['a file', '1', '3</etc/passwd', /descriptor 3|fd:?3|fd 3/i],
  ['a directory', '1', '3</', /descriptor 3|fd:?3|fd 3/i],
  ['not open', '1', '3<&-', /descriptor 3|fd:?3|fd 3/i],
]

/** Starts a command that listens on what it is handed in; `whose` is for which process that is. */
async function refuses(bed: Bed, fds: string, redirections: string, whose = '$$'): Promise<string> {
  const hand = `export LISTEN_PID=${whose} LISTEN_FDS=${fds}; exec "$@" ${redirections}`
  const server = bed.launch({
    args: ['--listen', 'systemd', '--kids', '1'],
    prefix: ['sh', '-c', hand, 'sh'],
    mayEnd: [2, 4],
  })
  await server.ended
  const sentences = server.stderr.split('\n').filter((line) => line.startsWith('preforkd: '))
  assert.equal(sentences.length, 1, `one sentence: ${server.stderr}`)
  assert.deepEqual(bed.left(), [], 'nobody is left')
  return sentences[0] as string
}

/** Receives what a service manager would, and prints it. */
const manager = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
while True:
    print(s.recv(4096).decode().replace('\\n', ' '), flush=True)
`

/** A service manager on a path; what it has received grows. */
async function receive(bed: Bed, path: string): Promise<{ pid: number; text: () => string }> {
  const receiver = spawn('python3', ['-c', manager, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  bed.finally(() => receiver.kill('SIGKILL'))
  let text = ''
  receiver.stdout.setEncoding('utf8').on('data', (more) => {
    text += more
  })
  await until(() => text.startsWith('bound'), 'the receiver')
  return { pid: receiver.pid as number, text: () => text }
}

/** A server that is to tell `path` what it does, and none of whose kids is to know. */
async function serveTelling(bed: Bed, path: string, env: Record<string, string> = {}) {
  const server = await bed.command(['--kids', '2'], { env: { NOTIFY_SOCKET: path, ...env } })
  for (const kid of server.kids) {
    const environment = readFileSync(`/proc/${kid}/environ`, 'latin1')
    assert.ok(!/(^|\0)(NOTIFY_SOCKET|WATCHDOG_)/.test(environment), 'no kid knows')
  }
  for (let i = 0; i < 10; i++) assert.equal(await server.client().ended, 'ok')
  return server
}

export const activation: readonly Row[] = [
  {
    number: 76,
    group: 'G',
    fault: 'what is handed in is no listener, or cannot be counted',
    inject: `LISTEN_FDS of ${handedIn.map(([what]) => what).join(', ')}`,
    async run(bed) {
      for (const [what, fds, redirections, sentence] of handedIn) {
        assert.match(await refuses(bed, fds, redirections), sentence, what)
      }
    },
  },
  {
    number: 76,
    group: 'G',
    part: 'not for us',
    fault: 'what is handed in is no listener, or cannot be counted',
    inject: 'LISTEN_PID of another process',
    async run(bed) {
      assert.match(await refuses(bed, '1', '', '1'), /no socket|nothing|handed in/i)
    },
  },
  {
    number: 77,
    group: 'G',
    part: 'absent',
    fault: 'the service manager cannot be told',
    inject: 'NOTIFY_SOCKET that is not there, and an abstract one that nobody has',
    async run(bed) {
      await serveTelling(bed, bed.path('nowhere'))
      await serveTelling(bed, `@preforkd-nowhere-${bed.seed}`)
    },
  },
  {
    number: 77,
    group: 'G',
    part: 'stopped',
    fault: 'the service manager cannot be told',
    inject: 'a receiver that is stopped during 20 reloads',
    needs: ['python3'],
    async run(bed) {
      const { pid, text } = await receive(bed, bed.path('notify'))
      const server = await serveTelling(bed, bed.path('notify'))
      await until(() => /READY=1/.test(text()), 'READY=1')
      await signal(pid, 'SIGSTOP')
      for (let i = 0; i < 20; i++) {
        server.signal('SIGHUP')
        await pass(20)
        assert.equal(await server.client().ended, 'ok')
      }
      await until(
        () => server.lines(/^reloaded: /).length === server.lines(/^reloads: /).length,
        'the last reload to end',
      )
      const before = text()
      process.kill(pid, 'SIGCONT')
      // While its queue is full nothing can be told, and nobody waits for it.
      await until(() => text() !== before, 'it to read again')
      await server.stop()
      await until(() => /STOPPING=1/.test(text()), 'STOPPING=1')
    },
  },
  {
    number: 78,
    group: 'G',
    fault: 'the loop of the parent is stuck: the watchdog must not be fed',
    inject: 'WATCHDOG_USEC of 400 ms, SIGSTOP to the parent, and SIGCONT',
    halts: true,
    needs: ['python3'],
    async run(bed) {
      const { text } = await receive(bed, bed.path('notify'))
      const server = await serveTelling(bed, bed.path('notify'), { WATCHDOG_USEC: '400000' })
      const fed = () => text().split('WATCHDOG=1').length - 1
      await until(() => fed() >= 2, 'the watchdog to be fed')
      await signal(server.pid, 'SIGSTOP')
      // What was sent before has arrived by then.
      await pass(100)
      const before = fed()
      await pass(800)
      assert.equal(fed(), before)
      process.kill(server.pid, 'SIGCONT')
      await until(() => fed() > before, 'the watchdog to be fed again')
    },
  },
]
