// The promises about deploying: reloads and upgrades under load, and a pool that comes and goes; used by run.js.

import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { createPreforker } from 'preforkd'
import * as tools from './tools.js'

const { call, until } = tools
const handler = tools.fixture('handler.js')

/** So many clients, each connecting again as soon as it was answered; `stop` ends them and tells what came of it. */
function loop(port, clients) {
  const ends = new Map()
  const answers = new Map()
  let next = 0
  let stopped = false
  const client = async () => {
    while (!stopped) {
      const id = next++
      const { how, got } = await call(port, `l ${id}`)
      ends.set(how, (ends.get(how) ?? 0) + 1)
      if (how !== 'ok') continue
      const answered = Number(got.split(' ')[0])
      answers.set(answered, (answers.get(answered) ?? 0) + 1)
    }
  }
  const all = Array.from({ length: clients }, client)
  return {
    async stop() {
      stopped = true
      await Promise.all(all)
      const { ok = 0, ...others } = Object.fromEntries(ends)
      const twice = [...answers.values()].filter((n) => n !== 1).length
      return { offered: next, ok, others: JSON.stringify(others), 'not answered just once': twice }
    },
  }
}

const said = (server, what, from) => server.lines.slice(from).find(({ msg }) => what.test(msg))

export const deploys = {
  async '50 reloads under 500 clients'() {
    const server = await tools.command('--handler', handler, '--kids', '4', '--slots', '64')
    const load = loop(server.port, 500)
    const begun = performance.now()
    for (let i = 0; i < 50; i++) {
      const from = server.lines.length
      server.signal('SIGHUP')
      await until(() => said(server, /^reloaded/, from))
    }
    const took = (performance.now() - begun) / 1000
    const result = await load.stop()
    server.signal('SIGTERM')
    const [code] = await server.exit
    return { ...result, took: `${took.toFixed(0)} s`, exit: code }
  },

  async '50 upgrades under 500 clients'() {
    const server = await tools.command('--handler', handler, '--kids', '4', '--slots', '64')
    const load = loop(server.port, 500)
    let { pid } = server
    const begun = performance.now()
    for (let i = 0; i < 50; i++) {
      const from = server.lines.length
      const old = pid
      process.kill(old, 'SIGUSR2')
      await until(() => said(server, /the new parent is up/, from))
      pid = said(server, /the new parent is up/, from).heir
      await until(() => !tools.alive(old))
    }
    const took = (performance.now() - begun) / 1000
    const result = await load.stop()
    process.kill(pid, 'SIGTERM')
    await until(() => !tools.alive(pid))
    return { ...result, took: `${took.toFixed(0)} s` }
  },

  async 'a broken deploy'() {
    const folder = mkdtempSync(join(tmpdir(), 'preforkd-'))
    const file = join(folder, 'h.mjs')
    copyFileSync(handler, file)
    const server = await tools.command('--handler', file, '--kids', '2', '--slots', '64')
    const load = loop(server.port, 50)
    writeFileSync(file, 'export default (')
    const from = server.lines.length
    server.signal('SIGHUP')
    await until(() => said(server, /^reload failed/, from))
    await new Promise((resolve) => setTimeout(resolve, 500))
    const result = await load.stop()
    const { msg } = said(server, /^reload failed/, from)
    const errors = server.lines.slice(from).filter(({ msg }) => /^reload/.test(msg)).length
    server.signal('SIGTERM')
    await server.exit
    rmSync(folder, { recursive: true })
    return { ...result, lines: errors, said: msg.replace(folder, '.') }
  },

  async 'a pool that comes and goes'() {
    const options = { startKids: 2, minSpare: 2, maxSpare: 2, maxKids: 64, logLevel: 'silent' }
    const server = createPreforker({ handler, listen: '127.0.0.1:0', ...options })
    await server.start()
    let most = 0
    server.on('round', () => {
      const { pending, idle, ordered, late, busy } = server.status().states
      most = Math.max(most, pending + idle + ordered + late + busy)
    })
    const port = server.address.port
    const wave = async () => {
      const ends = Array.from({ length: 64 }, () => call(port, 'hold 8000', { timeout: 60_000 }))
      await until(() => server.status().states.busy >= 60, 60_000, 20)
      return Promise.all(ends)
    }
    const ends = await wave()
    await until(() => server.status().kids.length <= 2, 120_000, 50)
    const least = server.status().kids.length
    ends.push(...(await wave()))
    await server.stop()
    const { accepted, done, held, lost } = server.status().counters
    return {
      served: ends.filter(({ how }) => how === 'ok').length,
      most,
      'after the first wave': least,
      'add up': accepted === done + held + lost,
    }
  },
}
