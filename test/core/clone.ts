/** A copy of the whole state; used to look at a step from both sides and to branch. Quick, since exploring takes many. */

import type { State } from '../../src/core/scoreboard.js'

/** A copy that shares nothing with the original but its settings. */
export function cloneState(state: State): State {
  const kids: State['kids'] = new Map()
  for (const [number, kid] of state.kids) {
    kids.set(number, {
      ...kid,
      holds: kid.holds.map((hold) => ({ ...hold })),
      order: kid.order && { ...kid.order },
      reporting: kid.reporting && { ...kid.reporting },
      strikes: [...kid.strikes],
      strikeMark: [...kid.strikeMark],
      emptyStep: [...kid.emptyStep],
    })
  }
  return {
    ...state,
    kids,
    counts: { ...state.counts },
    listeners: state.listeners.map((listener) => ({
      ...listener,
      emptied: [...listener.emptied],
      accused: [...listener.accused],
      tail: listener.tail.map((sample) => ({ ...sample })),
    })),
    rhythm: { ...state.rhythm },
    reload: state.reload && { ...state.reload },
    budget: { ...state.budget, deaths: [...state.budget.deaths] },
    overload: { ...state.overload },
    counters: { ...state.counters, kills: { ...state.counters.kills } },
  }
}
