/** What a process asks of the kernel about itself; used by parent and kids when they start. */

import { constants } from 'node:os'
import { SystemError } from '../errors.js'
import { binding } from './binding.js'
import { errnoName } from './errno.js'

/**
 * Has the kernel send this process `signal` when the thread that spawned it ends. For kids that are stuck: one that
 * still reads learns of its parent's death from the end of file on its command pipe.
 *
 * Call it after dropping privileges, which clears it, and compare `process.ppid` afterwards: a parent that died
 * before is not reported.
 * @returns false where the system knows no such thing (all but Linux): there a stuck kid outlives its parent
 * @throws SystemError (EINVAL)
 */
export function setParentDeathSignal(signal: NodeJS.Signals): boolean {
  const result = binding.parentDeathSignal(constants.signals[signal])
  return hasHappened(result, 'setting the parent death signal', signal)
}

/**
 * From now on there is no core file of this process, and no process of the same user reads or changes its memory; root
 * may still. A program that it starts is not concerned: exec undoes it, which is why nobody else can do it for us.
 * @returns false where the system knows no such thing (all but Linux)
 * @throws SystemError (EINVAL)
 */
export function forbidDump(): boolean {
  return hasHappened(binding.forbidDump(), 'forbidding dumps')
}

/**
 * From now on this process, when it is woken, lets whoever runs finish its turn (SCHED_BATCH), and so does what it starts;
 * their share of the processor is the same. Under load each then finds more to do every time it runs: 4 kids x 8 slots,
 * 32 clients in a closed loop on 2 cores make 11 % more connections a second, with a third less CPU in the parent.
 *
 * Left as it is where somebody has chosen a policy for us, where the kernel refuses, and on all systems but Linux: it is
 * no more than a wish.
 */
export function yieldWhenWoken(): void {
  if (binding.scheduler() === 0) binding.scheduleAsBatch()
}

/**
 * Ends the process with `_exit`. `process.exit` waits for the threads of libuv's pool, and so for ever where one of them
 * is blocked in a write that nobody reads.
 */
export function exitAtOnce(code: number): never {
  return binding.exitAtOnce(code)
}

/** False where the system knows no such thing. */
function hasHappened(result: number, doing: string, detail?: string): boolean {
  if (result >= 0) return true
  const code = errnoName(result)
  if (code === 'ENOTSUP') return false
  throw new SystemError(doing, code, detail)
}
