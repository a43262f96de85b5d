/** Has every http.Server that listens served by `http()` of preforkd; preloaded into suites by `node --import`. */

/*
 * In front of the server stands a net.Server, which listens in its place and hands connections on as a kid does. The server
 * is told what it would have been told had it listened itself.
 */

import { Server as HttpServer } from 'node:http'
import { createServer, Server } from 'node:net'
import { http } from '../../../dist/http.js'

const { prototype } = Server
const { listen, close, address, getConnections, ref, unref } = prototype
const { get: isListening } = Object.getOwnPropertyDescriptor(prototype, 'listening')
/** What listens in the place of a server. */
const fronts = new WeakMap()
/** Servers that were told not to keep the process, perhaps before they listened. */
const unreffed = new WeakSet()

/** A kid that has room for everybody and is never told to leave. */
const kid = {
  number: 1,
  generation: 1,
  log: { error() {}, warn() {}, info() {}, debug() {} },
  listener: { number: 0, name: 'suite', address: '127.0.0.1:0' },
  signal: new AbortController().signal,
  label() {},
  shutdown() {},
  recycle() {},
  waiting: () => false,
  onPressure: () => () => {},
  detach() {},
}

function frontOf(server) {
  const handler = http(server)
  const front = createServer((socket) => {
    socket.on('error', () => {})
    void handler(socket, kid)
  })
  // What stands in for `close` in a kid would leave the front listening.
  Object.defineProperty(server, 'close', {
    configurable: true,
    get: () => prototype.close,
    set: () => {},
  })
  for (const event of ['listening', 'close', 'error', 'drop']) {
    front.on(event, (...told) => server.emit(event, ...told))
  }
  fronts.set(server, front)
  return front
}

prototype.listen = function (...args) {
  if (!(this instanceof HttpServer)) return listen.apply(this, args)
  const front = fronts.get(this) ?? frontOf(this)
  const last = args.at(-1)
  if (typeof last === 'function') this.once('listening', args.pop())
  front.listen(...args)
  if (unreffed.has(this)) front.unref()
  return this
}

prototype.close = function (callback) {
  const front = fronts.get(this)
  // What is wrong with that is said by Node.js.
  if (!front?.listening) return close.call(this, callback)
  if (typeof callback === 'function') this.once('close', callback)
  front.close()
  return this
}

prototype.address = function () {
  return address.call(fronts.get(this) ?? this)
}

prototype.getConnections = function (callback) {
  getConnections.call(fronts.get(this) ?? this, callback)
  return this
}

prototype.ref = function () {
  unreffed.delete(this)
  ref.call(fronts.get(this) ?? this)
  return this
}

prototype.unref = function () {
  unreffed.add(this)
  unref.call(fronts.get(this) ?? this)
  return this
}

Object.defineProperty(prototype, 'listening', {
  configurable: true,
  get() {
    return isListening.call(fronts.get(this) ?? this)
  },
})
