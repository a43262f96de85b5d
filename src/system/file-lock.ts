/** A lock on an open file, held until it is closed or its process ends; used for the pid file. */

import { binding } from './binding.js'
import { errnoName } from './errno.js'

/**
 * Locks the file for us alone, without waiting: `locked`, `held` by another process, or `unknown` where the file system
 * knows no locks.
 */
export function tryLock(fd: number): 'locked' | 'held' | 'unknown' {
  for (;;) {
    const result = binding.lock(fd)
    if (result >= 0) return 'locked'
    const code = errnoName(result)
    if (code === 'EINTR') continue
    return code === 'EAGAIN' || code === 'EWOULDBLOCK' ? 'held' : 'unknown'
  }
}
