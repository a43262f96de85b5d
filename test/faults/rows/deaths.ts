/** Group A: kids that die. */

import assert from 'node:assert/strict'
import { signal } from '../../process/processes.js'
import type { Bed } from '../bed.js'
import type { Row } from '../row.js'

export const deaths: readonly Row[] = [
  {
    number: 1,
    group: 'A',
    fault: 'a kid is killed while it is idle',
    inject: 'SIGKILL from outside',
    quick: true,
    async run(bed) {
      const server = await bed.serve({ kids: 2 })
      const victim = server.kids[0] as number
      await signal(victim, 'SIGKILL')
      await server.event('gone', ({ pid }) => pid === victim)
      await server.event('idle', () => true, 3)
      const { counters } = await server.status()
      assert.equal(counters.lost + counters.unanswered, 0)
    },
  },
  {
    number: 2,
    group: 'A',
    fault: 'a kid is killed while it is busy',
    inject: 'SIGKILL while its handler holds a connection',
    quick: true,
    async run(bed: Bed) {
      const server = await bed.serve({ kids: 2, slots: 1 })
      const victim = server.client('hold 60000')
      const { kids } = await server.statusIs(({ states }) => states.busy === 1, 'a busy kid')
      await signal(kids.find(({ held }) => held === 1)?.pid as number, 'SIGKILL')
      assert.ok(['rst', 'eof'].includes(await victim.ended))
      assert.equal(await server.client().ended, 'ok')
      const { counters } = await server.statusIs(({ counters }) => counters.lost === 1, 'the loss')
      assert.equal(counters.unanswered, 0)
    },
  },
]
