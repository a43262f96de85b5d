/** When requests of the blocking bench come, and which client makes each; asked by its client. Pure; times are milliseconds. */

import type { ArrivalsLoad, Times, To } from './loads.js'

export interface Arrival {
  readonly at: number
  readonly heavy: boolean
  /** The client it is for, where it has one of its own. */
  readonly client: number | undefined
}

/** All requests of a load, in the order of their times: the same for the same seed. */
export function arrivalsOf(load: ArrivalsLoad, random: () => number): Arrival[] {
  const { to, clients, rate, milliseconds, heavyPart } = load
  const draw = (client: number | undefined) => (at: number) => ({
    at,
    heavy: random() < heavyPart,
    client,
  })
  if (to !== 'own') return timesOf(load.times, rate, milliseconds, 0, random).map(draw(undefined))
  const each = Array.from({ length: clients }, (_, client) => {
    // Evenly spaced clients do not all begin at once.
    const offset = load.times === 'even' ? client / rate : 0
    const own = timesOf(load.times, rate / clients, milliseconds, offset * 1000, random)
    return own.map(draw(client))
  })
  return each.flat().sort((a, b) => a.at - b.at)
}

function timesOf(
  times: Times,
  rate: number,
  end: number,
  offset: number,
  random: () => number,
): number[] {
  if (times === 'even') {
    const count = Math.ceil(((end - offset) * rate) / 1000 - 1e-6)
    return Array.from({ length: count }, (_, i) => offset + (i / rate) * 1000)
  }
  const found: number[] = []
  const gap = () => (-Math.log(1 - random()) / rate) * 1000
  for (let at = gap(); at < end; at += gap()) found.push(at)
  return found
}

/** Takes one of the clients that are free, which stand in the order in which they became so. */
export function takeFree(free: number[], to: To, random: () => number): number | undefined {
  if (to === 'last') return free.pop()
  if (to === 'longest') return free.shift()
  const [taken] = free.splice(Math.floor(random() * free.length), 1)
  return taken
}
