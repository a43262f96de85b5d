/** Random events over a fake kernel and fake kids: no rule bends, and afterwards everybody is served; run with the other tests. */

import t from 'tap'
import fc from '../fast-check.js'
import { cloneState } from './clone.js'
import { checkedStep } from './scene.js'
import { happening, keepAsking, play, settings, settle, story } from './stories.js'
import { type Stepper, World } from './world.js'

const never = Number.POSITIVE_INFINITY
const stepper: Stepper = (before, event, now) => {
  const state = cloneState(before)
  return [state, checkedStep(state, event, now)]
}

function explained(world: World): boolean {
  const { lost, unanswered, shed, abandoned } = world.state.counters
  return world.failed <= lost + unanswered + shed + abandoned
}

/** How many stories for each property; RUNS=100000 for a night. */
const runs = { numRuns: Number(process.env.RUNS ?? 250) }

t.test('whatever happens, no rule bends and every failure is counted', async (t) => {
  fc.assert(
    fc.property(settings, story, (settings, happened) => {
      const world = new World(settings, stepper)
      play(world, happened)
      return explained(world)
    }),
    runs,
  )
  t.pass()
})

t.test(
  'whatever has happened, in the end everybody who waits is served or accounted for',
  async (t) => {
    fc.assert(
      fc.property(settings, story, (settings, happened) => {
        const world = new World(settings, stepper)
        play(world, happened)
        for (const fake of world.fakes.values()) fake.frozen = false
        const rounds = settle(world, () => world.waiting() === 0 && !world.asked)
        return rounds < never && explained(world)
      }),
      runs,
    )
    t.pass()
  },
)

t.test(
  'an honest kid, however slow and whatever it is short of, is killed for being late only',
  async (t) => {
    const shortages = happening(['connect', 'act', 'act', 'loop', 'fail', 'while', 'due'])
    const slowness = happening([
      'connect',
      'connect',
      'act',
      'act',
      'loop',
      'moment',
      'due',
      'finish',
    ])
    const stories = fc.oneof(
      story,
      fc.array(shortages, { maxLength: 150, size: 'max' }),
      fc.array(slowness, { maxLength: 300, size: 'max' }),
    )
    fc.assert(
      fc.property(settings, stories, (settings, happened) => {
        const world = new World(settings, stepper)
        play(world, happened)
        if (world.wronged.length > 0) throw new Error(world.wronged.join(', '))
      }),
      runs,
    )
    t.pass()
  },
)

t.test('a stop at any moment comes to an end, and every failure is counted', async (t) => {
  fc.assert(
    fc.property(settings, story, fc.boolean(), story, (settings, first, graceful, then) => {
      const world = new World(settings, stepper)
      play(world, first)
      world.stop(graceful)
      play(world, then)
      settle(world, () => false)
      return world.state.phase === 'stopped' && explained(world)
    }),
    runs,
  )
  t.pass()
})

t.test(
  'with honest kids that are quick, a graceful stop serves everybody who was queued',
  async (t) => {
    fc.assert(
      fc.property(settings, fc.nat({ max: 6 }), fc.nat({ max: 6 }), (settings, first, second) => {
        const world = new World({ ...settings, overload: 'graceful', shedAfter: never }, stepper)
        settle(world, () => world.state.counts.idle === settings.startKids && !world.asked)
        for (let i = 0; i < first; i++) world.connect(i % world.queues.length)
        world.loop()
        for (let i = 0; i < second; i++) world.connect(i % world.queues.length)
        world.stop(true)
        settle(world, () => false)
        return world.served === first + second && world.failed === 0
      }),
      runs,
    )
    t.pass()
  },
)

t.test(
  'who waits in the queue is served although every kid has requests on kept connections',
  async (t) => {
    fc.assert(
      fc.property(settings, fc.integer({ min: 1, max: 9 }), (settings, first) => {
        const overload = { overload: 'graceful' as const, shedAfter: never }
        const world = new World({ ...settings, ...overload, connectionTimeout: never }, stepper)
        const rounds = keepAsking(world, first)
        if (world.wronged.length > 0) throw new Error(world.wronged.join(', '))
        return rounds < never && explained(world)
      }),
      runs,
    )
    t.pass()
  },
)

t.test('with shedAfter nobody is shed who has waited less', async (t) => {
  fc.assert(
    fc.property(settings, story, (settings, happened) => {
      const shedAfter = 1_000
      const depthKnown = settings.depthKnown.map(() => true)
      const world = new World({ ...settings, depthKnown, overload: 'graceful', shedAfter }, stepper)
      play(world, happened)
      return world.sheds.every(({ age }) => age >= shedAfter)
    }),
    runs,
  )
  t.pass()
})
