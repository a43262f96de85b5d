// A program with preforkd inside it. After npm run build: node examples/embed/main.js
// It serves the echo handler on a free port, is its own client three times, tells what happens, and stops by itself.

import { once } from 'node:events'
import { connect } from 'node:net'
import { createPreforker } from 'preforkd'

const connections = 3

const server = createPreforker({
  handler: new URL('../echo/handler.js', import.meta.url),
  listen: '127.0.0.1:0',
  kids: 2,
  logLevel: 'warn',
})

server.on('idle', ({ kid }) => console.log(`kid ${kid} is up`))
server.on('order', ({ kid, count }) => console.log(`kid ${kid} is told to accept ${count}`))
server.on('done', ({ kid, count }) => console.log(`kid ${kid} has finished ${count}`))
server.on('gone', ({ kid, code }) => console.log(`kid ${kid} ended with code ${code}`))

// Once in every turn of the parent's loop in which anything happened: the place to look at the whole. Keep it short.
server.on('round', () => {
  if (server.status().counters.done >= connections) server.stop()
})

await server.start()
const { host, port } = server.address
for (let i = 0; i < connections; i++) {
  const client = connect(port, host)
  const [greeting] = await once(client.setEncoding('utf8'), 'data')
  console.log(`the client reads: ${greeting.trim().replace(/pid \d+/, 'pid ...')}`)
  client.end()
}

// Not one connection is under way when this settles, and every kid is gone.
await server.closed
const { accepted, done, lost } = server.status().counters
console.log(`${accepted} accepted, ${done} done, ${lost} lost`)
