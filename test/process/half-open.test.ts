/** Clients that end their side and wait for an answer: who gets one, by the option and by what the handler module exports. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fixture, handler, type ServerOptions, withNewServer, withServer } from './harness.js'
import { findPeer, without } from './peers.js'
import { within } from './processes.js'

const heard = /^heard hello$/

/** What a client that ends its side right after its words hears of a handler that answers a moment after that. */
function hears(title: string, options: ServerOptions, answered: boolean): void {
  withServer(
    `${title}: the answer ${answered ? 'reaches its client' : 'is lost, and the log says so'}`,
    { kids: 1, ...options },
    async (t, served) => {
      const { text } = await served.ask({ send: 'hello', halfClose: true })
      if (answered) t.match(text, heard)
      else {
        t.equal(text, '')
        const line = await served.logged(/an answer was lost: the connection had ended/)
        t.equal(line.level, 20, 'at debug: any client can bring it about')
      }
      await served.until(() => served.counters.done === 1)
    },
  )
}

hears('a promise that is pending', handler('answers-at-the-end'), true)
hears(
  'a promise that is pending, with allowHalfOpen off',
  { ...handler('answers-at-the-end'), allowHalfOpen: 'off' },
  false,
)
hears('a handler that has returned', handler('answers-at-the-end-too-late'), false)
hears(
  'a handler that has returned, with allowHalfOpen on',
  { ...handler('answers-at-the-end-too-late'), allowHalfOpen: 'on' },
  true,
)
hears(
  'a module that exports allowHalfOpen',
  { ...handler('answers-at-the-end-later'), allowHalfOpen: 'off' },
  true,
)

withServer(
  'nc -N, which ends its side after its words, hears the answer',
  { ...handler('answers-at-the-end'), kids: 1, slots: 2 },
  async (t, served) => {
    const { address } = served.server
    if (address?.kind !== 'tcp') throw new Error('the server has no port')
    await t.test('by a real nc', { skip: without('nc') }, async (t) => {
      const nc = spawn(findPeer('nc') as string, ['-N', address.host, `${address.port}`])
      let said = ''
      nc.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text
      })
      nc.stdin.end('hello')
      await within(once(nc, 'close'), 'nc to end').finally(() => nc.kill('SIGKILL'))
      t.match(said, heard)
    })
  },
)

withNewServer(
  'allowHalfOpen that is neither true nor false is refused at the start',
  { ...handler('half-open-is-a-word'), kids: 1, mayLog: [/.*/] },
  async (t, served) => {
    const error = await served.server.start().catch((cause: Error) => cause)
    const file = fixture('handlers/half-open-is-a-word.js')
    t.match(error, {
      name: 'KidError',
      message: `handler ${file} exports allowHalfOpen, but it is neither true nor false: string`,
    })
  },
)
