/** node:cluster with the same handler: the contestant that users have today. Run as: cluster-server.js rr|none KIDS tcp|http */

import cluster from 'node:cluster'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import handle from './handler.js'
import app from './http-app.js'

const [policy, kids, protocol] = process.argv.slice(2)
cluster.schedulingPolicy = policy === 'none' ? cluster.SCHED_NONE : cluster.SCHED_RR

if (cluster.isPrimary) {
  let up = 0
  cluster.on('listening', (_, { port }) => {
    up++
    if (up === Number(kids)) process.stdout.write(`${JSON.stringify({ port })}\n`)
  })
  for (let i = 0; i < Number(kids); i++) cluster.fork()
  process.on('SIGTERM', () => process.exit())
} else {
  const server = protocol === 'http' ? createHttpServer(app) : createServer(handle)
  server.listen({ host: '127.0.0.1', port: 0, backlog: 2048 }, () => {
    // The primary passes the port on; asking here only makes sure that there is one.
    if ((server.address() as AddressInfo).port === 0) throw new Error('no port')
  })
}
