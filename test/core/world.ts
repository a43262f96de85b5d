/** A fake kernel and fake kids around the real step; moved one small step at a time by properties and by the exploration. */

import { overdueKids } from '../../src/core/deadlines.js'
import type { Effect, Event } from '../../src/core/events.js'
import { newState, type State, wantsDepth } from '../../src/core/scoreboard.js'
import type { CoreSettings } from '../../src/core/settings.js'
import type { Status } from '../../src/protocol/lines.js'
import { able, busy, type Fake, freeSlots, newFake } from './fake.js'
import { unparkAll } from './fake-parking.js'

/** Takes one step of the core from `state`, which it leaves alone; the two users check different things around it. */
export type Stepper = (state: State, event: Event, now: number) => [State, Effect[]]

/** The world. */
export class World {
  state: State
  now = 0
  /** When each queued connection arrived, by listener, oldest first. */
  queues: number[][]
  fakes = new Map<number, Fake>()
  /** Whether the parent has asked for a turn. */
  asked = true
  served = 0
  /** Connections whose client saw them fail; those of a dead kid count from its reaping on. */
  failed = 0
  /** What was shed: how old each was, and how old the oldest left behind. */
  sheds: { age: number; leftAge: number }[] = []
  /** Kills of kids that did nothing wrong. */
  wronged: string[] = []

  constructor(
    readonly settings: CoreSettings,
    readonly stepper: Stepper,
  ) {
    this.state = newState(settings)
    this.queues = settings.depthKnown.map(() => [])
  }

  clone(): World {
    const copy = new World(this.settings, this.stepper)
    // Shared, because a step makes a new one.
    copy.state = this.state
    copy.now = this.now
    copy.queues = this.queues.map((queue) => [...queue])
    for (const [number, fake] of this.fakes) {
      copy.fakes.set(number, {
        ...fake,
        holds: fake.holds.map((hold) => ({ ...hold })),
        parked: [...fake.parked],
        outbox: [...fake.outbox],
      })
    }
    copy.asked = this.asked
    copy.served = this.served
    copy.failed = this.failed
    return copy
  }

  feed(event: Event): void {
    this.asked = true
    this.#step(event)
  }

  #step(event: Event): void {
    const [state, effects] = this.stepper(this.state, event, this.now)
    this.state = state
    for (const effect of effects) this.#act(effect)
  }

  connect(listener: number): boolean {
    if (!this.state.listeners[listener]?.open) return false
    this.queues[listener]?.push(this.now)
    return true
  }

  // What kids do.

  boot(fake: Fake): boolean {
    if (!able(fake) || !fake.booting) return false
    fake.booting = false
    fake.outbox.push({ type: 'idle', slots: this.settings.slots })
    return true
  }

  /** It looks at its order and accepts; once it is leaving its listeners are closed. */
  accept(fake: Fake): boolean {
    const order = fake.inbox
    if (!able(fake) || order === undefined) return false
    const queue = fake.leaving ? [] : (this.queues[order.listener] ?? [])
    // Parked connections may have taken slots since it was given.
    const free = freeSlots(fake, this.settings.slots)
    const count = queue.splice(0, Math.min(order.count, free)).length
    fake.owes = free === 0 && !fake.leaving
    fake.inbox = undefined
    fake.taken = { seq: order.seq, count }
    return true
  }

  answer(fake: Fake): boolean {
    if (!able(fake) || fake.taken === undefined) return false
    const { seq, count } = fake.taken
    fake.taken = undefined
    fake.outbox.push({ type: 'accepted', seq, count })
    if (count > 0) fake.holds.push({ seq, count })
    return true
  }

  finish(fake: Fake): boolean {
    const hold = fake.holds[0]
    if (!able(fake) || hold === undefined) return false
    hold.count--
    if (hold.count === 0) fake.holds.shift()
    this.served++
    fake.outbox.push({ type: 'done', seq: hold.seq, count: 1 })
    return true
  }

  /** Its oldest connection lives on without a slot. */
  detach(fake: Fake): boolean {
    const hold = fake.holds[0]
    if (!able(fake) || hold === undefined) return false
    hold.count--
    if (hold.count === 0) fake.holds.shift()
    fake.detached++
    fake.outbox.push({ type: 'detach', seq: hold.seq, count: 1 })
    return true
  }

  endDetached(fake: Fake): boolean {
    if (!able(fake) || fake.detached === 0) return false
    fake.detached--
    this.served++
    fake.outbox.push({ type: 'ended', count: 1 })
    return true
  }

  exit(fake: Fake): boolean {
    if (!able(fake) || !fake.leaving || busy(fake)) return false
    fake.alive = false
    return true
  }

  /** It answers its order without accepting: 0, or for want of something. */
  refuse(fake: Fake, code?: string): boolean {
    const order = fake.inbox
    if (!able(fake) || order === undefined) return false
    fake.inbox = undefined
    if (code === undefined || code === 'EBADF') fake.honest = false
    const { seq } = order
    fake.outbox.push(
      code === undefined
        ? { type: 'accepted', seq, count: 0 }
        : { type: 'failed', seq, count: 0, code },
    )
    return true
  }

  say(fake: Fake, line: Status | 'garbage' | 'hangup'): boolean {
    if (!able(fake)) return false
    fake.outbox.push(line)
    if (line === 'hangup') fake.mute = true
    if (line !== 'garbage' && line !== 'hangup' && line.type === 'leaving') fake.leaving = true
    else fake.honest = false
    return true
  }

  die(fake: Fake): boolean {
    if (!fake.alive) return false
    fake.honest = false
    fake.alive = false
    return true
  }

  // What the parent does.

  /** Reads what one kid wrote, all of it or one line. */
  read(fake: Fake, all = true): boolean {
    if (fake.outbox.length === 0) return false
    do {
      const line = fake.outbox.shift()
      if (line === undefined) break
      const kid = fake.number
      if (line === 'garbage') this.feed({ type: 'broke', kid, detail: 'not a line' })
      else if (line === 'hangup') this.feed({ type: 'hangup', kid })
      else this.feed({ type: 'status', kid, status: line })
    } while (all)
    return true
  }

  reap(fake: Fake): boolean {
    if (fake.alive) return false
    if (this.state.kids.get(fake.number)?.state !== 'killed') this.read(fake)
    this.fakes.delete(fake.number)
    this.failed += fake.holds.reduce(
      (sum, { count }) => sum + count,
      fake.parked.length + fake.detached + (fake.taken?.count ?? 0),
    )
    this.feed({ type: 'reaped', kid: fake.number })
    return true
  }

  poll(): boolean {
    let polled = false
    this.state.listeners.forEach((listener, number) => {
      if (!listener.watched || this.queues[number]?.length === 0) return
      this.feed({ type: 'readable', listener: number })
      polled = true
    })
    return polled
  }

  /** The check phase. Before it the poller was asked, and, as the parent does, the overdue are read dry. */
  turn(): void {
    this.poll()
    for (const number of overdueKids(this.state, this.now)) {
      const fake = this.fakes.get(number)
      if (fake !== undefined) this.read(fake)
    }
    this.asked = false
    const depths = this.depths((number) => wantsDepth(this.state, number, this.now))
    this.#step({ type: 'turn', depths })
  }

  /** One turn of the event loop: everything that has come is read, then the check phase. False if nothing called for it. */
  loop(): boolean {
    let due = this.asked || this.state.earliest <= this.now
    due = this.poll() || due
    for (const fake of this.fakes.values()) due = this.read(fake) || due
    if (due) this.turn()
    return due
  }

  stop(graceful: boolean): void {
    this.feed({ type: 'stop', graceful, depths: this.depths(() => true) })
  }

  depths(wanted: (listener: number) => boolean): number[] {
    return this.queues.map((queue, number) => {
      if (!this.state.listeners[number]?.open || !wanted(number)) return 0
      return this.settings.depthKnown[number] ? queue.length : Math.min(1, queue.length)
    })
  }

  waiting(): number {
    return this.queues.reduce((sum, queue) => sum + queue.length, 0)
  }

  #act(effect: Effect): void {
    const fake = 'kid' in effect ? this.fakes.get(effect.kid ?? 0) : undefined
    switch (effect.type) {
      case 'spawn':
        this.fakes.set(effect.kid, newFake(effect.kid))
        return
      case 'order':
        if (fake === undefined || !fake.alive || fake.mute) {
          this.feed({ type: 'unsent', kid: effect.kid, why: 'gone' })
          return
        }
        fake.inbox = { seq: effect.seq, listener: effect.listener, count: effect.count }
        return
      case 'leave':
      case 'pressure':
      case 'room':
      case 'unpark':
        if (fake === undefined || !fake.alive || fake.mute) {
          this.feed({ type: 'unsent', kid: effect.kid, why: 'gone' })
        } else if (effect.type === 'leave') fake.leaving = true
        else if (effect.type === 'unpark') unparkAll(this, fake)
        return
      case 'kill':
        if (fake === undefined) return
        if (fake.alive && fake.honest && blames.has(effect.reason)) this.wronged.push(effect.detail)
        fake.alive = false
        fake.outbox = []
        return
      case 'quit':
        if (fake !== undefined && !fake.frozen) fake.alive = false
        return
      case 'shed': {
        const gone = this.queues[effect.listener]?.splice(0, effect.count) ?? []
        const left = this.queues[effect.listener]?.[0] ?? this.now
        this.failed += gone.length
        for (const at of gone) this.sheds.push({ age: this.now - at, leftAge: this.now - left })
        this.feed({ type: 'shed', listener: effect.listener, count: gone.length })
        return
      }
      case 'again':
        this.asked = true
        return
      case 'closeListener':
        // What waits is the other parent's from now on.
        if (effect.handedOver) this.queues[effect.listener]?.splice(0)
        return
      case 'stopped':
        // Where the length is unknown, nobody can count who was left behind.
        this.queues.forEach((queue, number) => {
          if (this.settings.depthKnown[number]) this.failed += queue.length
          queue.length = 0
        })
        return
    }
  }
}

/** Reasons to kill that an honest kid, however slow, must never hear. */
const blames = new Set(['protocol', 'accepts nothing', 'bad listener', 'closed its pipe'])
