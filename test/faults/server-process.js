// A server of the fault rows in a process of its own: the library under the options in argv[2], led and asked over Node's channel.

import { openSync, readdirSync, readSync } from 'node:fs'
import { createPreforker } from '../../dist/index.js'

const { options, tell } = JSON.parse(process.argv[2])
const events = ['spawn', 'idle', 'kill', 'gone', 'lost', 'shed', 'overload', 'stop', ...tell]

/** How often the loop is looked at, in milliseconds. */
const every = 5
const stalls = { largest: 0, spawning: 0 }
// Open from the beginning: a row may leave us no descriptor.
const schedstat = openSync('/proc/thread-self/schedstat')
const numbers = Buffer.alloc(200)
let spawned = false
let last = { at: performance.now(), queued: queued() }

/** Milliseconds this thread has waited for a processor so far: no fault of ours. */
function queued() {
  const length = readSync(schedstat, numbers, 0, numbers.length, 0)
  return Number(numbers.toString('latin1', 0, length).split(' ')[1]) / 1e6
}

const watch = setInterval(() => {
  const now = { at: performance.now(), queued: queued() }
  const stall = now.at - last.at - every - (now.queued - last.queued)
  const kind = spawned ? 'spawning' : 'largest'
  stalls[kind] = Math.max(stalls[kind], stall)
  spawned = false
  last = now
}, every)

const descriptors = () => readdirSync('/proc/self/fd').length

// The channel and all that Node.js opens late is open by now.
const opened = descriptors()
const server = createPreforker({ ...options, listen: options.listen ?? '127.0.0.1:0' })
for (const name of events) {
  server.on(name, (told = {}) => {
    if (name === 'spawn') spawned = true
    if (process.connected) process.send({ event: name, at: Date.now(), told })
  })
}

const deeds = {
  status: () => ({ ...server.status(), descriptors: descriptors(), stalls }),
  stop: (graceful) => server.stop({ graceful }),
  reload: (changes) => server.reload({ ...options, ...changes }),
  resize: (by) => server.resize(by),
  /** Holds up the loop, as other work of an embedding program might. */
  hold: (ms) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms),
}

process.on('message', async ({ number, deed, argument }) => {
  try {
    process.send({ number, value: (await deeds[deed](argument)) ?? null })
  } catch (error) {
    process.send({ number, error: error.message })
  }
})
const stopAlone = () => server.stop({ graceful: false }).catch(() => {})
process.on('disconnect', stopAlone)
// Whoever started us may have ended while we were loading.
if (!process.connected) stopAlone()

/** The descriptors of last words are closed a moment after the end. */
async function extra() {
  for (let i = 0; i < 200 && descriptors() > opened; i++) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return descriptors() - opened
}

server.start().catch(() => {})
try {
  await server.closed
} catch (error) {
  console.error(`preforkd: ${error.message}`)
  process.exitCode = error.exitCode ?? 70
}
clearInterval(watch)
const end = { status: server.status(), extra: await extra(), stalls }
if (process.connected) process.send({ end })
// With nothing left to do it ends by itself, or that is a defect.
process.channel?.unref()
