// The handler of the fault rows: hears `ID WHAT [ARGUMENT]`, keeps a ledger of whom it served, answers `ID PID`.

import { spawn } from 'node:child_process'
import { appendFileSync, readFileSync } from 'node:fs'

export default function handle(socket, kid) {
  socket.on('error', () => {})
  socket.once('data', async (data) => {
    const [id = '', what = '', argument = ''] = String(data).trim().split(' ')
    kid.label(`${id} ${what}`)
    appendFileSync(process.env.FAULTS_LEDGER, `${id} ${process.pid}\n`)
    await deeds[what]?.(argument, socket)
    socket.end(`${id} ${process.pid}\n`)
  })
}

const deeds = {
  /** Says so, and then nothing for so many milliseconds. */
  hold: (ms, socket) => {
    socket.write('')
    return new Promise((resolve) => setTimeout(resolve, Number(ms)))
  },
  /** Is not heard of again. */
  never: () => new Promise(() => {}),
  /** More than fits into any queue, to a client that may not read. */
  much: (bytes, socket) =>
    new Promise((resolve) => {
      socket.once('close', resolve)
      socket.write(Buffer.alloc(Number(bytes)), resolve)
    }),
  spin: () => {
    for (;;);
  },
  abort: () => process.abort(),
  /** Where nobody catches it. */
  throw: () => {
    setImmediate(() => {
      throw new Error('as it was asked to')
    })
    return deeds.never()
  },
  exit: (code) => process.exit(Number(code)),
  leak: () => {
    const kept = []
    for (;;) kept.push(new Array(100_000).fill(kept.length))
  },
  /** Takes memory outside of the heap until the kernel has none for it. */
  hog: () => {
    const kept = []
    for (;;) kept.push(Buffer.alloc(10_000_000, 1))
  },
  /** Kills all other kids every 100 ms, for so many milliseconds. */
  murder: async (ms) => {
    const end = performance.now() + Number(ms)
    while (performance.now() < end) {
      const kids = readFileSync(`/proc/${process.ppid}/task/${process.ppid}/children`, 'latin1')
      for (const pid of kids.split(' ').map(Number)) {
        if (pid > 0 && pid !== process.pid) process.kill(pid, 'SIGKILL')
      }
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  },
  /** Leaves a process behind that has all it can get of ours. */
  grandchild: (seconds) => {
    spawn('sleep', [seconds], { stdio: 'inherit' }).unref()
  },
  daemon: (seconds) => {
    spawn('setsid', ['-f', 'sleep', seconds], { stdio: 'inherit', detached: true }).unref()
  },
}
