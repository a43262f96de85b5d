/** The queue of reloads: one at a time, and one more for all that were asked for meanwhile; run with the other tests. */

import t from 'tap'
import { Reloading } from '../../src/operate/reloading.js'

/** What a promise has come to, without waiting for it. */
async function fate(promise: Promise<void>): Promise<string> {
  const pending = new Promise<string>((resolve) => setImmediate(() => resolve('pending')))
  return Promise.race([
    promise.then(
      () => 'done',
      (error: Error) => error.message,
    ),
    pending,
  ])
}

t.test('one that is asked for alone begins at once', async (t) => {
  const reloading = new Reloading()
  const begun: string[] = []
  const first = reloading.ask(() => begun.push('first'))
  t.same(begun, ['first'])
  t.equal(reloading.active, true)
  t.equal(await fate(first), 'pending')
  reloading.settle()
  t.equal(await fate(first), 'done')
  t.equal(reloading.active, false)
})

t.test('a hundred that are asked for meanwhile become one, the last', async (t) => {
  const reloading = new Reloading()
  const begun: number[] = []
  const first = reloading.ask(() => begun.push(-1))
  const others = Array.from({ length: 100 }, (_, i) => reloading.ask(() => begun.push(i)))
  reloading.settle(new Error('no'))
  t.same(begun, [-1, 99])
  t.equal(await fate(first), 'no')
  t.equal(await fate(others[0] as Promise<void>), 'pending')
  reloading.settle()
  for (const other of others) t.equal(await fate(other), 'done')
  t.equal(reloading.active, false)
})

t.test('one that has ended by the time it has begun is done', async (t) => {
  const reloading = new Reloading()
  const asked = reloading.ask(() => reloading.settle())
  t.equal(await fate(asked), 'done')
  t.equal(reloading.active, false)
})

t.test(
  'one that cannot begin fails for whoever asked, and the next is not kept waiting',
  async (t) => {
    const reloading = new Reloading()
    const fails = () => {
      throw new Error('cannot')
    }
    t.equal(await fate(reloading.ask(fails)), 'cannot')
    t.equal(reloading.active, false)
    const first = reloading.ask(() => {})
    const second = reloading.ask(fails)
    reloading.settle()
    t.equal(await fate(first), 'done')
    t.equal(await fate(second), 'cannot')
    t.equal(reloading.active, false)
  },
)

t.test('when there will be none any more, all who asked are told why', async (t) => {
  const reloading = new Reloading()
  const first = reloading.ask(() => {})
  const second = reloading.ask(() => t.fail('begins no more'))
  reloading.abandon(new Error('over'))
  t.equal(await fate(first), 'over')
  t.equal(await fate(second), 'over')
  t.equal(reloading.active, false)
  reloading.settle()
})
