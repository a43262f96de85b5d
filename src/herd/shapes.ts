/** The load shapes of the lab: their names, and what each makes visible that the others hide. */

export interface Shape {
  readonly name: string
  /** What it is, in a few words, for tables and plots. */
  readonly meaning: string
}

// biome-ignore format: one a line
export const shapes = [
  { name: 'trickle', meaning: 'one connection at a time, 2 ms between them, all kids idle: the herd at its purest' },
  { name: 'open', meaning: 'Poisson arrivals at a fixed rate, latency from the intended time' },
  { name: 'saturate', meaning: 'clients in a closed loop: capacity, and nothing else' },
  { name: 'burst', meaning: 'a connection for each kid at once, 1 ms of work each: time to the last reply' },
  { name: 'stall', meaning: 'Poisson arrivals, 1 % of them hold a kid for 50 ms: latency of the others' },
  { name: 'sweep', meaning: 'trickle with 1, 2, 4 ... 64 kids' },
] as const satisfies readonly Shape[]

export type ShapeName = (typeof shapes)[number]['name']

export const shapeNames: readonly ShapeName[] = shapes.map(({ name }) => name)

/** How many kids the sweep has, one after another. */
export const sweepKids: readonly number[] = [1, 2, 4, 8, 16, 32, 64]

/** The most kids that a strategy is measured with. */
export const MOST_KIDS = 64
