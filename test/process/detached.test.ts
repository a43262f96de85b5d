/** Connections that live on without a slot, in real kids: counted, asked, told to end; run with the other tests. */

import { handler, type Served, withServer } from './harness.js'

const setup = { ...handler('detaches'), kids: 1 }

/** A connection that has detached itself under a name. */
async function detach(served: Served, name: string) {
  const client = served.client()
  const { detached } = served.counters
  client.say(`detach ${name}\n`)
  await client.heard(/^ok/)
  // The client hears of it before the parent does.
  await served.until(() => served.counters.detached > detached)
  return client
}

withServer(
  'a detached connection frees its slot, goes on, is asked for its status and counted',
  setup,
  async (t, served) => {
    const ann = await detach(served, 'ann')
    const bob = await detach(served, 'bob')
    const [kid] = served.server.status().kids
    t.match(kid, { state: 'idle', held: 0, slots: 1, detached: 2 })
    t.match(served.counters, { accepted: 2, held: 2, detached: 2, done: 0 })
    t.strictSame(await served.server.detached(), [
      { kid: 1, id: 1, status: 'talks with ann' },
      { kid: 1, id: 2, status: 'talks with bob' },
    ])
    const [once, twice] = await Promise.all([served.server.detached(), served.server.detached()])
    t.strictSame(once, twice, 'who asks at the same time is told the same')
    ann.say('still\n')
    await ann.heard(/ok\nok\n/)
    await ann.end()
    await served.until(() => served.counters.done === 1)
    t.strictSame(await served.server.detached(), [{ kid: 1, id: 2, status: 'talks with bob' }])
    await bob.end()
    await served.until(() => served.counters.done === 2)
    t.strictSame(await served.server.detached(), [])
    t.match(served.counters, { accepted: 2, done: 2, held: 0, lost: 0 })
  },
)

withServer(
  'what cannot be detached keeps its slot, and the handler is told why',
  { ...setup, maxDetached: 1 },
  async (t, served) => {
    const ann = await detach(served, 'ann')
    ann.say('detach ann\n')
    await ann.heard(/no connection of this kid, or has ended or lost its slot/)
    const bob = served.client()
    bob.say('detach bob\n')
    await bob.heard(/has 1 detached connection.*maxDetached/)
    await served.until(() => served.counters.held === 2)
    t.match(served.server.status().kids, [{ state: 'busy', held: 1, detached: 1 }])
  },
)

withServer(
  'at a graceful stop they are told to end, with the reason, and waited for',
  setup,
  async (t, served) => {
    const ann = await detach(served, 'ann')
    await served.server.stop()
    t.match(await ann.outcome, { result: 'ok', text: 'ok\nbye: drain\n' })
    t.match(served.counters, { accepted: 1, done: 1, lost: 0, kills: {} })
  },
)

withServer(
  'one that stays beyond stopTimeout is lost with its kid',
  { ...setup, stopTimeout: 300, logs: [/^killed kid 1: stop timeout/] },
  async (t, served) => {
    const ann = await detach(served, 'ann')
    ann.say('stays\n')
    await ann.heard(/ok\nok/)
    await served.server.stop()
    t.match((await ann.outcome).text, /bye: drain/)
    t.match(served.counters, { accepted: 1, done: 0, lost: 1 })
  },
)

withServer(
  'a kid that recycles tells them to end, and leaves when they have',
  setup,
  async (t, served) => {
    const ann = await detach(served, 'ann')
    const bob = await detach(served, 'bob')
    bob.say('recycle\n')
    t.match(await ann.outcome, { text: 'ok\nbye: recycle\n' })
    await served.event('gone', ({ kid }) => kid === 1)
    await served.event('idle', ({ kid }) => kid === 2)
    t.match(served.counters, { accepted: 2, done: 2, lost: 0, kills: {} })
  },
)

withServer(
  'functions of a handler that throw are logged; its connection ends all the same',
  { ...setup, logs: [/^status of a detached/, /^terminate of a detached/] },
  async (t, served) => {
    const ann = await detach(served, 'ann')
    ann.say('throws\n')
    await ann.heard(/ok\nok/)
    t.strictSame(await served.server.detached(), [{ kid: 1, id: 1, status: '-' }])
    await served.server.stop()
    t.match(served.counters, { accepted: 1, done: 1 })
  },
)

withServer('a quick stop drops them', setup, async (t, served) => {
  const ann = await detach(served, 'ann')
  await served.server.stop({ graceful: false })
  t.ok(['closed', 'ok', 'reset'].includes((await ann.outcome).result))
  t.match(served.counters.kills, {})
})
