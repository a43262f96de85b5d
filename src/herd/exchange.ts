/** One light connection to a contestant over bare system calls; for connections one after another. */

import { close, connect, read, shutdownWrite, writeText } from '../system/descriptors.js'
import { errnoName } from '../system/errno.js'
import { Watch } from '../system/watch.js'
import { requests } from './contestants.js'

/** A connection that takes longer than this, in milliseconds, has failed. */
const patience = 10_000
/** How often, in milliseconds, one that is not established yet is tried again. */
const beat = 1

const host = '127.0.0.1'
const buffer = Buffer.allocUnsafe(512)

/** A request out and no more, bytes in until the end. @throws Error when nothing is answered */
export function exchange(port: number): Promise<void> {
  const { light } = requests.tcp
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`a connection to port ${port}: ${why}`))
    const fd = connect(host, port)
    if (fd < 0) {
      fail(errnoName(fd))
      return
    }
    let answered = false
    let over = false
    const end = (why?: string) => {
      if (over) return
      over = true
      clearTimeout(limit)
      watch.close()
      close(fd)
      if (why === undefined) resolve()
      else fail(why)
    }
    const watch = new Watch(fd, () => {
      const bytes = read(fd, buffer)
      if (bytes > 0) answered = true
      else if (bytes === 0) end(answered ? undefined : 'it had no reply')
      else if (errnoName(bytes) !== 'EAGAIN') end(errnoName(bytes))
    })
    const limit = setTimeout(end, patience, 'it took too long')
    const send = () => {
      if (over) return
      const sent = writeText(fd, light)
      if (sent === light.length) {
        // That no more comes is for those who wait for it; who has answered and gone already needs it no more.
        shutdownWrite(fd)
        watch.start()
      } else if (errnoName(sent) === 'EAGAIN') {
        // Not established yet: on loopback that means that the queue is full, and the kernel tries again.
        setTimeout(send, beat)
      } else end(errnoName(sent))
    }
    send()
  })
}
