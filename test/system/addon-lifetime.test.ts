/** What happens to watches when the program ends around them: each case is a program of its own. */

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { openDescriptors, soon } from './observe.js'

const before = openDescriptors()
const root = fileURLToPath(new URL('../..', import.meta.url))

/** Begins every program: the addon, and a pipe that is readable. */
const preamble = `
  const addon = require('node-gyp-build')('src/native')
  const [readFd, writeFd] = addon.pipe()
  addon.writeText(writeFd, 'x')
`

interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  out: string
  err: string
}

/** Runs a program and waits until it, and whoever has its stdout, is gone. */
function run(program: string): Promise<Ended> {
  const started = spawn(process.execPath, ['--expose-gc', '-e', preamble + program], {
    cwd: root,
    // Without tap's hooks.
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended: Ended = { code: null, signal: null, out: '', err: '' }
  started.stdout.on('data', (bytes) => {
    ended.out += bytes
  })
  started.stderr.on('data', (bytes) => {
    ended.err += bytes
  })
  const closed = new Promise<Ended>((resolve, reject) => {
    started.once('error', reject)
    started.once('close', (code, signal) => resolve({ ...ended, code, signal }))
  })
  return soon(closed).finally(() => started.kill('SIGKILL'))
}

const clean = { code: 0, signal: null, err: '' }

t.test('a stopped watch does not keep the program alive', async (t) => {
  t.match(await run(`addon.watchOpen(readFd, () => {})`), clean)
})

t.test('an unreferenced watch works but does not keep the program alive', async (t) => {
  const ended = await run(`
    const watch = addon.watchOpen(readFd, (status, events) => {
      addon.read(readFd, Buffer.alloc(9))
      console.log('called', status, events)
    })
    addon.watchUnref(watch)
    addon.watchStart(watch)
    setImmediate(() => setImmediate(() => {}))
  `)
  t.match(ended, { ...clean, out: 'called 0 1\n' })
})

t.test('a referenced one keeps it alive, until it is closed in its own callback', async (t) => {
  const ended = await run(`
    addon.read(readFd, Buffer.alloc(9))
    const watch = addon.watchOpen(readFd, () => {
      console.log('called')
      addon.watchClose(watch)
      addon.watchClose(watch)
    })
    addon.watchUnref(watch)
    addon.watchRef(watch)
    addon.watchStart(watch)
    setTimeout(() => addon.writeText(writeFd, 'x'), 20).unref()
  `)
  t.match(ended, { ...clean, out: 'called\n' })
})

t.test('process.exit may come inside a callback, with other watches open', async (t) => {
  const ended = await run(`
    for (let n = 0; n < 10; n++) addon.watchOpen(writeFd, () => {})
    const watch = addon.watchOpen(readFd, () => process.exit(7))
    addon.watchStart(watch)
  `)
  t.match(ended, { ...clean, code: 7 })
})

t.test('an exception in a callback is an uncaught exception', async (t) => {
  const program = `
    const watch = addon.watchOpen(readFd, () => { throw new Error('oops') })
    addon.watchStart(watch)
  `
  const ended = await run(program)
  t.match(ended, { code: 1, err: /Error: oops/ })
  const caught = await run(`${program}
    process.on('uncaughtException', (error) => {
      console.log(error.message)
      addon.watchClose(watch)
    })
  `)
  t.match(caught, { ...clean, out: 'oops\n' })
})

t.test('a worker thread may end with watches open, started or closing', async (t) => {
  const ended = await run(`
    const { Worker } = require('node:worker_threads')
    const source = ${JSON.stringify(`${preamble}
      const idle = addon.pipe()
      const watches = [addon.pipe()[0], addon.pipe()[0], addon.pipe()[0]].map((fd) =>
        addon.watchOpen(fd, () => {}))
      addon.watchStart(watches[0])
      addon.watchClose(watches[1])
      const watch = addon.watchOpen(readFd, () => {
        addon.watchStop(watch)
        require('node:worker_threads').parentPort.postMessage('up')
      })
      addon.watchStart(watch)
    `)}
    const worker = new Worker(source, { eval: true })
    worker.once('message', async (message) => {
      console.log(message, await worker.terminate())
    })
  `)
  t.match(ended, { ...clean, out: 'up 1\n' })
})

t.test('what is closed and then collected is freed once', async (t) => {
  const ended = await run(`
    const open = () => {
      const watch = addon.watchOpen(readFd, () => {})
      addon.watchStart(watch)
      addon.watchClose(watch)
    }
    const handles = () => process.report.getReport().libuv.filter(({ type }) => type === 'poll').length
    let rounds = 0
    const round = () => {
      for (let n = 0; n < 1000; n++) open()
      gc()
      if (++rounds < 20) setImmediate(round)
      else setImmediate(() => setImmediate(() => console.log(handles())))
    }
    round()
  `)
  t.match(ended, { ...clean, out: '0\n' })
})

t.test('a process stuck in a loop is killed when its parent dies', async (t) => {
  if (process.platform !== 'linux') return t.pass('Linux only')
  // The program is the parent. Its stdout stays open as long as the one it started has it: run() waits for both.
  const stuck = `
    const addon = require('node-gyp-build')('src/native')
    addon.parentDeathSignal(9)
    process.stdout.write('set ' + process.pid + ' ', () => {
      process.kill(process.ppid, 'SIGKILL')
      for (;;);
    })
  `
  const ended = await run(`
    require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(stuck)}], {
      stdio: 'inherit',
    })
  `)
  t.match(ended, { code: null, signal: 'SIGKILL', out: /^set \d+ $/, err: '' })
})

t.test('no descriptor is left open', async (t) => {
  t.same(openDescriptors(), before)
})
