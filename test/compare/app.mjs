/** The app that every contestant of the keep-alive benches serves, and what it counts; loaded by kids and by node:cluster. */

import { appendFileSync } from 'node:fs'
import { join } from 'node:path'

/** How long, in milliseconds, /slow blocks its process: asleep, so that cores are not what is measured. */
const blockFor = 50
/** How long, in milliseconds, /post takes after its body without holding up anybody. */
const postTakes = 2
/** How often, in milliseconds, what was counted is written, if anything was. */
const beat = 100

/** The part of the responses that end their connections: what is gained and lost between keeping all and none. */
const closes = Number(process.env.COMPARE_CLOSES ?? 0)

const nobody = new Int32Array(new SharedArrayBuffer(4))
const seen = new WeakSet()

/** Since it was last written: connections by their first request, requests, and the most in the app at once. */
let connections = 0
let requests = 0
let most = 0
/** Now: requests in the app, and connections that have made one. */
let inside = 0
let open = 0

export default function app(request, response) {
  const { socket } = request
  if (!seen.has(socket)) {
    seen.add(socket)
    connections++
    open++
    socket.once('close', () => open--)
  }
  requests++
  inside++
  most = Math.max(most, inside)
  switch (request.url) {
    case '/slow':
      Atomics.wait(nobody, 0, 0, blockFor)
      answer(response)
      break
    // It gives way once: whoever lets in more than one request shows it here.
    case '/await':
      setTimeout(answer, 1, response)
      break
    case '/post':
      // A body that breaks off has no end: its request has left all the same.
      request.once('close', () => request.readableEnded || leave())
      request.resume().once('end', () => setTimeout(answer, postTakes, response))
      break
    default:
      answer(response)
  }
}

function answer(response) {
  // Before the last call, since the server may let in the next request from within it.
  leave()
  // Without a length Node.js keeps no connection of HTTP/1.0 alive, which is what ab speaks.
  const headers = { 'Content-Length': 1 }
  if (Math.random() < closes) headers.Connection = 'close'
  response.writeHead(200, headers).end('x')
}

function leave() {
  inside--
}

const folder = process.env.COMPARE_COUNTS
if (folder !== undefined) {
  const file = join(folder, `${process.pid}`)
  let told = ''
  const tell = () => {
    const line = JSON.stringify({ connections, requests, most, open })
    if (line === told) return
    try {
      appendFileSync(file, `{"at":${Date.now()},${line.slice(1)}\n`)
    } catch {
      // The bench is over and has removed the folder.
    }
    connections = 0
    requests = 0
    most = inside
    told = JSON.stringify({ connections, requests, most, open })
  }
  tell()
  setInterval(tell, beat).unref()
  process.once('exit', tell)
}
