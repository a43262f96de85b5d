/** Runs the load client as a process of its own; used by every comparison. */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { LoadPlan, LoadResult } from './load-client.js'

export async function runClient(plan: LoadPlan): Promise<LoadResult> {
  const client = fork(fileURLToPath(new URL('./load-client.js', import.meta.url)))
  client.send(plan)
  const [result] = (await once(client, 'message')) as [LoadResult]
  return result
}
