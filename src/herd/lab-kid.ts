/** A kid of the lab: one blocking loop over system calls, the same for every strategy but for who wakes. A process. */

import { openSync } from 'node:fs'
import { close, read, write } from '../system/descriptors.js'
import { errnoName, negated } from '../system/errno.js'
import {
  acceptBlocking,
  addToEpoll,
  lockWaiting,
  openEpoll,
  poll,
  sleep,
  unlock,
  waitOnEpoll,
} from '../system/herd-calls.js'
import { answer, labFds } from './lab-protocol.js'
import { field, openCounts } from './shared-counts.js'

const [strategy = '', memory = '', number = ''] = process.argv.slice(2)
const kid = Number(number)
const { listener, commands, statuses } = labFds
const counts = openCounts(memory)
const { cells } = counts
const start = counts.start(kid)
const buffer = Buffer.alloc(1)
const reply = Buffer.from('x')

const EAGAIN = negated('EAGAIN')

/** Waits as the strategy does, then accepts: a descriptor, or a negated errno. */
function acceptAs(name: string): () => number {
  switch (name) {
    case 'accept':
    case 'reuseport':
      return () => {
        const fd = acceptBlocking(listener)
        woken()
        return fd
      }
    case 'poll': {
      const fds = Int32Array.of(listener)
      return () => {
        check(poll(fds, -1), 'poll')
        woken()
        return acceptBlocking(listener)
      }
    }
    case 'epoll':
    case 'epollexclusive': {
      const epoll = openEpoll()
      check(addToEpoll(epoll, listener, name === 'epollexclusive'), 'epoll_ctl')
      return () => {
        check(waitOnEpoll(epoll, -1), 'epoll_wait')
        woken()
        return acceptBlocking(listener)
      }
    }
    case 'flock': {
      // Opened again: a lock belongs to the open file description, which kids would otherwise share.
      const lock = openSync(memory, 'r+')
      return () => {
        check(lockWaiting(lock), 'flock')
        const fd = acceptBlocking(listener)
        woken()
        check(unlock(lock), 'flock')
        return fd
      }
    }
    case 'command':
    case 'queue':
      return () => {
        const bytes = check(read(commands, buffer), 'reading an order')
        // The lab's parent is gone, and the lab is ending us too.
        if (bytes === 0) process.exit(0)
        woken()
        const fd = acceptBlocking(listener)
        tell(fd >= 0 ? answer.accepted : answer.nothing)
        return fd
      }
    default:
      throw new Error(`no strategy ${name}`)
  }
}

function count(what: number): void {
  cells[start + what] = (cells[start + what] as number) + 1
}

function woken(): void {
  count(field.waits)
}

/** The result, or the end of this kid: nothing that may fail here fails on a healthy system. */
function check(result: number, call: string): number {
  if (result < 0 && errnoName(result) !== 'EINTR') {
    throw new Error(`${call} failed with ${errnoName(result)}`)
  }
  return result
}

function tell(what: number): void {
  buffer[0] = kid | what
  check(write(statuses, buffer), 'writing a status')
}

/** Answers one connection; its first byte is how many milliseconds of work it means. */
function serve(fd: number): void {
  // A client that has given up is no reason to stop: what fails here, its own close tells it.
  if (read(fd, buffer) === 1) {
    const work = buffer[0] as number
    if (work > 0) sleep(work * 1000)
    write(fd, reply)
  }
  close(fd)
}

const acceptOne = acceptAs(strategy)
const commanded = strategy === 'command' || strategy === 'queue'
if (commanded) tell(answer.idle)
counts.announce(kid)
for (;;) {
  const fd = acceptOne()
  if (fd >= 0) {
    count(field.accepted)
    serve(fd)
    if (commanded) tell(answer.idle)
  } else if (fd === EAGAIN) {
    count(field.empty)
  } else if (errnoName(fd) !== 'ECONNABORTED') {
    check(fd, 'accept')
  }
}
