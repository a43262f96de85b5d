/** One connection of a client over bare system calls; what clients of comparisons are made of. */

import { close, connect, read, shutdownWrite, writeText } from '../system/descriptors.js'
import { errnoName } from '../system/errno.js'
import { Watch } from '../system/watch.js'

/** A connection that takes longer than this, in milliseconds, has failed. */
const patience = 10_000
/** How often, in milliseconds, one that is not established yet is tried again. */
const beat = 1

const host = '127.0.0.1'
const buffer = Buffer.allocUnsafe(512)

/**
 * One connection to loopback: a request out, bytes in until the end. `end` is called once; `thenEnds` is whether the
 * client says that no more will come after the request, which some servers wait for.
 */
export function exchange(
  port: number,
  request: string,
  end: (ok: boolean) => void,
  { thenEnds = false } = {},
): void {
  const fd = connect(host, port)
  if (fd < 0) {
    setImmediate(() => end(false))
    return
  }
  let answered = false
  let over = false
  const finish = (ok: boolean) => {
    if (over) return
    over = true
    clearTimeout(limit)
    watch.close()
    close(fd)
    end(ok)
  }
  const watch = new Watch(fd, () => {
    const bytes = read(fd, buffer)
    if (bytes > 0) answered = true
    else if (bytes === 0) finish(answered)
    else if (errnoName(bytes) !== 'EAGAIN') finish(false)
  })
  const limit = setTimeout(() => finish(false), patience)
  const send = () => {
    if (over) return
    const sent = writeText(fd, request)
    if (sent === request.length) {
      if (thenEnds) shutdownWrite(fd)
      watch.start()
    } else if (errnoName(sent) === 'EAGAIN') {
      // Not established yet: on loopback that means that the queue is full, and the kernel tries again.
      setTimeout(send, beat)
    } else finish(false)
  }
  send()
}
