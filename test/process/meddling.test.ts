/** What becomes of a listener that a kid changes for everybody: put right within a moment, or the end of the server; run with the other tests. */

import { test } from 'tap'
import { SystemError } from '../../dist/errors.js'
import { binding } from '../../dist/system/binding.js'
import { flagsOf } from '../system/observe.js'
import { foreign, type Served, type ServerOptions, socketPath, withServer } from './harness.js'
import { within } from './processes.js'

const skip = process.platform !== 'linux' && 'only Linux lets a kid do this'
const words = /^some kid has meddled with the listener 127.0.0.1:\d+: it /

function meddler(how: string, options: ServerOptions = {}): ServerOptions {
  return { ...foreign('meddles', { MEDDLE: how }), kids: 1, ...options }
}

/** The descriptor of the listener, which is the parent's own here. */
function fdOf({ server }: Served): number {
  return server.bequest[0]?.listener.fd as number
}

function whenMended(served: Served): Promise<void> {
  return served.until(() => served.counters.meddled === 1, 'the meddling to be noticed')
}

if (skip) {
  test('meddling', { skip }, async () => {})
} else {
  withServer(
    'a listener that a kid made to block, and gave another backlog, is as it was within a second',
    meddler('blocking,backlog', { logs: [words], backlog: 77 }),
    async (t, served) => {
      t.equal(binding.queueLimit(fdOf(served)), 77)
      t.equal((await served.ask()).result, 'ok')
      await whenMended(served)
      t.equal(flagsOf(fdOf(served)).nonBlocking, true)
      t.equal(binding.queueLimit(fdOf(served)), 77)
      t.equal((await served.ask()).result, 'ok')
      const line = served.log.find(({ msg }) => words.test(msg))?.msg
      t.match(line, /it was made to block, was given another backlog; put right$/)
    },
  )

  withServer(
    'a listener that a kid shut down listens again, at the same address and for the same kids',
    meddler('shut', { logs: [words] }),
    async (t, served) => {
      const kids = served.living
      t.equal((await served.ask()).result, 'ok')
      await whenMended(served)
      t.equal((await served.ask()).result, 'ok')
      t.strictSame(served.living, kids, 'no kid was blamed for it')
      t.strictSame(served.counters.kills, {})
    },
  )

  withServer(
    'a Unix listener that a kid shut down cannot be put right: the server stops, and says why',
    (t) =>
      meddler('shut', {
        listen: `unix:${socketPath(t)}`,
        logs: [/it was shut down.*; that cannot be undone$/, /the server stops/],
      }),
    async (t, served) => {
      t.equal((await served.ask()).result, 'ok')
      await t.rejects(within(served.server.closed, 'the server to stop'), {
        constructor: SystemError,
        exitCode: 1,
        message: /^listening again at unix:.* failed with EINVAL \(some kid had shut it down/,
      })
      t.equal(served.counters.meddled, 1)
    },
  )
}
