/** Kids that have served their time, and reloads, seen from a program that embeds the server; run with the other tests. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { handler, type Served, withServer } from './harness.js'
import { until } from './processes.js'

/** While a successor is on its way on a busy machine, connections may wait. */
const mayLog = [/^overload/]

/** Connections one after the other; how many each pid has answered, in the order of their first. */
async function tally(served: Served, connections: number): Promise<Map<string, number>> {
  const answers = new Map<string, number>()
  for (let i = 0; i < connections; i++) {
    const { result, text } = await served.ask()
    const pid = result === 'ok' ? (text.trim().split(' ')[0] ?? '') : result
    answers.set(pid, (answers.get(pid) ?? 0) + 1)
  }
  return answers
}

for (const pick of ['warm', 'fair'] as const) {
  withServer(
    `with maxConnections 3 each kid answers exactly 3, ${pick}`,
    {
      ...handler('says-its-pid'),
      kids: 2,
      pick,
      maxConnections: 3,
      maxConnectionsJitter: 0,
      mayLog,
    },
    async (t, served) => {
      const answers = await tally(served, 24)
      const gone = new Set(served.seen('gone').map(({ pid }) => String(pid)))
      const complete = [...answers].filter(([pid]) => gone.has(pid))
      t.ok(complete.length >= 5, `${complete.length} kids have gone`)
      t.same(
        complete.filter(([, count]) => count !== 3),
        [],
      )
      t.notOk([...answers.values()].some((count) => count > 3))
      t.same(served.counters.lost + served.counters.unanswered, 0)
    },
  )
}

withServer(
  'under load nobody is lost to recycling',
  { ...handler('says-its-pid'), kids: 2, slots: 4, maxConnections: 10, mayLog },
  async (t, served) => {
    const clients = Array.from({ length: 8 }, () => tally(served, 12))
    const answered = (await Promise.all(clients)).flatMap((answers) => [...answers])
    t.notOk(
      answered.some(([pid]) => !/^\d+$/.test(pid)),
      'every client was answered',
    )
    t.ok(served.seen('gone').length >= 5, `${served.seen('gone').length} have gone`)
    t.equal(served.counters.lost, 0)
  },
)

withServer(
  'a kid that has too much memory is replaced',
  { ...handler('leaks'), kids: 1, maxRss: '150MB', mayLog },
  async (t, served) => {
    await tally(served, 4)
    await served.event('spawn', ({ kid }) => kid === 2)
    await served.event('gone', ({ kid }) => kid === 1)
    t.match(await served.logged(/^kid 1 leaves: /), { msg: 'kid 1 leaves: maxRss' })
    t.same([...(await tally(served, 1)).keys()], [String(served.pid(2))])
    t.equal(served.counters.lost, 0)
  },
)

withServer(
  'a kid that is too old is replaced, also while nobody connects',
  { ...handler('says-its-pid'), kids: 1, maxAge: '1s', maxConnectionsJitter: 0, mayLog },
  async (t, served) => {
    const born = served.seen('spawn')[0]?.at ?? 0
    const successor = await served.event('spawn', ({ kid }) => kid === 2)
    // Its age counts from before it was spawned, which takes a moment.
    t.ok(successor.at - born >= 800, `after ${successor.at - born} ms`)
    await served.event('gone', ({ kid }) => kid === 1)
    t.match(await served.logged(/^kid 1 leaves: /), { msg: 'kid 1 leaves: maxAge' })
  },
)

withServer(
  'a kid that asks for it is replaced, after the connection it had',
  { ...handler('recycles'), kids: 1, mayLog },
  async (t, served) => {
    const answers = await tally(served, 4)
    t.same([...answers.values()], [1, 1, 1, 1])
    await served.event('gone', () => true, 4)
    t.match(await served.logged(/^kid 1 leaves: /), { msg: 'kid 1 leaves: recycle' })
  },
)

withServer(
  'counters go on across a reload, and options come with it',
  (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'preforkd-'))
    t.teardown(() => rmSync(directory, { recursive: true, force: true }))
    writeFileSync(join(directory, 'h.mjs'), "export default (s) => s.end('two\\n')\n")
    return {
      ...handler('says-its-pid'),
      kids: 2,
      mayLog,
      env: { NEXT: join(directory, 'h.mjs') },
    }
  },
  async (t, served) => {
    await tally(served, 10)
    const { env } = served.server.options
    const clients = Promise.all(Array.from({ length: 4 }, () => tally(served, 20)))
    await served.server.reload({
      handler: env.NEXT,
      kids: 3,
      listen: '127.0.0.1:0',
      env,
    })
    const answers = (await clients).flatMap((each) => [...each.keys()])
    t.notOk(answers.some((answer) => !/^(\d+|two)$/.test(answer)))
    t.same([...(await tally(served, 5)).keys()], ['two'])
    t.equal(served.server.options.maxKids, 3)
    await until(() => served.server.status().states.idle === 3, 'three kids')
    await until(() => served.counters.done === 95, 'all to be counted')
    t.equal(served.counters.lost, 0)
  },
)

withServer(
  'a server on demand finds out at a reload that the new handler does not load',
  {
    ...handler('says-its-pid'),
    minSpare: 0,
    maxKids: 2,
    logs: [/^reload failed: /],
    mayLog: [/./],
  },
  async (t, served) => {
    t.equal(served.living.length, 0, 'nobody has connected')
    const { env } = served.server.options
    const broken = { ...handler('throws-on-import'), minSpare: 0, maxKids: 2, env }
    await t.rejects(served.server.reload({ ...broken, listen: '127.0.0.1:0' }), {
      message: /^reload failed: .*I throw on import.*; generation 1 goes on/,
    })
    t.equal((await served.ask()).result, 'ok')
  },
)
