/** node:cluster as the lab runs it. Run as: lab-cluster.js cluster-rr|cluster-none|cluster-reuseport KIDS [PORT]; 3 is the listener. */

import cluster from 'node:cluster'
import { createServer } from 'node:net'

const [strategy, kids, port] = process.argv.slice(2)
cluster.schedulingPolicy = strategy === 'cluster-rr' ? cluster.SCHED_RR : cluster.SCHED_NONE

if (cluster.isPrimary) {
  const forked = Array.from({ length: Number(kids) }, () => cluster.fork())
  let left = forked.length
  cluster.on('exit', () => {
    left--
    // None is to be missed while it is measured.
    process.exitCode = 1
    for (const kid of forked) kid.process.kill('SIGKILL')
    if (left === 0) process.exit()
  })
  process.on('SIGTERM', () => {
    for (const kid of forked) kid.process.kill('SIGKILL')
  })
} else {
  const { default: handle, setup } = await import('./lab-handler.js')
  // The types of Node.js 20 know neither reusePort nor fd here.
  const place: object =
    strategy === 'cluster-reuseport'
      ? { host: '127.0.0.1', port: Number(port), reusePort: true }
      : { fd: 3 }
  createServer(handle).listen({ ...place, backlog: 4096 }, setup)
}
