// npm run promises [NAME ...]: measures what the docs promise and prints a line for each; takes about two minutes.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { performance } from 'node:perf_hooks'
import { createPreforker } from 'preforkd'
import { ClientProcess } from '../../dist/herd/client-process.js'
import { requests } from '../../dist/herd/contestants.js'
import { deploys } from './deploys.js'
import * as tools from './tools.js'

const { call, until } = tools
const handler = tools.fixture('handler.js')
const listen = '127.0.0.1:0'

async function serve(options, measure) {
  const server = createPreforker({ handler, listen, logLevel: 'silent', ...options })
  await server.start()
  const figures = await measure(server, server.address.port).finally(() => server.stop())
  const { accepted, done, held, lost } = server.status().counters
  if (accepted !== done + held + lost) throw new Error('the counters do not add up')
  return figures
}

const idle = (server, n) => until(() => server.status().states.idle === n)

const promises = {
  async 'one connection wakes one kid'() {
    return serve({ kids: 8 }, async (server, port) => {
      await idle(server, 8)
      const orders = new Map()
      server.on('order', ({ kid }) => orders.set(kid, (orders.get(kid) ?? 0) + 1))
      for (let i = 0; i < 500; i++) await call(port)
      const first = server.status().counters
      for (let i = 0; i < 1000; i++) await call(port)
      const last = server.status().counters
      // Connections so close to each other keep a few kids warm in turn; the rest must never wake.
      const cool = server.status().kids.filter(({ number }) => !orders.has(number))
      const before = cool.map(({ pid }) => tools.sleeps(pid))
      for (let i = 0; i < 1000; i++) await call(port)
      const wakes = new Map(cool.map(({ pid }, i) => [pid, tools.sleeps(pid) - before[i]]))
      const counted = await systemCalls(cool.map(({ pid }) => pid))
      for (let i = 0; i < 1000; i++) await call(port)
      const callsOf = await counted()
      const idlers = cool.filter(({ number }) => !orders.has(number))
      const woken = idlers.reduce((n, { pid }) => n + wakes.get(pid), 0)
      const calls = idlers.reduce((n, { pid }) => n + callsOf(pid), 0)
      return {
        accepted: last.accepted - first.accepted,
        orders: last.orders - first.orders,
        empty: last.empty - first.empty,
        'kids ordered': orders.size,
        'kids never ordered': idlers.length,
        'their wakes': woken,
        'their system calls': calls,
      }
    })
  },

  async '100,000 connections leave nothing behind'() {
    const server = await tools.command('--handler', handler, '--kids', '4', '--slots', '8')
    await load(server.port, 32, 10_000)
    const before = { rss: tools.rss(server.pid), fds: tools.descriptors(server.pid) }
    const result = await load(server.port, 32, 100_000)
    const after = { rss: tools.rss(server.pid), fds: tools.descriptors(server.pid) }
    server.signal('SIGTERM')
    const [code] = await server.exit
    return {
      answered: result.answered,
      failed: result.failed,
      'parent MB': `${before.rss.toFixed(1)} -> ${after.rss.toFixed(1)}`,
      'parent descriptors': `${before.fds} -> ${after.fds}`,
      exit: code,
    }
  },

  async 'stopped kids do not stop the server'() {
    const measure = (stopped) =>
      serve({ kids: 8 }, async (server, port) => {
        await idle(server, 8)
        const { kids } = server.status()
        for (const { pid } of kids.slice(0, stopped)) process.kill(pid, 'SIGSTOP')
        const { how, ms } = await call(port)
        // Those that were not ordered, and so not killed, must go on for the stop.
        for (const { pid } of kids) if (tools.alive(pid)) process.kill(pid, 'SIGCONT')
        return `${how} after ${ms.toFixed(0)} ms`
      })
    return { '8 of 8 stopped': await measure(8), '7 of 8 stopped': await measure(7) }
  },

  async 'a kid that accepts nothing is found out'() {
    return { warm: await liarAmong('warm'), fair: await liarAmong('fair') }
  },

  async 'what was queued is served at a stop'() {
    const server = await tools.command('--handler', handler, '--kids', '2')
    const held = [call(server.port, 'hold 400'), call(server.port, 'hold 400')]
    const queued = Array.from({ length: 30 }, (_, i) => call(server.port, `l ${i}`))
    await new Promise((resolve) => setTimeout(resolve, 150))
    server.signal('SIGTERM')
    const late = new Promise((resolve) => setTimeout(resolve, 1500)).then(() => call(server.port))
    const ends = await Promise.all([...held, ...queued])
    const [code] = await server.exit
    return {
      offered: ends.length,
      served: count(ends, 'ok'),
      afterwards: (await late).how,
      exit: code,
    }
  },

  async 'overload, graceful'() {
    const server = await tools.command('--handler', handler, '--kids', '2')
    const held = [call(server.port, 'hold 2000'), call(server.port, 'hold 2000')]
    await new Promise((resolve) => setTimeout(resolve, 300))
    const waiting = Array.from({ length: 50 }, (_, i) => call(server.port, `l ${i}`))
    await new Promise((resolve) => setTimeout(resolve, 200))
    const before = tools.cpu(server.pid)
    await new Promise((resolve) => setTimeout(resolve, 1000))
    const spent = tools.cpu(server.pid) - before
    const ends = await Promise.all(waiting)
    await Promise.all(held)
    const order = ends.every((each, i) => i === 0 || each.ended >= ends[i - 1].ended - 5)
    server.signal('SIGTERM')
    await server.exit
    return {
      served: count(ends, 'ok'),
      'in order': order,
      'parent CPU while waiting': `${spent.toFixed(1)} ms/s`,
    }
  },

  async 'overload, abrupt'() {
    return serve({ kids: 2, overload: 'abrupt' }, async (_, port) => {
      const held = [call(port, 'hold 1500'), call(port, 'hold 1500')]
      await new Promise((resolve) => setTimeout(resolve, 300))
      const ends = await Promise.all(Array.from({ length: 50 }, () => call(port)))
      const slowest = Math.max(...ends.map(({ ms }) => ms))
      return {
        'turned away': ends.length - count(ends, 'ok'),
        'slowest of them': `${slowest.toFixed(0)} ms`,
        'busy ones': (await Promise.all(held)).map(({ how }) => how).join(' '),
      }
    })
  },

  async 'overload, shed after 1 s'() {
    const options = { kids: 2, shedAfter: '1s', overloadReply: 'busy\n' }
    return serve(options, async (_, port) => {
      const held = [call(port, 'hold 3000'), call(port, 'hold 3000')]
      await new Promise((resolve) => setTimeout(resolve, 300))
      const ends = await Promise.all(Array.from({ length: 50 }, () => call(port)))
      const times = ends.map(({ ms }) => ms).sort((a, b) => a - b)
      return {
        'got the reply': ends.filter(({ got }) => got === 'busy\n').length,
        after: `${times[0].toFixed(0)} to ${times.at(-1).toFixed(0)} ms`,
        'busy ones': (await Promise.all(held)).map(({ how }) => how).join(' '),
      }
    })
  },

  async 'kids killed at random under load'() {
    return serve({ kids: 4, slots: 8 }, async (server, port) => {
      await idle(server, 4)
      let next = 0
      const ends = []
      const end = performance.now() + 10_000
      const client = async () => {
        while (performance.now() < end)
          ends.push({ id: next, ...(await call(port, `l ${next++}`)) })
      }
      const clients = Array.from({ length: 32 }, client)
      let killed = 0
      while (performance.now() < end) {
        await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 200))
        const up = server
          .status()
          .kids.filter(({ state }) => !['pending', 'killed'].includes(state))
        const victim = up[Math.floor(Math.random() * up.length)]
        if (victim?.pid === undefined) continue
        process.kill(victim.pid, 'SIGKILL')
        killed++
      }
      await Promise.all(clients)
      await until(() => server.status().counters.held === 0)
      const { lost, unanswered } = server.status().counters
      const failed = ends.length - count(ends, 'ok')
      const ids = new Set(
        ends.filter(({ how }) => how === 'ok').map(({ got }) => got.split(' ')[0]),
      )
      return {
        killed,
        offered: ends.length,
        failed,
        lost,
        unanswered,
        'served twice': count(ends, 'ok') - ids.size,
      }
    })
  },

  async 'kids do not outlive the parent'() {
    const server = await tools.command('--handler', handler, '--kids', '4')
    await until(() => tools.kidsOf(server.pid).length === 4)
    const kids = tools.kidsOf(server.pid)
    void call(server.port, 'spin')
    await new Promise((resolve) => setTimeout(resolve, 300))
    const begun = performance.now()
    server.signal('SIGKILL')
    await until(() => !kids.some(tools.alive), 5_000, 1)
    return {
      'all 4 gone after': `${(performance.now() - begun).toFixed(0)} ms, one of them in a busy loop`,
    }
  },
}

/** Sequential clients of a pool in which kid 1 answers 0 to everything and three others are honest. */
async function liarAmong(pick) {
  const settings = { handler, protocol: 'tcp', slots: 1, logLevel: 'silent', parent: process.pid }
  const env = { HONEST_KID: JSON.stringify(settings) }
  const kid = [process.execPath, tools.fixture('accepts-nothing.js')]
  const server = createPreforker({ kid, env, listen, kids: 4, pick, logLevel: 'silent' })
  const killed = []
  server.on('kill', ({ kid: number, reason }) => killed.push(`kid ${number} for '${reason}'`))
  await server.start()
  await idle(server, 4)
  let served = 0
  for (let i = 0; i < 100; i++) if ((await call(server.address.port)).how === 'ok') served++
  const { orders, empty } = server.status().counters
  await server.stop()
  return `${served} of 100 served with ${orders} orders, ${empty} empty, killed ${killed.join(', ')}`
}

function count(ends, how) {
  return ends.filter((each) => each.how === how).length
}

/** So many connections and a few more by so many clients, for two minutes at most, from a process of its own. */
async function load(port, clients, connections) {
  const client = new ClientProcess()
  const arrivals = { kind: 'loop', clients, gapUs: 0 }
  const plan = { port, arrivals, requests: requests.tcp, workPart: 0, milliseconds: 1_000, seed: 1 }
  const result = { answered: 0, failed: 0 }
  try {
    for (let seconds = 0; seconds < 120 && result.answered < connections; seconds++) {
      const { answered, failed } = await client.make(plan)
      result.answered += answered
      result.failed += failed
    }
  } finally {
    await client.stop()
  }
  return result
}

/** Begins to count the system calls of processes; what it returns ends that and tells. */
async function systemCalls(pids) {
  if (spawnSync('strace', ['--version']).error) return () => () => Number.NaN
  const strace = spawn('strace', ['-f', ...pids.flatMap((pid) => ['-p', String(pid)])])
  let lines = ''
  strace.stderr.on('data', (data) => {
    lines += data
  })
  await until(() => pids.every((pid) => lines.includes(`Process ${pid} attached`)))
  await new Promise((resolve) => setTimeout(resolve, 200))
  lines = ''
  return async () => {
    const seen = lines.split('\n').filter((line) => /\w\(/.test(line))
    strace.kill('SIGINT')
    await once(strace, 'exit')
    return (pid) => seen.filter((line) => line.includes(`[pid ${String(pid).padStart(5)}]`)).length
  }
}

const wanted = process.argv.slice(2)
for (const [name, measure] of Object.entries({ ...promises, ...deploys })) {
  if (wanted.length > 0 && !wanted.some((word) => name.includes(word))) continue
  const figures = await measure()
  console.log(
    `${name}: ${Object.entries(figures)
      .map(([key, value]) => `${key} ${value}`)
      .join(', ')}`,
  )
}
