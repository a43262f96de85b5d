/** Generations: a reload puts new kids beside the old, and lets the old go one by one as the new ones come up. */

import type { Effect } from './events.js'
import type { Kid } from './kid-record.js'
import { killKid, tellToLeave } from './leaving.js'
import { hasTakenAll, isOnItsLast, keep, replaceSoon } from './recycling.js'
import { type State, stayingKids } from './scoreboard.js'
import type { CoreSettings } from './settings.js'

/** Begins a reload: as many new kids as there are old ones are to be spawned. One that is under way goes on. */
export function beginReload(state: State, settings: CoreSettings, now: number): void {
  if (state.phase === 'parked') state.phase = 'running'
  if (state.phase !== 'running' || state.reload !== undefined) return
  const old = stayingKids(state)
  state.reload = { from: state.generation, settings: state.settings, up: false }
  state.settings = settings
  state.generation = ++state.lastGeneration
  // One at least, also on demand: somebody has to show that the new handler loads.
  state.firstKids = Math.min(state.settings.maxKids, Math.max(1, state.settings.startKids, old))
  // A new handler is a new chance: what the old one did wrong is not held against it.
  state.budget.rest = 0
  state.budget.restUntil = now
  for (const kid of state.kids.values()) replaceSoon(state, kid, 'reload')
}

/** A kid of the new generation is up: one of those to be replaced may go. */
export function takeOver(state: State, successor: Kid, now: number, effects: Effect[]): void {
  if (state.reload !== undefined && successor.generation === state.generation) {
    state.reload.up = true
  }
  if (successor.outgoing === '') letOneGo(state, now, effects)
  endReload(state, effects)
}

/** Lets one kid go that is to be replaced: the one that holds least, and of those the oldest. */
export function letOneGo(state: State, now: number, effects: Effect[]): void {
  let first: Kid | undefined
  for (const kid of state.kids.values()) {
    if (kid.outgoing === '' || isOnItsLast(kid)) continue
    if (kid.state === 'leaving' || kid.state === 'killed') continue
    if (first === undefined || kid.held < first.held) first = kid
  }
  if (first === undefined) return
  effects.push({ type: 'leaving', kid: first.number, reason: first.outgoing })
  tellToLeave(state, first, now, effects)
}

/** Ends a reload before its end; of a generation that nobody has seen up yet nothing remains in force. */
export function giveUpReload(state: State): void {
  const { reload } = state
  state.firstKids = 0
  state.reload = undefined
  if (reload === undefined || reload.up) return
  state.generation = reload.from
  state.settings = reload.settings
}

/**
 * A kid died before it was up. If it is the first of a new generation to tell how that does, the reload has failed: the
 * old generation stays, and what there is of the new one goes.
 */
export function failReload(state: State, dead: Kid, now: number, effects: Effect[]): void {
  const { reload } = state
  if (reload === undefined || reload.up || dead.generation !== state.generation) return
  const failed = state.generation
  giveUpReload(state)
  for (const kid of state.kids.values()) {
    if (kid.generation === failed) {
      if (kid.state === 'killed' || kid.state === 'leaving') continue
      killKid(
        state,
        kid,
        'failed reload',
        'another kid of its generation did not come up',
        now,
        effects,
      )
    } else if (kid.outgoing === 'reload') {
      keep(state, kid)
      // What it was to be replaced for before may hold still.
      if (kid.taken > 0) hasTakenAll(state, kid)
    }
  }
  effects.push({ type: 'reloadFailed', generation: failed, kid: dead.number })
}

/** Ends a reload when the last of the old has been told to go; call whenever that may have happened. */
export function endReload(state: State, effects: Effect[]): void {
  const { reload } = state
  if (reload === undefined || state.firstKids > 0) return
  for (const kid of state.kids.values()) {
    const stays = kid.state !== 'leaving' && kid.state !== 'killed'
    if (stays && (kid.generation !== state.generation || kid.state === 'pending')) return
  }
  state.reload = undefined
  effects.push({ type: 'reloaded', generation: state.generation })
}
