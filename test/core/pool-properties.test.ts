/** Random events and an operator over pools that grow, shrink, recycle and are reloaded: no rule bends; run with the others. */

import t from 'tap'
import fc from '../fast-check.js'
import { cloneState } from './clone.js'
import { permanentKids } from './invariants.js'
import { checkedStep } from './scene.js'
import { operatedStory, play, poolSettings, settle, story } from './stories.js'
import { type Stepper, World } from './world.js'

const never = Number.POSITIVE_INFINITY
const stepper: Stepper = (before, event, now) => {
  const state = cloneState(before)
  return [state, checkedStep(state, event, now)]
}
/** How many stories for each property; RUNS=100000 for a night. */
const runs = { numRuns: Number(process.env.RUNS ?? 200) }

function explained(world: World): boolean {
  const { lost, unanswered, shed, abandoned } = world.state.counters
  return world.failed <= lost + unanswered + shed + abandoned
}

/** From here on all goes well: nobody is frozen, and who was parked is called back. */
function recover(world: World): void {
  for (const fake of world.fakes.values()) fake.frozen = false
  if (world.state.phase !== 'parked') return
  world.feed({ type: 'reload', settings: world.state.settings })
}

t.test('whatever happens and whatever is asked for, no rule bends', async (t) => {
  fc.assert(
    fc.property(poolSettings, operatedStory, (settings, happened) => {
      const world = new World(settings, stepper)
      play(world, happened)
      return explained(world)
    }),
    runs,
  )
  t.pass()
})

t.test('in the end everybody is served, and every reload has come to an end', async (t) => {
  fc.assert(
    fc.property(poolSettings, operatedStory, (settings, happened) => {
      const world = new World(settings, stepper)
      play(world, happened)
      recover(world)
      const rounds = settle(world, () => {
        const { reload } = world.state
        return world.waiting() === 0 && !world.asked && reload === undefined
      })
      return rounds < never && explained(world)
    }),
    runs,
  )
  t.pass()
})

t.test('left alone, a pool comes to the size it should have', async (t) => {
  fc.assert(
    fc.property(poolSettings, story, (settings, happened) => {
      const world = new World({ ...settings, maxAge: never }, stepper)
      play(world, happened)
      recover(world)
      const rounds = settle(world, () => {
        const { state } = world
        const { leastKids, minSpare, maxSpare, maxKids } = state.settings
        const kids = permanentKids(state)
        // Who has few connections left is let have them, and counts for nothing in the size.
        const idle = [...state.kids.values()].filter(
          (kid) => kid.state === 'idle' && kid.outgoing === '',
        ).length
        if (world.waiting() > 0 || world.asked || kids > maxKids) return false
        if (leastKids > 0) return kids === leastKids
        if (minSpare === 0) return kids === 0
        return idle >= minSpare && idle <= maxSpare + 1
      })
      return rounds < never
    }),
    runs,
  )
  t.pass()
})

t.test('an operator never has an honest kid killed for what it did', async (t) => {
  fc.assert(
    fc.property(poolSettings, operatedStory, (settings, happened) => {
      const world = new World(settings, stepper)
      play(world, happened)
      if (world.wronged.length > 0) throw new Error(world.wronged.join(', '))
    }),
    runs,
  )
  t.pass()
})
