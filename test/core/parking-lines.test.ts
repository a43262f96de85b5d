/** What a kid may say of connections that are kept alive, every line in every state; run with the other tests. */

import t from 'tap'
import { ofType, Scene } from './scene.js'

/** What comes of each line in each state: the kid's next state, or `!` where the line kills it. */
const grid = `
            pending  idle  ordered  late  busy  leaving
park 1 1    !        idle  ordered  late  idle  leaving
park 1 2    !        !     !        !     !     !
park 2 1    !        !     !        !     idle  !
park 9 1    !        !     !        !     !     !
resume 1 1  !        idle  ordered  late  !     leaving
resume 1 2  !        busy  ordered  late  !     leaving
resume 9 1  !        idle  ordered  late  !     leaving
resume 1 3  !        !     !        !     !     !
waiting 0   !        idle  ordered  late  busy  leaving
waiting 2   !        idle  ordered  late  busy  leaving
waiting 3   !        !     !        !     !     !
cut 1 1     !        idle  ordered  late  idle  leaving
cut 1 2     !        !     !        !     !     !
cut 0 2     !        idle  ordered  late  busy  leaving
cut 0 3     !        !     !        !     !     !
done 0 2    !        idle  ordered  late  busy  leaving
done 0 3    !        !     !        !     !     !
skip 1 1    !        idle  ordered  late  idle  leaving
skip 9 1    !        !     !        !     !     !
`

/** A kid of three slots with one connection of order 1 in a slot and two parked; where it can be, with order 9 out. */
const stages: Record<string, () => Scene> = {
  pending: () => {
    const scene = new Scene({ startKids: 1, maxKids: 1 })
    scene.turn()
    return scene
  },
  idle: () => {
    const scene = Scene.ready({ startKids: 1, maxKids: 1, slots: 3 })
    scene.rush(3)
    scene.answers(1, 3)
    scene.says(1, 'park 1 2')
    scene.turn()
    return scene
  },
  ordered: () => {
    const scene = stages.idle?.() as Scene
    scene.rush()
    return scene
  },
  late: () => {
    const scene = stages.ordered?.() as Scene
    scene.pass(5)
    return scene
  },
  busy: () => {
    const scene = stages.idle?.() as Scene
    scene.rush(2)
    scene.answers(1, 2)
    scene.turn()
    return scene
  },
  leaving: () => {
    const scene = stages.ordered?.() as Scene
    scene.says(1, 'leaving tired')
    return scene
  },
}
const [head = [], ...rows] = grid
  .trim()
  .split('\n')
  .map((line) => line.trim().split(/\s{2,}/))
for (const [line = '', ...cells] of rows) {
  cells.forEach((to, column) => {
    const state = head[column] ?? ''
    t.test(`"${line}" of a kid that is ${state}: ${to === '!' ? 'kills' : to}`, async (t) => {
      const scene = stages[state]?.() as Scene
      t.equal(scene.kid(1).state, state)
      const kills = ofType(scene.says(1, line), 'kill')
      if (to === '!') t.match(kills, [{ kid: 1, reason: 'protocol' }])
      else t.strictSame(kills, [])
      t.equal(scene.kid(1).state, to === '!' ? 'killed' : to)
    })
  })
}

for (const [line, detail] of [
  ['park 1 1', 'said parked of order 1, of which it holds nothing'],
  ['resume 1 2', 'said 2 resumed of 1 that are parked'],
  ['waiting 2', 'said that 2 requests wait, of 1 connections parked'],
  ['done 0 2', 'said 2 done of 1 that are parked'],
  ['cut 0 2', 'said 2 cut of 1 that are parked'],
  ['skip 1 1', 'said skip of order 1, of which it holds nothing'],
] as const) {
  t.test(`${line} breaks the protocol, and the log says how`, async (t) => {
    const scene = stages.idle?.() as Scene
    scene.says(1, 'park 1 1')
    scene.says(1, 'cut 0 2')
    t.match(scene.says(1, line), [{ type: 'kill', kid: 1, reason: 'protocol', detail }])
  })
}
