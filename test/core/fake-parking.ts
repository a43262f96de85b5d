/** What fake kids do with connections that are kept alive: each move is one that an honest kid may make. */

import type { Change, Status } from '../../src/protocol/lines.js'
import { able, type Fake, freeSlots } from './fake.js'

/** What they need of the world. */
interface Around {
  served: number
  readonly settings: { readonly slots: number }
}

function tell(fake: Fake, type: Change, seq: number): void {
  fake.outbox.push({ type, seq, count: 1 } as Status)
}

/** Takes its oldest connection out of its slot: the order it came with, or undefined where it has none. */
function leaveSlot(fake: Fake): number | undefined {
  const hold = fake.holds[0]
  if (!able(fake) || hold === undefined) return undefined
  hold.count--
  if (hold.count === 0) fake.holds.shift()
  return hold.seq
}

/** Its oldest connection waits for its client, without a slot. */
export function park(fake: Fake): boolean {
  const seq = leaveSlot(fake)
  if (seq === undefined) return false
  fake.parked.push(seq)
  tell(fake, 'park', seq)
  return true
}

/** A parked connection's client sends a request, which is at work or waits. */
export function request(world: Around, fake: Fake): boolean {
  if (!able(fake) || fake.waiting === fake.parked.length) return false
  fake.waiting++
  if (!resume(world, fake)) tellWaiting(fake)
  return true
}

/** A request has its slot. One that is owed to the kernel's queue is kept for that. */
export function resume(world: Around, fake: Fake): boolean {
  const free = freeSlots(fake, world.settings.slots) - Number(fake.owes && !fake.leaving)
  if (!able(fake) || fake.waiting === 0 || free <= 0) return false
  const seq = fake.parked.shift()
  if (seq === undefined) return false
  fake.waiting--
  tell(fake, 'resume', seq)
  tellWaiting(fake)
  fake.holds.push({ seq, count: 1 })
  return true
}

/** No order has come for the slot that it owed. */
export function giveBack(fake: Fake): boolean {
  if (!able(fake) || !fake.owes) return false
  fake.owes = false
  return true
}

/** A parked connection ends, by its client's wish or a limit's. */
export function endParked(world: Around, fake: Fake, how: 'done' | 'cut' = 'done'): boolean {
  if (!able(fake) || fake.parked.length === 0) return false
  fake.parked.pop()
  world.served++
  tell(fake, how, 0)
  if (fake.waiting > fake.parked.length) {
    fake.waiting = fake.parked.length
    tellWaiting(fake)
  }
  return true
}

/** Its oldest connection is ended by a limit, or was gone before it was served. */
export function endOtherwise(world: Around, fake: Fake, how: 'cut' | 'skip'): boolean {
  const seq = leaveSlot(fake)
  if (seq === undefined) return false
  world.served++
  tell(fake, how, seq)
  return true
}

/** Ends all that is parked and has nothing to say. */
export function unparkAll(world: Around, fake: Fake): void {
  while (fake.parked.length > fake.waiting && endParked(world, fake));
}

function tellWaiting(fake: Fake): void {
  fake.outbox.push({ type: 'waiting', count: fake.waiting })
}
