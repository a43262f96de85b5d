/** Who gets a slot that falls free, the kernel's queue or a request on a kept connection: each in turn, nobody starves. */

import t from 'tap'
import { Slots } from '../../src/kid/slots.js'

/** Long in these tests: what is kept is given back when a test waits for that. */
const patience = 20

/** Slots with what they ask and tell, and requests by name. */
class Stage {
  readonly slots: Slots
  /** Requests that have a slot, in the order in which they got it; a test takes out those that are through. */
  begun: string[] = []
  /** How often the parent was to know of a free slot. */
  told = 0
  /** Whether connections wait at the listeners. */
  queue = false
  readonly #waiters = new Map<string, { begin(): void }>()

  constructor(most: number) {
    this.slots = new Slots(most, patience, {
      anyWaiting: () => this.queue,
      tell: () => {
        this.told++
      },
    })
  }

  /** A request comes, and has a slot or waits. */
  request(name: string): void {
    if (this.slots.take()) {
      this.begun.push(name)
      return
    }
    const waiter = { begin: () => void this.begun.push(name) }
    this.#waiters.set(name, waiter)
    this.slots.wait(waiter)
  }

  leaves(name: string): void {
    const waiter = this.#waiters.get(name)
    if (waiter !== undefined) this.slots.forget(waiter)
  }

  /** An order for so many; returns how many were accepted. */
  order(wanted = 1, queued = wanted): number {
    const count = Math.min(wanted, this.slots.free)
    const taken = Math.min(count, queued)
    // Who could not be accepted waits on.
    if (count === 0) this.queue = true
    this.slots.ordered(taken, count === 0)
    return taken
  }
}

/** All slots taken, by connections that orders brought. */
function full(most = 1): Stage {
  const stage = new Stage(most)
  stage.order(most)
  return stage
}

/** Bounded: what has not come by then does not come. */
async function wait(until: () => boolean): Promise<void> {
  const end = performance.now() + 2_000
  while (!until() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 1))
}

t.test('a request has a slot at once where one is free', async (t) => {
  const stage = new Stage(2)
  stage.order()
  stage.request('a')
  t.strictSame(stage.begun, ['a'])
  t.match(stage.slots, { working: 2, free: 0, waiting: 0 })
})

t.test('otherwise it waits, and requests come to their turn in order', async (t) => {
  const stage = full()
  for (const name of ['a', 'b', 'c']) stage.request(name)
  t.match(stage.slots, { working: 1, waiting: 3 })
  stage.slots.release()
  stage.slots.release()
  t.strictSame(stage.begun, ['a', 'b'])
  t.equal(stage.slots.waiting, 1)
  t.equal(stage.told, 0, 'nobody waits in the kernel, so nobody is told')
})

t.test('one that comes later takes no slot from those that wait', async (t) => {
  const stage = full(2)
  stage.request('a')
  stage.leaves('a')
  stage.request('b')
  stage.request('c')
  stage.slots.release()
  stage.request('d')
  stage.slots.release()
  stage.slots.release()
  t.strictSame(stage.begun, ['b', 'c', 'd'])
})

t.test('with others in the kernel free slots go to either in turn', async (t) => {
  const stage = full()
  stage.queue = true
  for (const name of ['a', 'b', 'c']) stage.request(name)
  stage.slots.release()
  t.strictSame(stage.begun, ['a'], 'whoever the slot is from')
  stage.slots.release()
  t.match(stage, { told: 1, slots: { free: 1 } })
  t.strictSame(stage.begun, ['a'], 'the next is kept for an order')
  t.equal(stage.order(), 1)
  stage.slots.release()
  t.strictSame(stage.begun, ['a', 'b'])
  stage.slots.release()
  t.equal(stage.told, 2)
  t.equal(stage.order(), 1)
  stage.slots.release()
  t.strictSame(stage.begun, ['a', 'b', 'c'])
})

t.test('what is kept for an order is given back when none comes', async (t) => {
  const stage = full()
  stage.queue = true
  stage.request('a')
  stage.request('b')
  stage.slots.release()
  const before = performance.now()
  stage.slots.release()
  t.strictSame(stage.begun, ['a'])
  await wait(() => stage.begun.length === 2)
  t.strictSame(stage.begun, ['a', 'b'])
  t.ok(performance.now() - before >= patience - 1)
})

t.test('and at once when the order finds nothing', async (t) => {
  const stage = full()
  stage.queue = true
  stage.request('a')
  stage.request('b')
  stage.slots.release()
  stage.slots.release()
  t.equal(stage.order(1, 0), 0)
  t.strictSame(stage.begun, ['a', 'b'])
})

t.test('while one is kept no other is: a second that falls free is for a request', async (t) => {
  const stage = full(2)
  stage.queue = true
  for (const name of ['a', 'b', 'c']) stage.request(name)
  stage.slots.release()
  stage.slots.release()
  t.strictSame(stage.begun, ['a'])
  stage.slots.release()
  t.strictSame(stage.begun, ['a', 'b'])
  t.match(stage.slots, { working: 1, free: 1 })
  stage.slots.endOrders()
})

t.test('an order that had to be answered with 0 is owed the next one', async (t) => {
  const stage = full()
  stage.request('a')
  t.equal(stage.order(), 0)
  stage.slots.release()
  t.strictSame(stage.begun, [], 'although a request waits')
  t.equal(stage.told, 1)
  t.equal(stage.order(), 1)
  stage.slots.release()
  t.strictSame(stage.begun, ['a'], 'whose turn it is then')
})

t.test('also when a request comes only after the slot has fallen free', async (t) => {
  const stage = full()
  t.equal(stage.order(), 0)
  stage.slots.release()
  stage.request('a')
  t.strictSame(stage.begun, [], 'it does not get there first')
  t.equal(stage.told, 1)
  t.equal(stage.order(), 1)
  stage.slots.release()
  t.strictSame(stage.begun, ['a'])
})

t.test('of two free slots only one is owed', async (t) => {
  const stage = full(2)
  t.equal(stage.order(), 0)
  stage.slots.release()
  stage.slots.release()
  stage.request('a')
  t.strictSame(stage.begun, ['a'])
  stage.request('b')
  t.strictSame(stage.begun, ['a'])
  t.equal(stage.order(), 1)
})

t.test('what is owed is forgotten when nobody waits there any more', async (t) => {
  const stage = full()
  t.equal(stage.order(), 0)
  stage.slots.release()
  stage.queue = false
  stage.request('a')
  t.strictSame(stage.begun, ['a'], 'another kid has taken that connection')
})

t.test('one that frees its slot while it begins is followed by the next', async (t) => {
  const slots = new Slots(1, patience, { anyWaiting: () => false, tell: () => {} })
  slots.ordered(1, false)
  let begun = 0
  const many = 20_000
  for (let i = 0; i < many; i++) {
    slots.wait({
      begin: () => {
        begun++
        slots.release()
      },
    })
  }
  slots.release()
  t.equal(begun, many)
  t.match(slots, { working: 0, waiting: 0 })
})

t.test('a kid that takes no more orders keeps nothing for them', async (t) => {
  const stage = full()
  stage.queue = true
  stage.request('a')
  stage.request('b')
  t.equal(stage.order(), 0)
  stage.slots.release()
  t.strictSame(stage.begun, [])
  stage.slots.endOrders()
  t.strictSame(stage.begun, ['a'])
  stage.slots.release()
  t.strictSame(stage.begun, ['a', 'b'])
})

for (const most of [1, 2, 5]) {
  t.test(`nobody starves with ${most} slots, however many come either way`, async (t) => {
    const stage = new Stage(most)
    stage.queue = true
    const served = { kernel: 0, kept: 0 }
    let names = 0
    let atWork = stage.order(most)
    for (let turn = 0; turn < 1_000; turn++) {
      // Requests come at the worst moments: before an order, and again before each slot falls free.
      while (stage.slots.waiting < 3) stage.request(`r${names++}`)
      const before = stage.told
      served.kernel += atWork > 0 ? 1 : 0
      if (atWork > 0) atWork--
      else served.kept++
      stage.slots.release()
      stage.request(`r${names++}`)
      // The parent orders when it is told, and now and then when it merely believes that there is room.
      if (stage.told > before || turn % 7 === 0) atWork += stage.order()
    }
    t.ok(served.kernel > 300, `${served.kernel} from the queue`)
    t.ok(served.kept > 300, `${served.kept} on kept connections`)
    t.ok(stage.begun.length >= served.kept)
    stage.slots.endOrders()
  })
}

t.test('the kernel does not starve beside requests that never wait long', async (t) => {
  const stage = full()
  stage.queue = true
  let accepted = 0
  for (let turn = 0; turn < 100; turn++) {
    // A slot falls free while no request waits; one comes just before the order that the parent sends for it.
    stage.slots.release()
    stage.request(`r${turn}`)
    accepted += stage.order()
  }
  t.ok(accepted >= 45, `${accepted} of 100 orders were served`)
  stage.slots.endOrders()
})
