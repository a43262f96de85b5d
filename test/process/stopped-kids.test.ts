/** Kids that are stopped, killed or starved from outside: what it costs is bounded, counted, and made good. */

import { execFileSync } from 'node:child_process'
import { handler, withServer } from './harness.js'
import { descriptorsOf, signal } from './processes.js'

withServer(
  'when all kids are stopped the next client waits for one acceptTimeout and a new kid, not for each in turn',
  {
    ...handler('says-its-pid'),
    kids: 8,
    acceptTimeout: 600,
    logs: [/^killed kid \d+: accept timeout/, /^kid \d+ died: perhaps 1 connection lost/],
  },
  async (t, served) => {
    for (const pid of served.living) await signal(pid, 'SIGSTOP')
    const { result, endedAfter } = await served.ask()
    t.equal(result, 'ok')
    // The new kids start while up to seven others are started, too.
    t.ok(endedAfter > 550 && endedAfter < 600 + 4_000, `served after ${endedAfter.toFixed()} ms`)
    await served.event('gone', undefined, 8)
    const at = served.seen('kill').map((kill) => kill.at)
    t.equal(at.length, 8)
    const spread = Math.max(...at) - Math.min(...at)
    t.ok(spread < 600, `all killed within ${spread.toFixed()} ms, less than one acceptTimeout`)
    t.strictSame(served.counters.kills, { 'accept timeout': 8 })
    await served.until(() => served.counters.done === 1)
    t.match(served.counters, { accepted: 1, done: 1, lost: 0, unanswered: 8 })
  },
)

withServer(
  'when all but one are stopped the client is served at once, before anybody is killed',
  {
    ...handler('says-its-pid'),
    kids: 8,
    acceptTimeout: 5_000,
    mayLog: [/^killed kid \d+: quick stop/, /^kid \d+ died: perhaps/],
    unfinished: true,
  },
  async (t, served) => {
    const [last = 0, ...others] = served.living
    for (const pid of others) await signal(pid, 'SIGSTOP')
    const { result, text, endedAfter } = await served.ask()
    t.equal(result, 'ok')
    t.equal(Number(text), last)
    t.ok(endedAfter < 1_000, `served after ${endedAfter.toFixed()} ms`)
    t.strictSame(served.seen('kill'), [])
  },
)

withServer(
  'in the classic round each stopped kid costs an acceptTimeout, and the client is served all the same',
  {
    ...handler('says-its-pid'),
    kids: 3,
    acceptTimeout: 500,
    maxOrders: 1,
    lateAfter: 'never',
    logs: [/^killed kid \d+: accept timeout/, /^kid \d+ died: perhaps 1 connection lost/],
  },
  async (t, served) => {
    const [last = 0, ...others] = served.living
    for (const pid of others) await signal(pid, 'SIGSTOP')
    const { result, text } = await served.ask()
    t.equal(result, 'ok')
    const killed = served.seen('kill').map(({ kid }) => served.pid(kid))
    t.ok(killed.length <= 2 && !killed.includes(last))
    t.notOk(others.filter((pid) => !killed.includes(pid)).includes(Number(text)))
    await Promise.all([served.ask(), served.ask(), served.ask()])
    await served.event('gone', undefined, 2)
  },
)

withServer(
  'an idle kid that is killed is reaped and replaced, and costs nothing',
  { ...handler('says-its-pid'), kids: 2, logs: [/^kid 1 ended by SIGKILL$/] },
  async (t, served) => {
    await signal(served.pid(1), 'SIGKILL')
    t.match(await served.event('gone'), { kid: 1, code: null, signal: 'SIGKILL' })
    await served.event('idle', ({ kid }) => kid === 3)
    t.match(served.counters, { deaths: 1, spawns: 3, lost: 0, unanswered: 0, kills: {} })
    t.equal((await served.ask()).result, 'ok')
  },
)

withServer(
  'a busy kid that is killed costs the connections in its hands, each counted and named',
  {
    ...handler('holds'),
    kids: 1,
    slots: 3,
    logs: [/^kid 1 ended by SIGKILL$/, /^kid 1 died: 3 connections lost, at: holds \d+$/],
  },
  async (t, served) => {
    const clients = [served.client(), served.client(), served.client()]
    for (const client of clients) await client.answered
    await served.until(() => served.counters.accepted === 3)
    await signal(served.pid(1), 'SIGKILL')
    for (const client of clients) t.match((await client.outcome).result, /^(ok|reset)$/)
    t.match(await served.event('lost'), { kid: 1, lost: 3, unanswered: 0, label: /^holds \d+$/ })
    const next = served.client()
    t.equal(Number(await next.answered), served.pid(2))
    t.match(served.counters, { accepted: 4, lost: 3, held: 1 })
  },
)

for (const [name, text] of [
  ['SIGSEGV', 'SIGSEGV'],
  ['SIGABRT', 'SIGABRT'],
] as const) {
  withServer(
    `a kid that dies of ${name} is replaced, and the log says so`,
    { ...handler('says-its-pid'), kids: 1, logs: [new RegExp(`^kid 1 ended by ${text}$`)] },
    async (t, served) => {
      process.kill(served.pid(1), name)
      t.match(await served.event('gone'), { kid: 1, signal: name })
      t.equal((await served.ask()).result, 'ok')
    },
  )
}

withServer(
  'a kid that is told to end by SIGTERM finishes, leaves and is replaced',
  { ...handler('holds'), kids: 1 },
  async (t, served) => {
    const held = served.client()
    await held.answered
    process.kill(served.pid(1), 'SIGTERM')
    await served.until(() => served.server.status().kids[0]?.state === 'leaving')
    held.say('still here?')
    await held.heard(/still here\?/)
    t.equal((await held.end()).result, 'ok')
    t.match(await served.event('gone'), { kid: 1, code: 0 })
    t.match(served.counters, { accepted: 1, done: 1, lost: 0 })
  },
)

withServer(
  'signals from a terminal are not for kids',
  { ...handler('says-its-pid'), kids: 1 },
  async (t, served) => {
    for (const name of ['SIGINT', 'SIGHUP', 'SIGWINCH'] as const) {
      process.kill(served.pid(1), name)
      t.equal(Number((await served.ask()).text), served.pid(1))
    }
  },
)

withServer(
  'kids killed at random under load cost no more clients than are counted, and nothing is served twice',
  {
    ...handler('says-its-pid'),
    kids: 4,
    mayLog: [/^kid \d+ ended by SIGKILL$/, /^kid \d+ died: /, /overload/],
  },
  async (t, served) => {
    let running = true
    let failed = 0
    let asked = 0
    let answered = 0
    const load = Array.from({ length: 8 }, async () => {
      while (running) {
        const { result } = await served.ask()
        asked++
        if (result === 'ok') answered++
        else failed++
      }
    })
    for (let killed = 1; killed <= 10; killed++) {
      const up = served.server.status().kids.filter(({ state }) => state !== 'pending')
      const victim = up[killed % up.length]?.pid
      if (victim !== undefined) process.kill(victim, 'SIGKILL')
      await served.event('gone', undefined, killed)
      const { done } = served.counters
      await served.until(() => served.counters.done >= done + 20)
    }
    running = false
    await Promise.all(load)
    await served.until(() => served.counters.held === 0)
    const { accepted, lost, unanswered, deaths } = served.counters
    t.equal(deaths, 10)
    t.ok(failed <= lost + unanswered, `${failed} failed, ${lost} lost, ${unanswered} unanswered`)
    t.ok(answered <= accepted + unanswered && accepted <= asked, `${answered} of ${asked} answered`)
  },
)

withServer(
  'a kid that is short of descriptors leaves and is replaced, and its client is served by another',
  { ...handler('holds'), kids: 1, slots: 50 },
  async (t, served) => {
    const held = served.client()
    await held.answered
    // The limit is one above the highest descriptor it has.
    const highest = Math.max(
      ...descriptorsOf(served.pid(1)).map((open) => Number.parseInt(open, 10)),
    )
    execFileSync('prlimit', ['--pid', `${served.pid(1)}`, `--nofile=${highest + 1}`])
    const clients = Array.from({ length: 40 }, () => served.client())
    for (const client of clients) t.match(await client.answered, /^\d+\n$/)
    t.ok(served.log.some(({ msg }) => msg === 'kid 1 leaves: accept failed with EMFILE'))
    t.equal(served.counters.failed, 1)
    t.ok(served.counters.orders < 100, `${served.counters.orders} orders`)
    held.say('still here?')
    await held.heard(/still here\?/)
    t.match(served.counters, { accepted: 41, lost: 0, kills: {} })
  },
)
