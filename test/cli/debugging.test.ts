/** Debuggers of kids: where they listen, and what becomes of them when kids are replaced; run with the other tests. */

import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { test } from 'tap'
import { isAlive, until } from '../process/processes.js'
import { fixture, Run, refused } from './run.js'

const host = '127.0.0.1'
const flags = ['--handler', fixture('handlers/says-its-index.js'), '--listen', `${host}:0`]

/** Whether nobody listens on a port. */
async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const free = new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false)).once('listening', () => resolve(true))
  })
  server.listen(port, host)
  const is = await free
  if (is) {
    server.close()
    await once(server, 'close')
  }
  return is
}

/** The first of so many free ports in a row, out of the range from which the system gives them to others. */
async function freePorts(count: number): Promise<number> {
  for (let first = 20_000 + (process.pid % 500) * 20; first < 32_000; first += count) {
    const ports = Array.from({ length: count }, (_, i) => isFree(first + i))
    if ((await Promise.all(ports)).every(Boolean)) return first
  }
  throw new Error(`no ${count} free ports in a row`)
}

/** Which of these processes listens on the port, as the kernel has it. */
function listensAt(port: number, pids: readonly number[]): number | undefined {
  const address = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const rows = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((row) => row.trim().split(/\s+/))
  const listening = rows.filter(([, local, , state]) => local?.endsWith(address) && state === '0A')
  const sockets = listening.map((row) => `socket:[${row[9]}]`)
  return pids.find((pid) => descriptorsOf(pid).some((descriptor) => sockets.includes(descriptor)))
}

/** What each descriptor of a process is; nothing of one that has just gone. */
function descriptorsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`))
  } catch {
    return []
  }
}

/** Which kids have the debuggers on the ports from `first` on. */
function debugged(it: Run, first: number): (number | undefined)[] {
  return [listensAt(first, it.kids), listensAt(first + 1, it.kids)]
}

/** Attaches to the debugger, as a tool would; returns what detaches. */
async function attach(port: number): Promise<() => void> {
  const list = request({ host, port, path: '/json/list', agent: false }).end()
  const [response] = await once(list, 'response')
  let text = ''
  for await (const data of response) text += data
  const path = new URL(JSON.parse(text)[0].webSocketDebuggerUrl).pathname
  const key = { 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==', 'Sec-WebSocket-Version': '13' }
  const headers = { Connection: 'Upgrade', Upgrade: 'websocket', ...key }
  const [, socket] = await once(request({ host, port, path, headers }).end(), 'upgrade')
  socket.on('error', () => {})
  return () => socket.destroy()
}

test('each kid has a debugger on a port of its own, and the log says where', async (t) => {
  const port = await freePorts(2)
  const it = new Run(t, [...flags, '--kids', '2', `--inspect-kids=${port}`], { bare: true })
  await it.ready()
  for (const index of [0, 1]) {
    const line = await it.logged(new RegExp(`^debugger listens on ${host}:${port + index}$`))
    t.match(line, { level: 30, kid: index + 1 })
  }
  t.strictSame(debugged(it, port).map(Number).sort(), it.kids.sort())
  it.signal('SIGTERM')
  t.equal(await it.end(t), 0)
  t.strictSame(
    it.log.filter(({ level, kid }) => level >= 40 && kid !== undefined),
    [],
  )
})

test('after a reload and after a death the successor has the port', async (t) => {
  const port = await freePorts(2)
  const it = new Run(t, [...flags, '--kids', '2', `--inspect-kids=${port}`], { bare: true })
  await it.ready()
  await until(() => it.log.filter(({ msg }) => /^debugger listens/.test(msg)).length === 2, 'both')
  const old = it.kids
  it.signal('SIGHUP')
  await it.logged(/^reloaded: /)
  await it.logged(new RegExp(`^debugger waits for ${host}:${port}, which is taken$`))
  await until(() => !old.some(isAlive), 'the old kids to go')
  await until(() => it.log.filter(({ msg }) => /^debugger listens/.test(msg)).length === 4, 'both')
  t.strictSame(debugged(it, port).map(Number).sort(), it.kids.sort())
  const [first = 0] = debugged(it, port)
  process.kill(first, 'SIGKILL')
  await until(() => it.log.filter(({ msg }) => /^debugger listens/.test(msg)).length === 5, 'it')
  t.strictSame(debugged(it, port).map(Number).sort(), it.kids.sort())
  t.not(debugged(it, port)[0], first)
  it.signal('SIGTERM')
  t.equal(await it.end(t), 0)
})

test('where a port is taken the kid serves without, and has it once it is free', async (t) => {
  const port = await freePorts(1)
  const taken = createServer((socket) => socket.destroy()).listen(port, host)
  await once(taken, 'listening')
  const it = new Run(t, [...flags, '--kids', '1', '--inspect-kids', `${host}:${port}`], {
    bare: true,
  })
  await it.ready()
  await it.logged(new RegExp(`^debugger waits for ${host}:${port}, which is taken$`))
  t.match((await it.client().outcome).text, /^0 0 1 /)
  taken.close()
  await it.logged(/^debugger listens on /)
  t.equal(listensAt(port, it.kids), it.kids[0])
  it.signal('SIGTERM')
  t.equal(await it.end(t), 0)
})

test('a kid that leaves waits for whoever is attached', async (t) => {
  const port = await freePorts(1)
  const it = new Run(t, [...flags, '--kids', '1', `--inspect-kids=${port}`], { bare: true })
  await it.ready()
  await it.logged(/^debugger listens on /)
  const detach = await attach(port)
  await it.logged(/^Debugger attached/)
  const [kid = 0] = it.kids
  it.signal('SIGTERM')
  await it.logged(/^Waiting for the debugger to disconnect/)
  t.ok(isAlive(kid))
  detach()
  t.equal(await it.end(t), 0)
})

test('--check beside the server opens no debugger, and what others can reach is warned of', async (t) => {
  const port = await freePorts(1)
  const args = [...flags, '--kids', '1', `--inspect-kids=0.0.0.0:${port}`]
  const it = new Run(t, args, { bare: true })
  await it.ready()
  await it.logged(/^debugger listens on 0\.0\.0\.0:/)
  await it.logged(/^inspectKids opens debuggers on 0\.0\.0\.0:\d+ and the ports after it: whoever/)
  const check = new Run(t, [...args, '--check'], { bare: true })
  t.equal(await check.end(t), 0)
  t.equal(check.stderr, '')
  it.signal('SIGTERM')
  t.equal(await it.end(t), 0)
})

test('without the option no kid has a debugger', async (t) => {
  const it = new Run(t, [...flags, '--kids', '1'], { bare: true })
  await it.ready()
  t.notMatch(it.stderr, /debugger/i)
  const [kid] = it.kids
  t.notMatch(readFileSync(`/proc/${kid}/cmdline`, 'utf8'), '--inspect')
  it.signal('SIGTERM')
  t.equal(await it.end(t), 0)
})

test('a debugger for a kid in another language is refused', async (t) => {
  await refused(
    t,
    ['--no-config', '--kid', 'k', '--inspect-kids'],
    2,
    'inspectKids and kid contradict each other: it is for kids that are our own program, by Node.js',
  )
})
