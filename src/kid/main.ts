/** The kid: a process of its own that the parent spawns; loads the handler, takes orders, serves, leaves. */

import { exitCodes, PreforkdError } from '../errors.js'
import { loadHandler } from '../handlers/load.js'
import { serveTcp } from '../handlers/tcp.js'
import { whyMark } from '../protocol/kid-settings.js'
import { formatIdle, formatLeaving } from '../protocol/lines.js'
import { Connections } from './connections.js'
import { takeInheritance } from './inheritance.js'
import { KidHandle } from './kid-handle.js'
import { Orders } from './orders.js'
import { StatusPipe } from './status-pipe.js'

/** How long, in milliseconds, teardown may take after a quick stop; the parent kills soon after. */
const quickTeardown = 500

/** Meant for the parent. Left alone, USR1 would open the debugger of Node.js, USR2 end the kid, TTIN and TTOU stop it. */
const ignoredSignals = [
  'SIGINT',
  'SIGHUP',
  'SIGWINCH',
  'SIGUSR1',
  'SIGUSR2',
  'SIGTTIN',
  'SIGTTOU',
] as const

async function main(): Promise<void> {
  // What reaches the whole group, from a terminal or a careless kill, is for the parent to pass on.
  for (const signal of ignoredSignals) process.on(signal, () => {})
  const inheritance = takeInheritance(process.env)
  const { settings } = inheritance
  // On Linux the launcher has seen to it that the kernel ends us with our parent, stuck or not; elsewhere only this tells
  // of a parent that died before we began to listen.
  if (process.ppid !== settings.parent) process.exit(exitCodes.failed)

  const drain = new AbortController()
  const status = new StatusPipe(inheritance.statusFd)
  let up = false
  let ended = false
  let teardown: (() => unknown) | undefined

  /** Drains: listeners first, so that the parent may count on it that nothing more is taken. */
  const leave = () => {
    if (drain.signal.aborted) return
    orders.closeListeners()
    drain.abort()
    endIfDone()
  }
  const leaveBecause = (reason: string) => {
    if (drain.signal.aborted) return
    // Before its first `idle` a kid has nothing to take back.
    if (up) status.say(formatLeaving(reason))
    leave()
  }
  const parts = {
    inheritance,
    status,
    signal: drain.signal,
    recycle: () => leaveBecause('recycle'),
  }
  const kid = new KidHandle(parts)
  const connections = new Connections(
    (socket, handle) => serveTcp(handler.default, socket, handle),
    parts,
    () => endIfDone(),
  )
  const orders = new Orders(inheritance, status, connections, leave)

  const end = async () => {
    if (ended) return
    ended = true
    status.flush()
    try {
      await teardown?.()
    } catch (error) {
      kid.log.error({ err: error }, 'teardown failed')
    }
    process.exit(exitCodes.stopped)
  }
  const endIfDone = () => {
    if (drain.signal.aborted && connections.count === 0) void end()
  }

  process.on('SIGTERM', () => leaveBecause('SIGTERM'))
  process.on('SIGQUIT', () => {
    leave()
    connections.destroyAll()
    setTimeout(() => process.exit(exitCodes.stopped), quickTeardown)
    void end()
  })

  // From here on `leave` and the parent's death are heard, even while the handler loads.
  orders.start()
  const handler = await loadHandler(settings.handler)
  await handler.setup?.(kid)
  if (handler.teardown !== undefined) teardown = () => handler.teardown?.(kid)
  if (ended) return
  up = true
  connections.ready()
  status.say(formatIdle(settings.slots))
}

main().catch((error: unknown) => {
  // What is said here is what the user is shown when no kid can start.
  const text =
    error instanceof PreforkdError ? error.message : `setup failed: ${describeError(error)}`
  process.stderr.write(`${whyMark}${text}\n`)
  const cause = error instanceof PreforkdError ? error.cause : undefined
  if (cause instanceof SyntaxError) {
    // Uncaught, so that Node.js tells the line, which only it knows.
    setImmediate(() => {
      throw cause
    })
    return
  }
  if (cause instanceof Error) process.stderr.write(`${cause.stack}\n`)
  process.exit(exitCodes.kidsCannotStart)
})

function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
