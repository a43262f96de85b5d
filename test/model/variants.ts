/** Which variants of accept.pml are searched for what, and what must come of it; used by run.ts and by the quick test. */

/** The claims of accept.pml. */
export type Claim = 'nodup' | 'nodes' | 'sums' | 'exact' | 'safe' | 'kind' | 'taken' | 'ends'

export interface Variant {
  name: string
  /** What accept.pml is compiled with. */
  flags: Record<string, number>
  /** Claims that must hold, and those for which a counter-example must be found. */
  holds?: Claim[]
  breaks?: Claim[]
  /** Searched in a moment, so that every run of the tests does. */
  quick?: true
}

const classic = { ORDERS: 1 }
const late = { LATE: 1 }

/** Those that are right, then those that are wrong in one thing each. */
export const variants: Variant[] = [
  { name: 'honest kids', flags: {}, holds: ['safe', 'exact', 'ends'] },
  { name: 'the classic round', flags: classic, holds: ['safe', 'exact', 'ends'] },
  {
    name: 'the classic round, a crash, a stuck kid, a hasty kill',
    flags: { ...classic, CRASHES: 1, STUCKS: 1, KILLS: 1 },
    holds: ['safe', 'taken'],
  },
  { name: 'late orders', flags: late, holds: ['safe', 'exact', 'ends'], quick: true },
  {
    name: 'late orders for several connections',
    flags: { ...late, SLOTS: 2, CLIENTS: 4 },
    holds: ['safe', 'ends'],
  },
  {
    name: 'late orders for several connections, a crash',
    flags: { ...late, SLOTS: 2, CRASHES: 1 },
    holds: ['safe', 'exact', 'ends'],
  },
  {
    name: 'late orders, a crash, a stuck kid, a hasty kill',
    flags: { ...late, CRASHES: 1, STUCKS: 1, KILLS: 1 },
    holds: ['safe'],
  },
  {
    name: 'late orders, a crash, a stuck kid',
    flags: { ...late, CRASHES: 1, STUCKS: 1, CLIENTS: 2 },
    holds: ['taken'],
  },
  { name: 'late orders, a hasty kill', flags: { ...late, KILLS: 1 }, holds: ['safe', 'ends'] },
  {
    name: 'nobody is replaced and one kid lives',
    flags: { CRASHES: 1, RESPAWN: 0 },
    holds: ['safe', 'ends'],
  },
  {
    name: 'late orders, a kid stuck for ever and never killed',
    flags: { ...late, STUCKS: 1, PATIENT: 1, RESPAWN: 0, CLIENTS: 2 },
    holds: ['taken'],
    quick: true,
  },
  {
    name: 'three kids, late orders, a crash',
    flags: { ...late, KIDS: 3, CLIENTS: 2, CRASHES: 1 },
    holds: ['safe'],
  },
  { name: 'three kids, late orders', flags: { ...late, KIDS: 3, CLIENTS: 2 }, holds: ['ends'] },
  {
    name: 'a kid that says anything',
    flags: { EVIL: 1, CLIENTS: 2 },
    holds: ['nodup', 'nodes'],
  },
  {
    name: 'connections that are parked and resumed, also while an order is on its way',
    flags: { PARKS: 2, CLIENTS: 2 },
    holds: ['safe', 'exact', 'kind', 'ends'],
    quick: true,
  },
  {
    name: 'the same with two slots and a client more',
    flags: { PARKS: 2, SLOTS: 2 },
    holds: ['safe', 'kind', 'ends'],
  },
  {
    name: 'the same with late orders and a crash',
    // Where others have taken the queue meanwhile, 0 is a normal answer: nothing is said of blame.
    flags: { ...late, PARKS: 1, CRASHES: 1, CLIENTS: 2 },
    holds: ['safe', 'ends'],
  },
  {
    name: 'kids that park and resume for ever',
    flags: { FOREVER: 1, CLIENTS: 2 },
    holds: ['safe', 'kind', 'taken'],
    quick: true,
  },
  // What must not be built.
  {
    name: 'no excuse for an order that a resumption has crossed',
    flags: { PARKS: 1, EXCUSE: 0, CLIENTS: 2 },
    holds: ['safe'],
    breaks: ['kind'],
    quick: true,
  },
  {
    name: 'kids that owe nothing for an order that they had no slot for',
    flags: { FOREVER: 1, OWE: 0, CLIENTS: 2 },
    holds: ['kind'],
    breaks: ['taken'],
    quick: true,
  },
  {
    name: 'not waiting for answers',
    flags: { WAIT: 0 },
    holds: ['nodes'],
    breaks: ['nodup'],
  },
  {
    name: 'answers without a number, a kid that says anything',
    flags: { SEQ: 0, EVIL: 1, CLIENTS: 1 },
    breaks: ['nodes'],
  },
  {
    name: 'the order of a killed kid given away before it is dead',
    flags: { REAP: 0, KILLS: 1 },
    breaks: ['nodup'],
    quick: true,
  },
  {
    name: 'the dead buried without their last words',
    flags: { DRY: 0, CRASHES: 1 },
    breaks: ['exact'],
  },
  { name: 'orders of the dead forgotten', flags: { COUNT: 0, CRASHES: 1 }, breaks: ['sums'] },
  {
    name: 'the classic round without acceptTimeout, a stuck kid',
    flags: { ...classic, STUCKS: 1, PATIENT: 1 },
    breaks: ['taken'],
    quick: true,
  },
  { name: 'nobody is replaced and all die', flags: { CRASHES: 2, RESPAWN: 0 }, breaks: ['ends'] },
]
