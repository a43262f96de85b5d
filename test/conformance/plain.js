// Serves an app as its framework does by itself: node plain.js APP.js; says its port, and ends with its standard input.

import { createServer } from 'node:http'
import { pathToFileURL } from 'node:url'

const { default: app } = await import(pathToFileURL(process.argv[2]).href)
const where = { port: 0, host: '127.0.0.1' }
let server
if (typeof app === 'function') {
  server = createServer(app).listen(where, ready)
} else if (typeof app.callback === 'function') {
  server = app.listen(where, ready)
} else {
  await app.listen(where)
  server = app.server
  ready()
}

function ready() {
  process.stdout.write(`${server.address().port}\n`)
}

process.stdin.resume().once('end', () => process.exit())
