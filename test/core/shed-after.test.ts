/** shedAfter: whoever has waited too long is shed, and nobody else; run with the other tests. */

import t from 'tap'
import fc from '../fast-check.js'
import { ofType, Scene } from './scene.js'

const shedAfter = 1_000

/** One busy kid, and a queue whose arrivals are remembered. */
class Waiting {
  readonly scene = Scene.ready({ startKids: 1, maxKids: 1, shedAfter })
  readonly arrivals: number[] = []
  readonly ages: number[] = []

  constructor() {
    this.scene.rush()
    this.scene.answers(1, 1)
    this.scene.turn()
  }

  arrive(count: number): void {
    for (let i = 0; i < count; i++) this.arrivals.push(this.scene.now)
    this.perform(this.scene.arrive(count))
    this.turn()
  }

  /** Another arrives without any event that the parent would notice, unless the poller is asked. */
  slipIn(): void {
    if (this.scene.listener().watched) {
      this.arrive(1)
      return
    }
    this.arrivals.push(this.scene.now)
    this.scene.queues[0] = this.arrivals.length
  }

  /** A turn; if the kid is ordered it accepts at once. */
  turn(): void {
    this.perform(this.scene.turn())
    if (this.scene.state.kids.get(1)?.order === undefined) return
    this.arrivals.shift()
    this.scene.answers(1, 1)
    this.perform(this.scene.turn())
  }

  pass(milliseconds: number): void {
    const until = this.scene.now + milliseconds
    while (this.scene.state.earliest <= until) {
      this.scene.now = this.scene.state.earliest
      this.turn()
    }
    this.scene.now = until
  }

  /** The kid finishes and takes the next. */
  serve(): void {
    if (this.scene.kid(1).holds.length > 0) this.scene.finishes(1)
    this.turn()
  }

  perform(effects: ReturnType<Scene['turn']>): void {
    for (const { count } of ofType(effects, 'shed')) {
      for (const at of this.arrivals.splice(0, count)) this.ages.push(this.scene.now - at)
      this.scene.queues[0] = this.arrivals.length
      this.perform(this.scene.feed({ type: 'shed', listener: 0, count }))
    }
  }
}

t.test('a connection is shed when it has waited for shedAfter, and not before', async (t) => {
  const queue = new Waiting()
  queue.arrive(3)
  queue.pass(999)
  t.strictSame(queue.ages, [])
  queue.pass(1)
  t.strictSame(queue.ages, [1_000, 1_000, 1_000])
})

t.test('those behind are shed in their turn', async (t) => {
  const queue = new Waiting()
  queue.arrive(1)
  queue.pass(500)
  queue.arrive(2)
  queue.pass(500)
  t.strictSame(queue.ages, [1_000])
  queue.pass(499)
  t.strictSame(queue.ages, [1_000])
  queue.pass(101)
  t.strictSame(queue.ages, [1_000, 1_100, 1_100], 'within a tenth')
})

t.test('what a kid takes in the meantime is not shed as well', async (t) => {
  const queue = new Waiting()
  queue.arrive(2)
  queue.pass(900)
  queue.serve()
  queue.arrive(1)
  queue.pass(100)
  t.strictSame(queue.ages, [1_000], 'one is gone, one is old, one is young')
})

t.test('what a dead kid may have taken without a word is not taken for waiting', async (t) => {
  const queue = new Waiting()
  queue.arrive(2)
  queue.pass(900)
  queue.scene.finishes(1)
  queue.scene.turn()
  // It accepts, says nothing, and dies; somebody new comes.
  queue.arrivals.shift()
  queue.scene.queues[0] = 1
  queue.scene.reaped(1)
  queue.slipIn()
  queue.turn()
  queue.scene.says(2, 'idle 1')
  queue.scene.turn()
  queue.arrivals.shift()
  queue.scene.answers(2, 1)
  queue.turn()
  queue.pass(999)
  t.strictSame(queue.ages, [], 'all who came first are gone, and the last has not waited as long')
  queue.pass(101)
  t.equal(queue.ages.length, 1)
})

t.test('a queue that ran dry is forgotten', async (t) => {
  const queue = new Waiting()
  queue.arrive(1)
  queue.pass(900)
  // Taken by somebody who does not say so.
  queue.scene.finishes(1)
  queue.arrivals.shift()
  queue.scene.queues[0] = 0
  queue.turn()
  t.ok(queue.scene.listener().watched)
  t.strictSame(queue.scene.listener().tail, [])
})

t.test('where the server is not overloaded nobody is shed, however long he waited', async (t) => {
  const scene = new Scene({ startKids: 1, maxKids: 1, shedAfter })
  scene.turn()
  scene.rush(3)
  t.strictSame(ofType(scene.pass(5_000), 'shed'), [], 'the kid is on its way')
})

t.test(
  'whatever comes and goes, nobody younger than shedAfter is shed, and nobody stays 1.1 times as long',
  async (t) => {
    const happening = fc.record({
      what: fc.constantFrom('arrive', 'slipIn', 'serve', 'pass'),
      much: fc.integer({ min: 1, max: 400 }),
    })
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (happened) => {
        const queue = new Waiting()
        for (const { what, much } of happened) {
          if (what === 'arrive') queue.arrive(1 + (much % 3))
          else if (what === 'slipIn') queue.slipIn()
          else if (what === 'serve') queue.serve()
          else queue.pass(much)
          queue.turn()
          const oldest = queue.scene.now - (queue.arrivals[0] ?? queue.scene.now)
          if (oldest > 1.1 * shedAfter + 1) throw new Error(`one has waited ${oldest} ms`)
        }
        return queue.ages.every((age) => age >= shedAfter)
      }),
      { numRuns: 500 },
    )
    t.pass()
  },
)
