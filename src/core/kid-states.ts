/** The life of a kid as one table; consulted at every change of a kid's state, and drawn in docs/states.md. */

import { InternalError } from '../errors.js'

/*
 * Two rules.
 *
 * 1. A kid's state changes here and nowhere else: `nextState` looks the pair up, and a pair that is not in the table is a
 *    defect of ours, because whatever a kid says was judged before anything moved.
 * 2. The state says what the parent may do with the kid, not how many connections it holds. A kid with several slots is
 *    idle while one of them is free.
 *
 * docs/states.md is made from this table; a test keeps the two in step.
 */

/** What the parent may do with a kid. */
export type KidState =
  | 'pending' // spawned; has not said that it is up
  | 'idle' // may be ordered: a slot is free and no order is out
  | 'ordered' // an order is out, and its listener waits for the answer
  | 'late' // an order is out, and its listener no longer waits for the answer
  | 'busy' // every slot is taken
  | 'leaving' // takes no more orders, finishes what it has
  | 'killed' // SIGKILL was sent, not reaped yet
  | 'gone' // reaped

/** What can happen to a kid. */
export type KidChange =
  | 'up' // it said how many slots it has
  | 'order' // an order was sent
  | 'lapse' // its order went unanswered for lateAfter
  | 'room' // it answered or finished something, and has a free slot
  | 'full' // it answered, or parked connections were resumed, and it has no free slot
  | 'leave' // it was told to leave, or said that it leaves
  | 'kill' // SIGKILL was sent
  | 'reap' // waitpid said it is dead

/** Every lawful change. A pair that is missing cannot happen. */
export const kidTransitions: Record<KidState, Partial<Record<KidChange, KidState>>> = {
  pending: { up: 'idle', leave: 'leaving', kill: 'killed', reap: 'gone' },
  idle: {
    order: 'ordered',
    room: 'idle',
    full: 'busy',
    leave: 'leaving',
    kill: 'killed',
    reap: 'gone',
  },
  ordered: {
    lapse: 'late',
    room: 'idle',
    full: 'busy',
    leave: 'leaving',
    kill: 'killed',
    reap: 'gone',
  },
  late: { room: 'idle', full: 'busy', leave: 'leaving', kill: 'killed', reap: 'gone' },
  busy: { room: 'idle', leave: 'leaving', kill: 'killed', reap: 'gone' },
  leaving: { kill: 'killed', reap: 'gone' },
  killed: { reap: 'gone' },
  gone: {},
}

/** Where a change leads. Throws InternalError for a pair that is not in the table. */
export function nextState(from: KidState, change: KidChange): KidState {
  const to = kidTransitions[from][change]
  if (to === undefined) throw new InternalError(`a kid that is ${from} cannot ${change}`)
  return to
}
