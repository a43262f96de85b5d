/** What a healthy server does with connections: one order each, spread, slots, choice of kids, several listeners. */

import type { Client } from './client.js'
import { handler, type Served, socketPath, withServer } from './harness.js'

/** So many clients at once, each answered and held. */
async function holding(served: Served, count: number): Promise<Client[]> {
  const clients = Array.from({ length: count }, () => served.client())
  await Promise.all(clients.map(({ answered }) => answered))
  return clients
}

/** Settles when every kid is idle and holds nothing. */
function allIdle(served: Served): Promise<void> {
  return served.until(() => {
    const { states, counters } = served.server.status()
    return states.idle === served.server.options.startKids && counters.held === 0
  })
}

withServer(
  'a hundred connections one after another are each accepted at the first order',
  // On a busy machine an answer may take a while; that is not what is counted here.
  { ...handler('says-its-pid'), kids: 8, lateAfter: 500 },
  async (t, served) => {
    const results = new Map<string, number>()
    for (let i = 0; i < 100; i++) {
      const { result, text } = await served.ask()
      const known = result === 'ok' && served.living.includes(Number(text))
      results.set(known ? 'served' : result, (results.get(known ? 'served' : result) ?? 0) + 1)
    }
    t.strictSame([...results], [['served', 100]])
    await served.until(() => served.counters.done === 100)
    const { accepted, empty, late, orders, unanswered } = served.counters
    // On a busy machine an answer may take more than 5 ms; then others are asked as well.
    t.match({ accepted, unanswered }, { accepted: 100, unanswered: 0 })
    t.ok(orders - accepted <= empty && empty <= late * 8, JSON.stringify(served.counters))
  },
)

withServer(
  'in the classic round there is exactly one order for each connection',
  { ...handler('says-its-pid'), kids: 8, maxOrders: 1, lateAfter: 'never' },
  async (t, served) => {
    for (let i = 0; i < 50; i++) await served.ask()
    const burst = await Promise.all(Array.from({ length: 50 }, () => served.ask()))
    t.ok(burst.every(({ result }) => result === 'ok'))
    await served.until(() => served.counters.done === 100)
    t.match(served.counters, { accepted: 100, orders: 100, empty: 0, late: 0, unanswered: 0 })
  },
)

withServer(
  'connections at once are spread over the idle kids, one each',
  { ...handler('holds'), kids: 8 },
  async (t, served) => {
    const clients = await holding(served, 8)
    const pids = await Promise.all(clients.map(({ answered }) => answered))
    t.equal(new Set(pids).size, 8)
    t.match(served.server.status().states, { busy: 8, idle: 0 })
  },
)

withServer(
  'a kid with several slots takes as many connections, and kids are loaded evenly',
  { ...handler('holds'), kids: 2, slots: 4, mayLog: [/overload/] },
  async (t, served) => {
    const clients = await holding(served, 8)
    // A client may be answered before the parent has read that it was accepted.
    await served.until(() => served.server.status().states.busy === 2)
    t.match(served.server.status(), {
      states: { busy: 2 },
      kids: [
        { held: 4, slots: 4 },
        { held: 4, slots: 4 },
      ],
    })
    const ninth = served.client()
    await ninth.connected
    t.equal(served.counters.accepted, 8)
    await clients[0]?.end()
    await ninth.answered
    t.equal(served.counters.accepted, 9)
  },
)

withServer(
  'of idle kids the warm one is picked, so one kid does all that one can do',
  { ...handler('says-its-pid'), kids: 4, pick: 'warm' },
  async (t, served) => {
    const pids = new Set<string>()
    for (let i = 0; i < 20; i++) {
      pids.add((await served.ask()).text)
      await allIdle(served)
    }
    // Another may have been asked for an order that was late.
    t.ok(pids.size <= 1 + served.counters.late, `${pids.size} kids`)
  },
)

withServer(
  'with pick fair the kids take turns',
  { ...handler('says-its-pid'), kids: 4, pick: 'fair', lateAfter: 'never' },
  async (t, served) => {
    for (let i = 0; i < 20; i++) {
      await served.ask()
      await allIdle(served)
    }
    t.match(
      served.server.status().kids.map((kid) => kid.served),
      [5, 5, 5, 5],
    )
  },
)

withServer(
  'the pool grows when every kid is busy, up to maxKids',
  { ...handler('holds'), startKids: 1, maxKids: 3, mayLog: [/overload/, /^all 3 kids/] },
  async (t, served) => {
    t.equal(served.server.status().kids.length, 1)
    await holding(served, 3)
    t.equal(served.server.status().kids.length, 3)
    const fourth = served.client()
    await fourth.connected
    await served.until(() => served.server.status().overloadedFor > 0)
    t.equal(served.counters.spawns, 3)
  },
)

withServer(
  'a Unix socket serves as a TCP socket does',
  (t) => ({ ...handler('says-its-pid'), kids: 4, listen: `unix:${socketPath(t)}?mode=0600` }),
  async (t, served) => {
    for (let i = 0; i < 20; i++) t.equal((await served.ask()).result, 'ok')
    const burst = await Promise.all(Array.from({ length: 20 }, () => served.ask()))
    t.ok(burst.every(({ result }) => result === 'ok'))
    await served.until(() => served.counters.done === 40)
    t.match(served.counters, { accepted: 40, lost: 0, unanswered: 0 })
  },
)

withServer(
  'two listeners take turns: neither starves the other',
  { ...handler('blocks-50-ms'), listen: ['127.0.0.1:0', '[::1]:0'], kids: 1, mayLog: [/overload/] },
  async (t, served) => {
    const first = Array.from({ length: 8 }, () => served.client({}, 0))
    await Promise.all(first.map(({ connected }) => connected))
    const second = Array.from({ length: 2 }, () => served.client({}, 1))
    const ends = await Promise.all([...first, ...second].map(({ outcome }) => outcome))
    t.ok(ends.every(({ result }) => result === 'ok'))
    const lastOfFirst = Math.max(...ends.slice(0, 8).map(({ endedAt }) => endedAt))
    const lastOfSecond = Math.max(...ends.slice(8).map(({ endedAt }) => endedAt))
    t.ok(lastOfSecond < lastOfFirst, 'two that came last are not served last')
    await served.until(() => served.counters.done === 10)
    t.match(
      served.server.status().listeners.map(({ accepted }) => accepted),
      [8, 2],
    )
  },
)

withServer(
  'clients that go before they are accepted cost nobody anything',
  { ...handler('says-its-pid'), kids: 2 },
  async (t, served) => {
    for (let i = 0; i < 50; i++) {
      const client = served.client()
      await client.connected
      if (i % 2 === 0) client.socket.resetAndDestroy()
      else client.socket.destroy()
    }
    t.equal((await served.ask()).result, 'ok')
    await served.until(() => served.counters.done === served.counters.accepted)
    t.match(served.counters, { lost: 0, unanswered: 0, deaths: 0, kills: {} })
  },
)
