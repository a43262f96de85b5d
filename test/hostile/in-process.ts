/** Hostile streams against the decoder and the core, without a process: each ends with its kid dead or lawful, and harms nobody else. */

import type { Effect, Event } from '../../src/core/events.js'
import type { Kid } from '../../src/core/kid-record.js'
import { step } from '../../src/core/round.js'
import { kidOf, type State, wantsDepth } from '../../src/core/scoreboard.js'
import { randomFrom } from '../../src/herd/random.js'
import { LineSplitter } from '../../src/protocol/line-splitter.js'
import { parseStatus } from '../../src/protocol/lines.js'
import { cloneState } from '../core/clone.js'
import { stateFaults } from '../core/invariants.js'
import { isLawful } from '../core/lawful.js'
import { Scene } from '../core/scene.js'
import { kindOf } from './grammar.js'
import {
  between,
  type Knowledge,
  lawfulLine,
  line,
  mutated,
  noise,
  oneOf,
  type Random,
} from './words.js'

/** What many streams came to. */
export interface Heard {
  streams: number
  lines: number
  /** Kids killed for what they said. */
  killed: number
  bytes: number
}

/** Kid 1 is the hostile one, in each state that a kid can be in; kid 2 behaves, and holds a connection. */
const stages: readonly Scene[] = (() => {
  const two = { startKids: 2, maxKids: 2, slots: 3, minSpare: 0 }
  const pending = new Scene(two)
  pending.turn()
  pending.turn()
  pending.says(2, 'idle 3')
  pending.turn()
  const idle = () => {
    const scene = Scene.ready(two)
    // Spread over both.
    scene.rush(2)
    scene.answers(1, 1)
    scene.answers(2, 1)
    scene.turn()
    return scene
  }
  const ordered = () => {
    const scene = idle()
    scene.rush(2)
    scene.answers(2, 1)
    return scene
  }
  const late = ordered()
  late.pass(6)
  const busy = ordered()
  busy.answers(1, 1)
  busy.rush(2)
  if (busy.kid(1).order) busy.answers(1, 1)
  if (busy.kid(2).order) busy.answers(2, 1)
  const leaving = ordered()
  leaving.says(1, 'leaving tired')
  const detached = idle()
  detached.says(1, `detach ${detached.kid(1).holds[0]?.seq} 1`)
  detached.feed({ type: 'ask', kid: 1 })
  const parked = ordered()
  parked.says(1, `park ${parked.kid(1).holds[0]?.seq} 1`)
  // Full of resumed connections while an order is out.
  const crossed = idle()
  crossed.rush(4)
  for (const kid of [1, 2]) crossed.answers(kid, 2)
  for (const { seq, count } of [...crossed.kid(1).holds]) crossed.says(1, `park ${seq} ${count}`)
  crossed.rush()
  crossed.says(1, 'resume 1 3')
  const killed = ordered()
  killed.says(1, 'nonsense')
  return [pending, idle(), ordered(), late, busy, leaving, detached, parked, crossed, killed]
})()

/** The states that the stages are in: a check that they are what they are meant to be. */
export function stagesSet(): string[] {
  return stages.map((scene) => scene.kid(1).state)
}

/** One stream, from its own seed. Throws, with what was said, where anything is not as it must be. */
export function tryStream(seed: number, heard: Heard): void {
  const random = randomFrom(seed)
  const session = new Session(random, oneOf(random, stages), heard)
  try {
    session.run()
  } catch (error) {
    throw new Error(
      `stream ${seed}: ${(error as Error).message}; said ${JSON.stringify(session.said)}`,
      {
        cause: error,
      },
    )
  }
}

class Session {
  said = ''
  readonly #random: Random
  readonly #state: State
  readonly #heard: Heard
  readonly #lines: LineSplitter
  #now: number
  #tooLong = false

  constructor(random: Random, scene: Scene, heard: Heard) {
    this.#random = random
    this.#state = cloneState(scene.state)
    this.#now = scene.now
    this.#heard = heard
    this.#lines = new LineSplitter(
      (text) => this.#hear(text),
      () => {
        this.#tooLong = true
        this.#broke('a line is longer than 64 bytes')
      },
    )
  }

  run(): void {
    const random = this.#random
    this.#heard.streams++
    const pieces = between(random, 1, 8)
    for (let piece = 0; piece < pieces; piece++) {
      this.#say(this.#piece())
      if (random() < 0.3) this.#turn()
      // A stream goes on for a while after its kid is dead to us.
      if (this.#lines.stopped && random() < 0.7) break
    }
    const kid = this.#kid()
    expect(!this.#tooLong || kid.state === 'killed', 'a line that is too long kills')
    this.#step({ type: 'reaped', kid: 1 })
    expect(!this.#state.kids.has(1), 'a dead kid is off the scoreboard')
    this.#turn()
    const faults = stateFaults(this.#state, this.#now)
    expect(faults.length === 0, faults.join(', '))
  }

  #piece(): string {
    const random = this.#random
    const knowledge = knowledgeOf(this.#kid())
    const kind = random()
    if (kind < 0.15) return noise(random)
    if (kind < 0.5) return `${line(random, knowledge)}\n`
    if (kind < 0.75) return `${lawfulLine(random, knowledge)}\n`
    if (kind < 0.9) return mutated(random, `${lawfulLine(random, knowledge)}\n`)
    if (kind < 0.95) return lawfulLine(random, knowledge).slice(0, between(random, 1, 12))
    if (kind < 0.98) return `${line(random, knowledge)}\n`.repeat(between(random, 2, 40))
    // Rarely: a flood, several reads of a pipe in one.
    return 'label 1 flood\n'.repeat(between(random, 100, 500))
  }

  /** In chunks, as reads may bring it. */
  #say(text: string): void {
    this.said += text
    this.#heard.bytes += text.length
    const bytes = Buffer.from(text, 'latin1')
    const cuts = this.#random() < 0.5 ? 0 : between(this.#random, 1, 5)
    let from = 0
    for (let cut = 0; cut <= cuts; cut++) {
      const to = cut === cuts ? bytes.length : between(this.#random, from, bytes.length)
      this.#lines.feed(bytes.subarray(from, to))
      from = to
    }
  }

  #hear(text: string): void {
    this.#heard.lines++
    const status = parseStatus(text)
    const kind = kindOf(text)
    if (typeof status === 'string') {
      expect(kind === undefined, `${JSON.stringify(text)} is refused: ${status}`)
      expect(/^[\x20-\x7e]*$/.test(status), 'what the log is told of it is printable')
      this.#broke(status)
      return
    }
    expect(status.type === kind, `${JSON.stringify(text)} is taken for ${status.type}, not ${kind}`)
    const before = this.#kid()
    // The core changes it in place.
    const dead = before.state === 'killed'
    const lawful = isLawful(before, status)
    const other = this.#bystander()
    const effects = this.#step({ type: 'status', kid: 1, status })
    expect(this.#bystander() === other, 'nobody else is concerned')
    if (dead) {
      expect(effects.length === 0, 'the dead are not listened to')
      return
    }
    const protocol = effects.some((each) => each.type === 'kill' && each.reason === 'protocol')
    expect(protocol !== lawful, `${text} is ${lawful ? 'lawful' : 'not lawful'}`)
    this.#ignoreTheDead()
  }

  #broke(detail: string): void {
    const dead = this.#kid().state === 'killed'
    const effects = this.#step({ type: 'broke', kid: 1, detail })
    const kills = effects.map(({ type }) => type).join()
    expect(kills === (dead ? '' : 'kill'), `${detail}: ${kills}`)
    this.#ignoreTheDead()
  }

  /** As the channel does. */
  #ignoreTheDead(): void {
    if (this.#kid().state !== 'killed') return
    this.#heard.killed++
    this.#lines.stop()
  }

  #turn(): void {
    this.#now += between(this.#random, 0, 3)
    const depths = this.#state.listeners.map((listener, number) => {
      if (listener.watched) this.#step({ type: 'readable', listener: number })
      return wantsDepth(this.#state, number, this.#now) ? between(this.#random, 0, 3) : 0
    })
    this.#step({ type: 'turn', depths })
  }

  #step(event: Event): Effect[] {
    const effects = step(this.#state, event, this.#now)
    const { accepted, done, cut, skipped, lost } = this.#state.counters
    const all = { held: 0, parked: 0, waiting: 0 }
    for (const kid of this.#state.kids.values()) {
      all.held += kid.held + kid.parked + kid.detached
      all.parked += kid.parked
      all.waiting += kid.waiting
      expect(kid.held <= kid.slots && kid.waiting <= kid.parked, 'a kid holds no more than it may')
    }
    expect(accepted === done + cut + skipped + all.held + lost, 'counters add up')
    expect(this.#state.parked === all.parked, 'what is parked adds up')
    expect(this.#state.waitingInKids === all.waiting, 'what waits in kids adds up')
    return effects
  }

  #kid(): Kid {
    return kidOf(this.#state, 1)
  }

  /** All that the parent has on the other kid, in words. */
  #bystander(): string {
    const {
      state,
      since,
      slots,
      held,
      holds,
      order,
      parked,
      waiting,
      detached,
      deadline,
      taken,
      served,
      saidLeaving,
      outgoing,
      freshness,
    } = kidOf(this.#state, 2)
    const has = holds.map(({ seq, count, label }) => `${seq} ${count} ${label}`).join()
    const numbers = [
      since,
      slots,
      held,
      parked,
      waiting,
      detached,
      deadline,
      taken,
      served,
      freshness,
    ].join()
    return `${state} ${numbers} ${has} ${order?.seq} ${order?.late} ${saidLeaving} ${outgoing}`
  }
}

function knowledgeOf(kid: Kid): Knowledge {
  const { order, holds, parked, slots, held } = kid
  return { order, hold: holds[0], parked, free: slots - held }
}

function expect(holds: boolean, sentence: string): void {
  if (!holds) throw new Error(sentence)
}
