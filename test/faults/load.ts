/** Clients that connect again and again, for rows in which something happens under load. */

import type { AskedEnd } from './asked.js'
import type { Server } from './server.js'

export interface Load {
  /** Ends it once nobody is waiting any more; tells how many ended how. */
  stop(): Promise<Record<AskedEnd, number>>
}

/** A row that has failed may not have stopped its load: it ends after so many milliseconds all the same. */
const longest = 120_000

/** So many at a time, until stopped; each asks the handler for the same. */
export function load(server: Server, count: number, what = ''): Load {
  const deadline = performance.now() + longest
  let over = false
  const ends: Record<AskedEnd, number> = {
    ok: 0,
    rst: 0,
    eof: 0,
    refused: 0,
    timeout: 0,
    dropped: 0,
  }
  const loops = Array.from({ length: count }, async () => {
    while (!over && performance.now() < deadline) {
      const end = await server.client(what).ended
      ends[end]++
      // Where nobody listens any more this would spin.
      if (end === 'refused') await new Promise((resolve) => setTimeout(resolve, 10))
    }
  })
  return {
    async stop() {
      over = true
      await Promise.all(loops)
      return ends
    },
  }
}
