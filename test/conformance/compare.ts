/** Sends the same probes to two servers and finds where their answers differ. */

import type { Probe } from './corpus.js'
import { type Exception, explain } from './exceptions.js'
import { type Answer, type Pace, sendAll } from './send.js'

export interface Difference {
  readonly probe: Probe
  readonly plain: Answer
  readonly ours: Answer
  /** Undefined when nothing excuses it. */
  readonly exception: Exception | undefined
}

export interface Comparison {
  readonly probes: readonly Probe[]
  readonly differences: readonly Difference[]
  /** Answers that differed, and did not when their probes were sent again. */
  readonly noise: readonly Difference[]
}

/** Fewer than one kid has slots: a kid that has none left says `Connection: close` while others wait, as no plain server does. */
const fast: Pace = { atOnce: 60, quiet: 400 }
/** What differed is sent again in peace: on a busy machine an answer may come when it is given up. */
const slow: Pace = { atOnce: 16, quiet: 800 }
/** So often, since a race is lost only now and then. */
const repeats = 3

/** The answers of a plain server are what is expected of ours. */
export async function compare(
  probes: readonly Probe[],
  plainPort: number,
  oursPort: number,
): Promise<Comparison> {
  const first = await differing(probes, plainPort, oursPort, fast)
  const suspects = first.flatMap(({ probe }) => new Array<Probe>(repeats).fill(probe))
  const again = await differing(suspects, plainPort, oursPort, slow)
  const differences = new Map(again.map((difference) => [difference.probe, difference]))
  return {
    probes,
    differences: [...differences.values()],
    noise: first.filter(({ probe }) => !differences.has(probe)),
  }
}

async function differing(
  probes: readonly Probe[],
  plainPort: number,
  oursPort: number,
  pace: Pace,
): Promise<Difference[]> {
  const [plainAnswers, ourAnswers] = await Promise.all([
    sendAll(probes, plainPort, pace),
    sendAll(probes, oursPort, pace),
  ])
  return probes.flatMap((probe, i) => {
    const [plain, ours] = [plainAnswers[i] as Answer, ourAnswers[i] as Answer]
    if (plain.text === ours.text && plain.end === ours.end) return []
    return [{ probe, plain, ours, exception: explain(probe, plain, ours) }]
  })
}
