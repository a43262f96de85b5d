/** What signals ask of the parent, by every way that three of them can come in; run with the other tests. */

import t from 'tap'
import {
  actionOn,
  type Doing,
  doingAfter,
  type Signal,
  type Situation,
  signals,
} from '../../src/core/signals.js'

const everyDoing: Doing[] = ['starting', 'running', 'parked', 'draining', 'quitting']
const triples = signals.flatMap((a) => signals.flatMap((b) => signals.map((c) => [a, b, c])))

/** Where a stop may lead, and what it never comes back from. */
const rank: Record<Doing, number> = { starting: 0, running: 0, parked: 0, draining: 1, quitting: 2 }

function situations(): Situation[] {
  const both = [false, true]
  return everyDoing.flatMap((doing) =>
    both.flatMap((upgrading) =>
      both.flatMap((isFirst) =>
        both.map((onTerminal) => ({ doing, upgrading, isFirst, onTerminal })),
      ),
    ),
  )
}

/** The same signals to a parent that behaves as the command does; says what it did, and what it is doing in the end. */
function walk(first: Situation, sequence: readonly Signal[]) {
  let situation = first
  const actions = sequence.map((signal) => {
    const action = actionOn(signal, situation)
    const upgrading = situation.upgrading || action === 'upgrade'
    situation = { ...situation, upgrading, doing: doingAfter(action, situation.doing) }
    return action
  })
  return { actions, end: situation.doing }
}

/** What the docs say that a sequence of signals ends in, written down once more. */
function documented(first: Situation, sequence: readonly Signal[]): Doing {
  let doing = first.doing
  for (const signal of sequence) {
    const serves = doing === 'running' || doing === 'parked'
    if (signal === 'SIGINT' || signal === 'SIGQUIT') doing = 'quitting'
    else if (signal === 'SIGTERM') doing = rank[doing] === 0 ? 'draining' : 'quitting'
    else if (signal === 'SIGHUP' && serves) doing = 'running'
    else if (signal === 'SIGWINCH' && doing === 'running' && !first.onTerminal) doing = 'parked'
  }
  return doing
}

t.test('all triples of signals end where the docs say, in every situation', async (t) => {
  const wrong: string[] = []
  for (const situation of situations()) {
    for (const triple of triples) {
      const { end } = walk(situation, triple as Signal[])
      const should = documented(situation, triple as Signal[])
      if (end !== should)
        wrong.push(`${JSON.stringify(situation)} ${triple}: ${end}, not ${should}`)
    }
  }
  t.same(wrong.slice(0, 10), [])
  t.equal(triples.length, 729)
})

t.test('no triple undoes a stop, or slows it', async (t) => {
  const wrong: string[] = []
  for (const situation of situations()) {
    for (const triple of triples) {
      let doing = situation.doing
      triple.forEach((_, i) => {
        const { end } = walk(situation, triple.slice(0, i + 1) as Signal[])
        if (rank[end] < rank[doing]) wrong.push(`${JSON.stringify(situation)} ${triple}`)
        doing = end
      })
    }
  }
  t.same(wrong.slice(0, 10), [])
})

t.test('nothing upgrades twice, nor while starting or stopping', async (t) => {
  const wrong: string[] = []
  for (const situation of situations()) {
    for (const triple of triples) {
      const { actions } = walk(situation, triple as Signal[])
      const upgrades = actions.filter((action) => action === 'upgrade').length
      const allowed = situation.upgrading || situation.isFirst || rank[situation.doing] > 0 ? 0 : 1
      if (upgrades > allowed) wrong.push(`${JSON.stringify(situation)} ${triple}`)
    }
  }
  t.same(wrong.slice(0, 10), [])
})

t.test(
  'a stop that is asked for twice is a quick one, and a third time says nothing new',
  async (t) => {
    for (const doing of ['starting', 'running', 'parked'] as const) {
      const situation = { doing, upgrading: false, isFirst: false, onTerminal: false }
      t.same(walk(situation, ['SIGTERM', 'SIGTERM', 'SIGTERM']).actions, [
        'stop',
        'quit',
        'nothing',
      ])
    }
  },
)

t.test(
  'as the first process an upgrade is refused, for its end would end the container',
  async (t) => {
    for (const doing of ['running', 'parked'] as const) {
      const situation = { doing, upgrading: false, isFirst: true, onTerminal: false }
      t.equal(actionOn('SIGUSR2', situation), 'refuseUpgrade')
      t.equal(walk(situation, ['SIGUSR2', 'SIGUSR2']).end, doing)
    }
  },
)

t.test('the log is opened anew whatever the parent is doing', async (t) => {
  for (const situation of situations()) t.equal(actionOn('SIGUSR1', situation), 'reopenLog')
})

t.test('a window that changes its size parks nobody', async (t) => {
  for (const situation of situations()) {
    if (situation.onTerminal) t.equal(actionOn('SIGWINCH', situation), 'nothing')
  }
})
