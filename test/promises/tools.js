// What the promises are measured with: clients, processes, waiting for facts; used by run.js alone.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { performance } from 'node:perf_hooks'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** One connection: sends `text`, collects what comes; settles with how it ended, and never rejects. */
export function call(port, text = 'l', { timeout = 20_000 } = {}) {
  const begun = performance.now()
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    let got = ''
    const end = (how) => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ how, got, ms: performance.now() - begun, ended: performance.now() })
    }
    const timer = setTimeout(() => end('timeout'), timeout)
    socket.on('connect', () => socket.write(text))
    socket.on('data', (data) => {
      got += data
    })
    socket.on('end', () => end(got === '' ? 'closed' : 'ok'))
    socket.on('error', (error) => end(error.code))
  })
}

/** Settles when `fact()` is true, asking every `every` ms, or throws after `limit` ms. */
export async function until(fact, limit = 20_000, every = 2) {
  const end = performance.now() + limit
  while (!fact()) {
    if (performance.now() > end) throw new Error(`not within ${limit} ms: ${fact}`)
    await new Promise((resolve) => setTimeout(resolve, every))
  }
}

/** Whether a process is there and is no zombie. */
export function alive(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return !'ZX'.includes(stat.slice(stat.lastIndexOf(')') + 2)[0])
  } catch {
    return false
  }
}

/** Voluntary switches of a process's main thread: how often it went to sleep, and so how often it was woken. */
export function sleeps(pid) {
  return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`))[1])
}

export function descriptors(pid = process.pid) {
  return readdirSync(`/proc/${pid}/fd`).length
}

export function rss(pid = process.pid) {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`))[1]) / 1024
}

/** CPU milliseconds of a process so far. */
export function cpu(pid) {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, task) => {
    const ns = readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ')[0]
    return sum + Number(ns) / 1e6
  }, 0)
}

export function fixture(name) {
  return fileURLToPath(new URL(`./${name}`, import.meta.url))
}

/** Runs the command; settles when it is ready, with its pid and port. */
export async function command(...flags) {
  const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
  const server = spawn(process.execPath, [main, '--listen', '127.0.0.1:0', ...flags], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const lines = []
  const exit = once(server, 'exit')
  const port = await new Promise((resolve) => {
    createInterface({ input: server.stderr }).on('line', (line) => {
      const record = JSON.parse(line)
      lines.push(record)
      if (record.addresses) resolve(Number(record.addresses[0].split(':').at(-1)))
    })
  })
  return { pid: server.pid, port, lines, exit, signal: (name) => server.kill(name) }
}

export function kidsOf(pid) {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1')
    .split(' ')
    .filter(Boolean)
    .map(Number)
}
