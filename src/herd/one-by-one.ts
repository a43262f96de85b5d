/** Connections one after another, over bare system calls; for costs that depend on how many kids wait, not on load. */

import { performance } from 'node:perf_hooks'
import { close, connect, read, shutdownWrite, writeText } from '../system/descriptors.js'
import { errnoName } from '../system/errno.js'
import { Watch } from '../system/watch.js'

const buffer = Buffer.allocUnsafe(512)
const host = '127.0.0.1'

/** A connection that takes longer than this, in milliseconds, has failed. */
const patience = 10_000

/** Makes so many connections, to the ports in turn; settles when the last has had its reply. Throws Error when one fails. */
export async function connectOneByOne(ports: readonly number[], count: number): Promise<void> {
  for (let i = 0; i < count; i++) await exchange(ports[i % ports.length] as number)
}

/** Says a byte and that there is no more, and waits for the end. */
function exchange(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const fd = connect(host, port)
    if (fd < 0) {
      reject(new Error(`connecting to port ${port}: ${errnoName(fd)}`))
      return
    }
    const begun = performance.now()
    const watch = new Watch(fd, () => {
      const bytes = read(fd, buffer)
      if (bytes > 0 || (bytes < 0 && errnoName(bytes) === 'EAGAIN')) return
      finish(bytes === 0 ? undefined : errnoName(bytes))
    })
    const limit = setTimeout(() => finish('no reply'), patience)
    const finish = (trouble: string | undefined) => {
      clearTimeout(limit)
      watch.close()
      close(fd)
      if (trouble === undefined) resolve()
      else reject(new Error(`a connection to port ${port}: ${trouble}`))
    }
    const send = () => {
      const sent = writeText(fd, 'l')
      if (sent === 1) {
        shutdownWrite(fd)
        watch.start()
      } else if (errnoName(sent) === 'EAGAIN' && performance.now() - begun < patience) {
        setImmediate(send)
      } else finish(errnoName(sent))
    }
    send()
  })
}
