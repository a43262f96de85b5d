/** A kid on trial is judged as a server's kid is, and what it said is shown as it said it. */

import t from 'tap'
import { Judge } from '../../src/conform/judge.js'
import { lineOf } from '../../src/conform/said.js'
import { parseOptions } from '../../src/options.js'
import { settingsOf } from '../../src/parent/settings.js'
import { parseStatus } from '../../src/protocol/lines.js'

/** What is said to the kid and by it, one after the other; gives the first complaint. */
function play(...lines: string[]): string | undefined {
  const options = parseOptions({ kid: 'kid', kids: 1, lateAfter: 'never' })
  const judge = new Judge({ ...settingsOf(options, []), depthKnown: [true, true] })
  for (const line of lines) {
    const [, seq, listener, count] = /^> accept (\d+) (\d+) (\d+)$/.exec(line) ?? []
    if (seq !== undefined) judge.ordered(Number(seq), Number(listener), Number(count))
    else if (line === '> leave') judge.toldToLeave()
    else if (line === '> report') judge.asked()
    else {
      const status = parseStatus(line)
      const wrong = typeof status === 'string' ? status : judge.hear(status)
      if (wrong !== undefined) return wrong
    }
  }
  return undefined
}

t.test('what the protocol allows', async (t) => {
  const up = ['idle 2', '> accept 1 0 1', 'accepted 1 1']
  for (const lines of [
    ['idle 1', '> accept 1 0 1', 'accepted 1 0', '> accept 2 1 1', 'accepted 2 1', 'done 2 1'],
    [...up, '> accept 2 0 1', 'accepted 2 1', 'done 1 1', 'done 2 1'],
    [...up, 'label 1 reading', 'done 1 1', 'leaving tired'],
    ['idle 1', '> accept 1 0 1', 'leaving tired', 'accepted 1 0'],
    ['idle 1', 'leaving tired', '> accept 1 0 1', 'accepted 1 1', 'done 1 1'],
    ['idle 1', '> accept 1 0 1', '> leave', 'accepted 1 1', 'leaving tired', 'done 1 1'],
    ['> leave', 'idle 1'],
    [...up, 'detach 1 1', '> report', 'detached 1 chat', 'reported 1', 'ended 1'],
    ['idle 1', '> report'],
    [...up, 'park 1 1', 'waiting 1', 'resume 1 1', 'waiting 0', 'done 1 1'],
    [...up, 'park 1 1', 'done 0 1'],
    [...up, 'park 1 1', '> leave', 'resume 1 1', 'cut 1 1'],
    [...up, 'skip 1 1', '> accept 2 0 2', 'accepted 2 2', 'park 2 2', 'cut 0 2'],
    [
      'idle 1',
      '> accept 1 0 1',
      'accepted 1 1',
      'park 1 1',
      '> accept 2 0 1',
      'resume 1 1',
      'accepted 2 0',
    ],
  ]) {
    t.equal(play(...lines), undefined, lines.join(', '))
  }
})

t.test('what it does not', async (t) => {
  for (const [lines, complaint] of [
    [['accepted 1 0'], 'said accepted before idle'],
    [['idle 1', 'idle 1'], 'said idle twice'],
    [['idle 1', 'accepted 1 0'], 'answered order 1, but none is out'],
    [['idle 1', '> accept 2 0 1', 'accepted 1 0'], 'answered order 1 instead of 2'],
    [['idle 1', '> accept 1 0 1', 'accepted 1 2'], 'said it accepted 2 of the 1 it was ordered'],
    [['idle 1', 'done 1 1'], 'said done of order 1, of which it holds nothing'],
    [['idle 1', 'reported 0'], 'said reported without having been asked'],
    [['idle 1', 'park 1 1'], 'said parked of order 1, of which it holds nothing'],
    [['idle 1', 'resume 1 1'], 'said 1 resumed of 0 that are parked'],
    [['idle 1', 'waiting 1'], 'said that 1 requests wait, of 0 connections parked'],
    [['idle 1', 'cut 0 1'], 'said 1 cut of 0 that are parked'],
  ] as const) {
    t.equal(play(...lines), complaint)
  }
})

t.test('every line a kid may say is shown as it was', async (t) => {
  const lines = [
    ...['idle 3', 'accepted 7 0', 'failed 7 1 EMFILE', 'done 7 1', 'leaving for good'],
    ...['shutdown now', 'shutdown graceful', 'label 7 GET /', 'detach 7 1', 'ended 1'],
    ...['detached 2 chat', 'reported 1', 'park 7 1', 'resume 7 1', 'waiting 2', 'skip 7 1'],
    ...['cut 7 1', 'done 0 2', 'cut 0 1'],
  ]
  for (const line of lines) {
    const status = parseStatus(line)
    t.equal(typeof status === 'string' ? status : lineOf(status), line)
  }
})
