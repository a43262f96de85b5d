/** One kid of the fake world, as data; moved by world.ts and fake-parking.ts. */

import type { Status } from '../../src/protocol/lines.js'

/** One kid's process. It does nothing by itself: each move is made for it. */
export interface Fake {
  number: number
  alive: boolean
  booting: boolean
  /** It does nothing until it thaws, if ever. */
  frozen: boolean
  /** It has closed its pipes and goes on. */
  mute: boolean
  leaving: boolean
  /** Whether it has ever done what it must not. */
  honest: boolean
  /** The order it has not looked at, and the one it has accepted for and not answered. */
  inbox: { seq: number; listener: number; count: number } | undefined
  taken: { seq: number; count: number } | undefined
  holds: { seq: number; count: number }[]
  /** Connections that are parked, by the orders they came with; of these, requests that wait for a slot. */
  parked: number[]
  waiting: number
  /** It has answered an order with 0 for want of a slot: the next one is not for its own requests. */
  owes: boolean
  /** Connections that live on without a slot. */
  detached: number
  /** What it wrote and the parent has not read. */
  outbox: (Status | 'garbage' | 'hangup')[]
}

/** Whether a kid can do anything that the parent notices. */
export function able(fake: Fake): boolean {
  return fake.alive && !fake.frozen && !fake.mute
}

/** Whether it has anything left to do. */
export function busy(fake: Fake): boolean {
  const holds = fake.holds.length > 0 || fake.parked.length > 0 || fake.detached > 0
  return fake.inbox !== undefined || fake.taken !== undefined || holds
}

/** A process that has just been spawned. */
export function newFake(number: number): Fake {
  return {
    number,
    alive: true,
    booting: true,
    frozen: false,
    mute: false,
    leaving: false,
    honest: true,
    inbox: undefined,
    taken: undefined,
    holds: [],
    parked: [],
    waiting: 0,
    owes: false,
    detached: 0,
    outbox: [],
  }
}

/** Slots that nothing is in. */
export function freeSlots(fake: Fake, slots: number): number {
  return fake.holds.reduce((free, { count }) => free - count, slots - (fake.taken?.count ?? 0))
}
