/** One connection of a client over bare system calls; for connections one after another. */

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
 * One connection to loopback: a request out and no more, bytes in until the end. `end` is called once; it is not `ok` when
 * nothing was answered.
 */
export function exchange(port: number, request: string, end: (ok: boolean) => void): void {
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
      shutdownWrite(fd)
      watch.start()
    } else if (errnoName(sent) === 'EAGAIN') {
      // Not established yet: on loopback that means that the queue is full, and the kernel tries again.
      setTimeout(send, beat)
    } else finish(false)
  }
  send()
}
