/** More connections than slots: waiting in the kernel's queue, being turned away at once, or after a while. */

import type { Client } from './client.js'
import { handler, type Served, socketPath, withServer } from './harness.js'
import { pass } from './processes.js'

const overload = [
  /^overload begins: connections wait and every slot is taken; the oldest connection/,
]

/** Fills every slot with a connection that is held. */
async function fill(served: Served, slots: number): Promise<Client[]> {
  const clients = Array.from({ length: slots }, () => served.client())
  await Promise.all(clients.map(({ answered }) => answered))
  return clients
}

withServer(
  'in a graceful overload clients wait without costing the parent anything, and are served in order',
  { ...handler('holds'), kids: 2, logs: overload },
  async (t, served) => {
    const busy = await fill(served, 2)
    const order: number[] = []
    const waiting: Client[] = []
    for (let i = 0; i < 20; i++) {
      const client = served.client()
      await client.connected
      void client.answered.then(() => order.push(i))
      waiting.push(client)
    }
    await served.event('overload', ({ on }) => on)
    t.match(served.server.status().listeners, [{ waiting: 20 }])
    const line = await served.logged(/^overload begins/)
    t.match(line.oldest, [{ label: /^holds \d+$/ }, { label: /^holds \d+$/ }])

    const { orders } = served.counters
    let rounds = 0
    served.server.on('round', () => rounds++)
    await pass(300)
    t.equal(served.counters.orders, orders, 'nobody is ordered')
    t.ok(rounds < 50, `${rounds} rounds in 300 ms of waiting`)

    // Whoever has been served makes room for the next.
    for (const client of [...busy, ...waiting]) {
      await client.answered
      t.equal((await client.end()).result, 'ok')
    }
    t.equal(order.length, 20)
    // Two kids answer two clients at once, and either answer may be seen first.
    t.ok(
      order.every((client, at) => Math.abs(client - at) <= 1),
      `in order: ${order}`,
    )
    await served.until(() => served.counters.done === 22)
    t.match(served.counters, { accepted: 22, shed: 0, lost: 0, kills: {} })
  },
)

withServer(
  'the end of an overload is told once it has been over for a while',
  {
    ...handler('holds'),
    kids: 1,
    logs: [...overload, /^overload is over, after \d+ ms$/],
  },
  async (t, served) => {
    const [busy] = await fill(served, 1)
    const waiting = served.client()
    await served.event('overload', ({ on }) => on)
    await busy?.end()
    await waiting.answered
    await served.event('overload', ({ on }) => !on)
    t.ok(served.server.status().overloadedFor >= 100)
    t.equal(served.log.filter(({ msg }) => msg.startsWith('overload')).length, 2)
  },
)

withServer(
  'in an abrupt overload clients are closed at once, and those that are served do not notice',
  { ...handler('holds'), kids: 2, overload: 'abrupt', logs: overload },
  async (t, served) => {
    const busy = await fill(served, 2)
    const shed = await Promise.all(Array.from({ length: 50 }, () => served.ask()))
    t.ok(shed.every(({ result }) => ['closed', 'reset'].includes(result)))
    const slowest = Math.max(...shed.map(({ endedAfter }) => endedAfter))
    t.ok(slowest < 500, `the last after ${slowest.toFixed()} ms`)
    for (const client of busy) {
      client.say('still here?')
      await client.heard(/still here\?/)
    }
    t.match(served.counters, { accepted: 2, shed: 50, held: 2, lost: 0 })
    t.equal(
      served.seen('shed').reduce((sum, { count }) => sum + count, 0),
      50,
    )
    await busy[0]?.end()
    await served.until(() => served.counters.done === 1)
    t.match(
      await served.client().answered,
      /^\d+\n$/,
      'once a slot is free clients are served again',
    )
  },
)

withServer(
  'clients that are shed are told what overloadReply says, even if they have spoken first',
  {
    ...handler('holds'),
    kids: 1,
    overload: 'abrupt',
    overloadReply: 'HTTP/1.1 503 Busy\r\n\r\n',
    logs: overload,
  },
  async (t, served) => {
    await fill(served, 1)
    for (const send of [undefined, 'GET / HTTP/1.1\r\n\r\n']) {
      const outcome = await served.ask(send === undefined ? {} : { send })
      t.match(outcome, { result: 'ok', text: 'HTTP/1.1 503 Busy\r\n\r\n' })
    }
  },
)

withServer(
  'with shedAfter clients wait that long and are then turned away with overloadReply',
  {
    ...handler('holds'),
    kids: 1,
    shedAfter: 500,
    overloadReply: 'come back later\n',
    logs: overload,
  },
  async (t, served) => {
    const [busy] = await fill(served, 1)
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => served.ask()))
    for (const { result, text, endedAfter } of outcomes) {
      t.match({ result, text }, { result: 'ok', text: 'come back later\n' })
      t.ok(endedAfter > 450 && endedAfter < 1_500, `after ${endedAfter.toFixed()} ms`)
    }
    t.match(served.counters, { shed: 5, held: 1 })
    const patient = served.client()
    await patient.connected
    await busy?.end()
    t.match(await patient.answered, /^\d+\n$/, 'who comes before that is served')
  },
)

withServer(
  'in an abrupt overload of a Unix socket nobody waits either',
  (t) => ({
    ...handler('holds'),
    kids: 1,
    overload: 'abrupt',
    listen: `unix:${socketPath(t)}`,
    logs: overload,
  }),
  async (t, served) => {
    await fill(served, 1)
    const shed = await Promise.all(Array.from({ length: 10 }, () => served.ask()))
    t.ok(shed.every(({ result }) => ['closed', 'reset'].includes(result)))
    t.match(served.counters, { accepted: 1, shed: 10 })
  },
)
