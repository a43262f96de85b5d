/** The lab's parent, for `command` and `queue`: watches the listener only while a kid is idle, and orders. A process. */

import { read, write } from '../system/descriptors.js'
import { errnoName } from '../system/errno.js'
import { poll, queueDepth } from '../system/herd-calls.js'
import { answer, kidOf, parentFds, saidBy } from './lab-protocol.js'

const strategy = process.argv[2]
const { listener, statuses, firstCommand } = parentFds
const order = Buffer.alloc(1)
const buffer = Buffer.alloc(256)

/** The longest-idle first. */
const idle: number[] = []
/** Orders without an answer. */
let out = 0

const both = Int32Array.of(statuses, listener)
const onlyStatuses = Int32Array.of(statuses)

function check(result: number, call: string): number {
  if (result < 0) throw new Error(`${call} failed with ${errnoName(result)}`)
  return result
}

function hear(): void {
  const bytes = check(read(statuses, buffer), 'reading statuses')
  // All kids are gone, and the lab is ending us too.
  if (bytes === 0) process.exit(0)
  for (let i = 0; i < bytes; i++) {
    const byte = buffer[i] as number
    const said = saidBy(byte)
    if (said !== answer.idle) out--
    // Who found nothing is idle at once, who has accepted says so when the connection is done.
    if (said !== answer.accepted) idle.push(kidOf(byte))
  }
}

for (;;) {
  const ready = check(poll(idle.length > 0 ? both : onlyStatuses, -1), 'poll')
  if ((ready & 1) !== 0) hear()
  if ((ready & 2) === 0) continue
  const waiting = strategy === 'queue' ? check(queueDepth(listener), 'TCP_INFO') : 1
  const count = Math.min(Math.max(waiting, 1), idle.length)
  for (let i = 0; i < count; i++) {
    check(write(firstCommand + (idle.shift() as number), order), 'writing an order')
    out++
  }
  while (out > 0) hear()
}
