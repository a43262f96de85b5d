/** What becomes of kids that lie, die, are late or will not go, while other kids are there to serve. */

import { foreign, withNewServer, withServer } from './harness.js'
import { isAlive, until, within } from './processes.js'

withServer(
  'a kid that answers late is not killed for it, and its clients are served',
  { ...foreign('answers-late'), startKids: 1, maxKids: 2 },
  async (t, served) => {
    const clients = await Promise.all([served.ask(), served.ask(), served.ask()])
    t.ok(clients.every(({ result }) => result === 'ok'))
    await served.until(() => served.counters.done === 3 && served.counters.late >= 1)
    t.strictSame(served.counters.kills, {})
    t.equal(served.counters.unanswered, 0)
  },
)

withServer(
  'a kid that always answers 0 is killed, and every client of one at a time is served',
  {
    ...foreign('always-answers-zero'),
    kids: 4,
    pick: 'fair',
    // A late answer is held against nobody; on a busy machine this kid's would be late.
    lateAfter: 500,
    logs: [/^killed kid 1: accepts nothing: answered 0 3 times while connections waited/],
  },
  async (t, served) => {
    let asked = 0
    // The liar is found out by being asked; it has been idle longest whenever it is not the last.
    while (served.seen('kill').length === 0 && asked < 50) {
      asked++
      t.equal((await served.ask()).result, 'ok')
    }
    await served.event('gone', ({ kid }) => kid === 1)
    await served.until(() => served.counters.done === asked)
    t.match(served.counters, { accepted: asked, lost: 0, unanswered: 0, empty: 3 })
    t.strictSame(served.counters.kills, { 'accepts nothing': 1 })
  },
)

withServer(
  'when every kid answers 0 nobody is killed, the parent does not spin, and says what is wrong',
  {
    ...foreign('always-answers-zero', { BAD_KIDS: '1,2' }),
    kids: 2,
    logs: [/^connections wait at 127\.0\.0\.1:\d+, but no kid finds one to accept$/],
  },
  async (t, served) => {
    const waiting = served.client()
    await served.logged(/no kid finds one/)
    const before = { orders: served.counters.orders, at: performance.now() }
    await served.until(() => served.counters.orders >= before.orders + 6)
    const each = (performance.now() - before.at) / (served.counters.orders - before.orders)
    t.ok(each > 30, `an order every ${each.toFixed()} ms`)
    t.strictSame(served.counters.kills, {})
    t.equal(served.counters.accepted, 0)
    await waiting.drop()
  },
)

withServer(
  'a kid that says it accepted and did not costs nobody anything but its own slot',
  {
    ...foreign('claims-accepted-without-accepting'),
    startKids: 1,
    maxKids: 2,
    unfinished: true,
    // Unless it was asked for: it may die of the stop at the end.
    mayLog: [/^kid 1 died: 1 connection lost$/],
  },
  async (t, served) => {
    for (let i = 0; i < 3; i++) t.equal((await served.ask()).result, 'ok')
    await served.until(() => served.counters.done === 3)
    t.match(served.counters, { accepted: 4, done: 3, held: 1, lost: 0 })
    // Its last words are that it holds one.
    await served.server.stop({ graceful: false })
    t.equal(served.counters.lost, 1)
  },
)

withServer(
  'with connectionTimeout even that slot comes back',
  {
    ...foreign('claims-accepted-without-accepting'),
    kids: 1,
    connectionTimeout: 300,
    logs: [
      /^killed kid 1: connection timeout: held a connection for \d+ ms$/,
      /^kid 1 died: 1 connection lost$/,
    ],
    mayLog: [/overload/],
  },
  async (t, served) => {
    t.equal((await served.ask()).result, 'ok')
    t.equal((await served.event('lost')).lost, 1)
  },
)

withServer(
  'a kid that floods with lawful lines does not hold up the clients of others',
  {
    ...foreign('floods'),
    startKids: 1,
    maxKids: 2,
    unfinished: true,
    // Unless it was asked for: it may die of the stop at the end.
    mayLog: [/^kid 1 died: 1 connection lost, at: flooding$/],
  },
  async (t, served) => {
    const flooding = served.client()
    t.equal(Number(await flooding.answered), served.pid(1))
    for (let i = 0; i < 50; i++) {
      const { result, text, answeredAfter = Infinity } = await served.ask()
      t.equal(result, 'ok')
      t.equal(Number(text), served.pid(2))
      if (i > 0) t.ok(answeredAfter < 500, `answered after ${answeredAfter.toFixed()} ms`)
    }
    t.match(served.server.status().kids, [{ label: 'flooding' }, {}])
    t.strictSame(served.counters.kills, {})
  },
)

const deaths = {
  'exits-before-accept': {
    title: 'a kid that dies of an order costs no client anything',
    results: ['ok'],
    counters: { accepted: 1, done: 1, lost: 0, unanswered: 1 },
    log: /^kid 1 died: perhaps 1 connection lost, of an order it had not answered$/,
  },
  'exits-after-accept': {
    title:
      'a kid that dies after it accepted and before it answered costs its client, which is counted',
    results: ['closed', 'reset'],
    counters: { accepted: 0, done: 0, lost: 0, unanswered: 1 },
    log: /^kid 1 died: perhaps 1 connection lost, of an order it had not answered$/,
  },
  'exits-after-answer': {
    title:
      'a kid that dies with a connection costs that one, which is counted: its last words were read',
    results: ['closed', 'reset'],
    counters: { accepted: 1, done: 0, lost: 1, unanswered: 0 },
    log: /^kid 1 died: 1 connection lost$/,
  },
} as const

for (const [name, { title, results, counters, log }] of Object.entries(deaths)) {
  withServer(
    title,
    { ...foreign(name), kids: 1, logs: [log, /^kid 1 ended with exit code 7$/] },
    async (t, served) => {
      const { result } = await served.ask()
      t.ok((results as readonly string[]).includes(result), result)
      t.match(await served.event('gone'), { kid: 1, code: 7, signal: null })
      t.equal((await served.ask()).result, 'ok', 'another took its place')
      await served.until(() => served.counters.held === 0)
      const { accepted, done } = counters
      t.match(served.counters, { ...counters, accepted: accepted + 1, done: done + 1, kills: {} })
    },
  )
}

withServer(
  'a kid that exits on boot is replaced, and what it said is in the log',
  {
    ...foreign('exits-on-boot'),
    kids: 2,
    logs: [/^I cannot find my socks$/],
    mayLog: [/^kid 1 ended with exit code 7$/],
  },
  async (t, served) => {
    t.match(await served.logged(/socks/), { kid: 1, stream: 'stderr' })
    await served.event('idle', ({ kid }) => kid === 3)
    t.equal((await served.ask()).result, 'ok')
  },
)

withServer(
  'a kid that is not up within readyTimeout is killed and replaced, while others serve',
  {
    ...foreign('never-says-idle'),
    kids: 2,
    readyTimeout: 3_000,
    logs: [/^killed kid 1: ready timeout: was not up within \d+ ms$/],
  },
  async (t, served) => {
    t.equal((await served.ask()).result, 'ok', 'it is served before the other is given up')
    await served.event('idle', ({ kid }) => kid === 3)
    t.strictSame(served.counters.kills, { 'ready timeout': 1 })
  },
)

withNewServer(
  'kids that ignore leave are killed after stopTimeout',
  {
    ...foreign('ignores-leave', { BAD_KIDS: '1,2' }),
    kids: 2,
    stopTimeout: 300,
    logs: [/^killed kid 1: stop timeout/, /^killed kid 2: stop timeout/],
  },
  async (t, served) => {
    await served.server.start()
    const begun = performance.now()
    await within(served.server.stop(), 'a graceful stop')
    t.ok(performance.now() - begun < 2_000)
    t.strictSame(served.counters.kills, { 'stop timeout': 2 })
  },
)

withServer(
  'the parent learns of a death from waitpid although a grandchild holds the pipes open',
  {
    ...foreign('keeps-grandchild'),
    kids: 1,
    logs: [/^kid 1 died: perhaps 1 connection lost/, /^kid 1 ended with exit code 7$/],
  },
  async (t, served) => {
    const heir = Number((await served.logged(/^heir \d+ of/)).msg.split(' ')[1])
    try {
      const { result, text } = await served.ask()
      t.equal(result, 'ok')
      t.equal(Number(text), served.pid(2))
      t.ok(isAlive(heir), 'the grandchild still holds them')
      await within(served.server.stop(), 'a graceful stop', 3_000)
      t.ok(isAlive(heir))
    } finally {
      process.kill(heir, 'SIGKILL')
      await until(() => !isAlive(heir), 'the grandchild to be gone')
    }
  },
)
