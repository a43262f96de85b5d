/** What hostile kids do to a real parent, as scripts that kid.pl plays: drawn from a seed, one script a life. */

import { randomFrom } from '../../src/herd/random.js'
import { hex, write } from './player.js'
import { between, line, mutated, noise, oneOf, type Random } from './words.js'

/**
 * The kid asks for no stop of the server, which would be obeyed. Nor does it say, by a lucky number, that it has accepted
 * nothing and then accept: nobody finds that out, and no counter has the client. `answer` knows the number.
 */
const forbidden = /shutdown|^(accepted|failed) \d{1,8} /

/** The deeds of the kid with this number, one a line. */
export function scriptOf(seed: number, number: number): string {
  const random = randomFrom((seed + number * 7_919) | 0)
  const deeds: string[] = []
  // A kid that is not up yet has few rights, and its death is counted against the restart budget.
  const isUp = random() < 0.95
  if (isUp) deeds.push(write(`idle ${between(random, 1, 4)}\n`))
  for (let i = between(random, 1, 5); i > 0; i--) deeds.push(...deed(random))
  // It takes a while until one that lingers is killed.
  const lingers = random() < (isUp ? 0.1 : 0.02)
  deeds.push(lingers ? 'linger' : oneOf(random, ['exit', 'exit', 'die']))
  return `${deeds.join('\n')}\n`
}

function deed(random: Random): string[] {
  const kind = random()
  if (kind < 0.3) return [write(lineOf(random))]
  if (kind < 0.45) return [write(noise(random))]
  if (kind < 0.6) return [write(mutated(random, lineOf(random)))]
  if (kind < 0.64) return [`drip ${hex(lineOf(random))}`]
  // Half a line, and then silence or more.
  if (kind < 0.68) return [write(lineOf(random).slice(0, between(random, 1, 8)))]
  if (kind < 0.82) return ['order', answer(random)]
  if (kind < 0.9) return ['order', 'take', 'answer 0 1', ...afterwards(random)]
  if (kind < 0.93) return ['order', 'answer 0 1', `flood ${between(random, 1, 20)}`]
  if (kind < 0.96) return [`close ${oneOf(random, ['status', 'commands'])}`]
  return [`sleep ${between(random, 1, 20)}`]
}

/** Of an order that is perhaps out: stale, from the future, too many, or right and a lie. */
function answer(random: Random): string {
  return `answer ${oneOf(random, [-1, 0, 0, 1, 1_000])} ${oneOf(random, [0, 0, 1, 2, 65_535, 65_536])}`
}

function afterwards(random: Random): string[] {
  // Whoever says done is believed: a client that was not served would be in no counter.
  const served = ['serve', 'done 1']
  const kept = ['change park 1', 'change resume 1', ...served]
  const lies = [
    ['change park 2'],
    ['change resume 1'],
    ['change park 1', 'change resume 2'],
    ['change park 1', write('waiting 2\n')],
    ['change park 1', write('cut 0 2\n')],
    ['change skip 2'],
    ['change cut 2'],
  ]
  const ends = [[], served, [...served, 'done 1'], ['done 2'], ['answer 0 1'], ['die']]
  return oneOf(random, [...ends, kept, ['change park 1', 'die'], oneOf(random, lies)])
}

function lineOf(random: Random): string {
  const hold = { seq: 1_000_000_000, count: 1 }
  const text = line(random, { order: hold, hold })
  return forbidden.test(text) ? 'leaving x\n' : `${text}\n`
}
