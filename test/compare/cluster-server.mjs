/** node:cluster with the same app: what users have today. Run as: cluster-server.mjs rr|none PROCESSES KEEP_ALIVE_MS */

import cluster from 'node:cluster'
import { createServer } from 'node:http'

const [policy, processes, keepAlive] = process.argv.slice(2)
cluster.schedulingPolicy = policy === 'none' ? cluster.SCHED_NONE : cluster.SCHED_RR

if (cluster.isPrimary) {
  let up = 0
  let ending = false
  cluster.on('listening', (_, { port }) => {
    up++
    if (up === Number(processes)) process.stdout.write(`${JSON.stringify({ port })}\n`)
  })
  // One that has ended is replaced, as preforkd does it.
  cluster.on('exit', () => ending || cluster.fork())
  for (let i = 0; i < Number(processes); i++) cluster.fork()
  process.on('SIGTERM', () => {
    ending = true
    process.exit()
  })
} else {
  // The primary serves nothing, so it counts nothing.
  const { default: app } = await import('./app.mjs')
  const server = createServer({ keepAliveTimeout: Number(keepAlive) }, app)
  server.listen({ host: '127.0.0.1', port: 0, backlog: 2048 })
}
