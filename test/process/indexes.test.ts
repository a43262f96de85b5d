/** The index of a kid, as handlers, other kids and the scoreboard have it; run with the other tests. */

import { readFileSync } from 'node:fs'
import type { PreforkerOptions } from 'preforkd'
import { fixture, foreign, handler, type Served, withServer } from './harness.js'

/** What is 0 to 2 when all is well: the indexes of the kids that stay. */
function indexes({ server }: Served): number[] {
  const { kids } = server.status()
  return kids.map(({ index }) => index).sort((a, b) => a - b)
}

function variableOf(pid: number): string | undefined {
  const entries = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  return entries.find((entry) => entry.startsWith('PREFORKD_INDEX='))?.split('=')[1]
}

withServer(
  'a handler knows its index, and programs that it starts do not',
  { ...handler('says-its-index'), kids: 2, pick: 'fair' },
  async (t, served) => {
    const texts = [await served.ask(), await served.ask()].map(({ text }) => text.trim())
    t.strictSame(texts.sort(), ['0 0 1 false', '1 1 2 false'])
  },
)

withServer(
  'the index of a kid that was killed comes back',
  { ...handler('says-its-index'), kids: 3, logs: [/^kid 2 ended by SIGKILL/] },
  async (t, served) => {
    t.strictSame(indexes(served), [0, 1, 2])
    const killed = served.server.status().kids.find(({ number }) => number === 2)
    process.kill(served.pid(2), 'SIGKILL')
    await served.event('idle', ({ kid }) => kid === 4)
    const kids = served.server.status().kids
    t.equal(kids.find(({ number }) => number === 4)?.index, killed?.index)
    t.strictSame(indexes(served), [0, 1, 2])
  },
)

withServer(
  'at a reload each new kid has the index of an old one',
  { ...handler('says-its-index'), kids: 3 },
  async (t, served) => {
    await served.server.reload()
    await served.event('gone', () => true, 3)
    t.strictSame(indexes(served), [0, 1, 2])
    const { kids } = served.server.status()
    t.ok(kids.every(({ generation }) => generation === 2))
  },
)

withServer(
  'after a reload that has failed the old kids have their indexes still',
  { ...handler('says-its-index'), kids: 3, logs: [/^reload failed: /], mayLog: [/./] },
  async (t, served) => {
    const before = served.server.status().kids.map(({ number, index }) => [number, index])
    await t.rejects(
      served.server.reload({ ...handler('throws-on-import'), kids: 3, listen: '127.0.0.1:0' }),
    )
    await served.until(() => served.living.length === 3, 'the new ones to be gone')
    t.strictSame(
      served.server.status().kids.map(({ number, index }) => [number, index]),
      before,
    )
  },
)

const takesFd = fixture('servers/takes-fd.js')
const command = [process.execPath, takesFd, '--fd', '$(preforkd.sockets.web)']
for (const [what, options] of [
  ['a program', { program: 'cat' }],
  ['a kid in another language', foreign('behaves')],
  ['a server that accepts by itself', { server: command, listen: 'web=127.0.0.1:0' }],
] as const satisfies readonly (readonly [string, PreforkerOptions])[]) {
  withServer(`${what} has its index in a variable`, { ...options, kids: 2 }, async (t, served) => {
    await served.event('idle', () => true, 2)
    const of = (kid: number) => variableOf(served.pid(kid))
    t.strictSame([of(1), of(2)], ['0', '1'])
  })
}
