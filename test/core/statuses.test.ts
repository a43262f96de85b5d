/** Every line a kid can say in every state it can be in: what is lawful, and what kills; run with the other tests. */

import t from 'tap'
import { names, ofType, Scene } from './scene.js'

/** Scenes in which kid 1 is in a state; where it can be, it holds connections of order 1 and has order 2. */
const stages: Record<string, () => Scene> = {
  pending: () => {
    const scene = new Scene()
    scene.turn()
    return scene
  },
  idle: () => holding(),
  ordered: () => ordered(),
  late: () => {
    const scene = ordered()
    scene.pass(5)
    return scene
  },
  busy: () => {
    const scene = holding()
    scene.rush()
    scene.answers(1, 1)
    return scene
  },
  leaving: () => {
    const scene = ordered()
    scene.stop()
    scene.state.stopBy = scene.now
    scene.turn()
    return scene
  },
  killed: () => {
    const scene = ordered()
    scene.says(1, 'nonsense')
    return scene
  },
}

/** One kid of three slots that holds two connections of order 1. */
function holding(): Scene {
  const scene = Scene.ready({ startKids: 1, maxKids: 1, slots: 3 })
  scene.rush(2)
  scene.answers(1, 2)
  scene.turn()
  return scene
}

/** The same with order 2 out for one more. */
function ordered(): Scene {
  const scene = holding()
  scene.rush()
  return scene
}

/*
 * What comes of each line by state: the kid's next state, or `!` where the line kills it. The stage of the one that is
 * leaving has closed its listeners, so that EBADF is nobody's fault there.
 */
const grid = `
                      pending  idle  ordered  late  busy  leaving
idle 3                idle     !     !        !     !     !
accepted 2 0          !        !     idle     idle  !     leaving
accepted 2 1          !        !     busy     busy  !     leaving
accepted 2 2          !        !     !        !     !     !
accepted 1 1          !        !     !        !     !     !
accepted 3 1          !        !     !        !     !     !
failed 2 0 EAGAIN     !        !     idle     idle  !     leaving
failed 2 0 EMFILE     !        !     leaving  leaving  !  leaving
failed 2 0 ENFILE     !        !     idle     idle  !     leaving
failed 2 1 ENFILE     !        !     busy     busy  !     leaving
failed 2 0 EBADF      !        !     !        !     !     leaving
failed 2 0 EINVAL     !        !     idle     idle  !     leaving
failed 2 2 ENFILE     !        !     !        !     !     !
failed 3 0 ENFILE     !        !     !        !     !     !
done 1 1              !        idle  ordered  late  idle  leaving
done 1 2              !        idle  ordered  late  idle  leaving
done 1 3              !        !     !        !     !     !
done 2 1              !        !     !        !     idle  !
done 9 1              !        !     !        !     !     !
detach 1 1            !        idle  ordered  late  idle  leaving
detach 1 2            !        idle  ordered  late  idle  leaving
detach 1 3            !        !     !        !     !     !
detach 3 1            !        !     !        !     !     !
ended 1               !        !     !        !     !     !
detached 1 x          !        !     !        !     !     !
reported 0            !        !     !        !     !     !
label 1 x             !        idle  ordered  late  busy  leaving
label 2 x             !        !     !        !     busy  !
leaving tired         !        leaving  leaving  leaving  leaving  leaving
shutdown graceful     !        idle  ordered  late  busy  leaving
shutdown now          !        idle  ordered  late  busy  leaving
accepted 2            !        !     !        !     !     !
accepted -2 1         !        !     !        !     !     !
accepted +2 1         !        !     !        !     !     !
accepted 02 1         !        !     !        !     !     !
accepted 2.0 1        !        !     !        !     !     !
accepted NaN 1        !        !     !        !     !     !
accepted 2 -1         !        !     !        !     !     !
accepted 2 65536      !        !     !        !     !     !
done 1 0              !        !     !        !     !     !
hello                 !        !     !        !     !     !
`
const [head = '', ...rows] = grid.trimEnd().split('\n').slice(1)
const columns = head.trim().split(/\s+/)
for (const row of rows) {
  const line = row.slice(0, 22).trim()
  const cells = row.slice(22).trim().split(/\s+/)
  columns.forEach((state, column) => {
    const stage = stages[state]
    const then = cells[column]
    if (stage === undefined || then === undefined) throw new Error(`no ${state} for ${line}`)
    const verdict = then === '!' ? 'kills it' : `leaves it ${then}`
    t.test(`"${line}" of a kid that is ${state} ${verdict}`, async (t) => {
      const scene = stage()
      t.equal(scene.kid(1).state, state, 'the stage is set')
      const effects = scene.says(1, line)
      t.equal(scene.kid(1).state, then === '!' ? 'killed' : then)
      const reason = line.endsWith('EBADF') && scene.kid(1).order === undefined
      if (then === '!' && !reason) t.equal(ofType(effects, 'kill')[0]?.reason, 'protocol')
    })
  })
  t.test(`"${line}" of a killed kid is not listened to`, async (t) => {
    const scene = stages.killed?.()
    t.strictSame(scene?.says(1, line), [])
    t.equal(scene?.kid(1).state, 'killed')
  })
}

const details: [string, string, string][] = [
  ['pending', 'done 1 1', 'said done before idle'],
  ['idle', 'idle 3', 'said idle twice'],
  ['idle', 'accepted 2 1', 'answered order 2, but none is out'],
  ['ordered', 'accepted 1 1', 'answered order 1 instead of 2'],
  ['ordered', 'accepted 2 5', 'said it accepted 5 of the 1 it was ordered'],
  ['ordered', 'done 2 1', 'said done of order 2, of which it holds nothing'],
  ['idle', 'done 1 3', 'said 3 done of order 1, of which it holds 2'],
  ['idle', 'label 7 x', 'labelled order 7, of which it holds nothing'],
  ['idle', 'hello', '"hello" is not a line of the protocol'],
]
for (const [state, line, detail] of details) {
  t.test(`of "${line}" when ${state} the log says: ${detail}`, async (t) => {
    const effects = stages[state]?.().says(1, line) ?? []
    t.strictSame(effects, [{ type: 'kill', kid: 1, reason: 'protocol', detail }])
  })
}

// The last number is that which a double cannot tell from the one before it.
for (const seq of ['9007199254740991', '9007199254740992', '9007199254740993', '2e0', '0x2']) {
  for (const [state, stage] of Object.entries(stages)) {
    if (state === 'killed') continue
    t.test(`an answer to order ${seq} of a kid that is ${state} kills it`, async (t) => {
      const scene = stage()
      t.match(scene.says(1, `accepted ${seq} 0`), [{ type: 'kill', reason: 'protocol' }])
      t.match(scene.counters, { kills: { protocol: 1 } })
    })
  }
}

t.test('leaving may be said once', async (t) => {
  const scene = holding()
  t.strictSame(scene.says(1, 'leaving tired'), [{ type: 'leaving', kid: 1, reason: 'tired' }])
  t.match(scene.says(1, 'leaving tired'), [{ type: 'kill', detail: 'said leaving twice' }])
})

t.test('a kid that was told to leave may still say that it leaves', async (t) => {
  const scene = stages.leaving?.()
  t.strictSame(names(scene?.says(1, 'leaving tired') ?? []), ['leaving'])
})

t.test(
  'a kid that is told to leave before it is up may still come up, and goes on leaving',
  async (t) => {
    const scene = new Scene()
    scene.turn()
    scene.stop()
    scene.turn()
    t.equal(scene.kid(1).state, 'leaving')
    t.strictSame(names(scene.says(1, 'idle 3')), ['up'])
    t.equal(scene.kid(1).state, 'leaving')
  },
)

t.test('a label is kept with its connections and told when they are lost', async (t) => {
  const scene = holding()
  scene.says(1, 'label 1 GET /slow')
  t.match(scene.reaped(1), [{ type: 'lost', lost: 2, unanswered: 0, label: 'GET /slow' }, {}])
})

t.test('asking for a shutdown is told and decides nothing', async (t) => {
  const scene = holding()
  t.strictSame(scene.says(1, 'shutdown graceful'), [
    { type: 'shutdownAsked', kid: 1, graceful: true },
  ])
  t.strictSame(scene.says(1, 'shutdown now'), [{ type: 'shutdownAsked', kid: 1, graceful: false }])
  t.equal(scene.state.phase, 'running')
})
