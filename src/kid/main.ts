/** The kid: a process of its own that the parent spawns; loads the handler, takes orders, serves, leaves. */

import { exitCodes, PreforkdError } from '../errors.js'
import { prepareService, type Service } from '../handlers/serving.js'
import { whyMark } from '../protocol/kid-settings.js'
import { formatIdle, formatLeaving } from '../protocol/lines.js'
import { parkedThatFit } from '../system/limits.js'
import { forbidDump, yieldWhenWoken } from '../system/process.js'
import { endAsAsked } from './asked-end.js'
import { Connections, type ConnectionsParts } from './connections.js'
import { DetachedConnections } from './detached.js'
import { takeInheritance } from './inheritance.js'
import { KidHandle } from './kid-handle.js'
import { Ledger } from './ledger.js'
import { type OrderParts, Orders } from './orders.js'
import { Slots } from './slots.js'
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
  if (settings.undumpable) forbidDump()
  if (settings.yields) yieldWhenWoken()
  // On Linux the launcher has seen to it that the kernel ends us with our parent, stuck or not; elsewhere only this tells
  // of a parent that died before we began to listen.
  if (process.ppid !== settings.parent) process.exit(exitCodes.failed)

  const drain = new AbortController()
  const ledger = new Ledger()
  const status = new StatusPipe(inheritance.statusFd, ledger)
  const slots = new Slots(settings.slots, settings.lateAfter, {
    anyWaiting: (isOwed) => (isOwed ? orders.anyWaiting : orders.anyWaitingNow()),
    tell: () => status.note(true),
  })
  let up = false
  let ended = false
  let quits = false
  let termed = false
  let service: Service | undefined
  let teardown: (() => unknown) | undefined

  /** Drains: listeners first, so that the parent may count on it that nothing more is taken. */
  const leave = (reason: string) => {
    if (drain.signal.aborted) return
    orders.closeListeners()
    drain.abort()
    slots.endOrders()
    detached.terminateAll(reason)
    endIfDone()
  }
  const leaveBecause = (reason: string) => {
    if (drain.signal.aborted) return
    // Before its first `idle` a kid has nothing to take back.
    if (up) status.say(formatLeaving(reason))
    leave(reason)
  }
  const pressure = new Set<() => void>()
  const parts: ConnectionsParts & OrderParts = {
    inheritance,
    status,
    ledger,
    slots,
    anyWaitingNow: () => orders.anyWaitingNow(),
    maxParked: parkedThatFit(settings.maxParked, {
      slots: settings.slots,
      listeners: inheritance.listeners.length,
    }),
    signal: drain.signal,
    recycle: () => leaveBecause('recycle'),
    waiting: () => slots.free === 0 && orders.anyWaiting,
    pressure,
    detach: (socket, how) => connections.detach(socket, how),
  }
  const kid = new KidHandle(parts)
  const detached = new DetachedConnections(
    status,
    settings.maxDetached,
    () => endIfDone(),
    (err, what) => kid.log.error({ err }, what),
  )
  const connections = new Connections(
    (fd, handle) => (service as Service).serve(fd, handle),
    parts,
    detached,
    () => endIfDone(),
  )
  const orders = new Orders(parts, connections, {
    leave: () => leave('drain'),
    pressure: () => {
      for (const listener of [...pressure]) listener()
    },
    report: () => detached.report(),
    room: () => connections.roomElsewhere(),
    unpark: () => {
      for (const listener of [...connections.unpark]) listener()
    },
  })

  const end = async () => {
    if (ended) return
    ended = true
    status.flush()
    if (!quits) {
      await tried('the end of the app failed', () => service?.end?.())
    }
    // SIGTERM that was sent to the kid itself has reached the module's own listeners already.
    if (!quits && !termed) {
      // Otherwise it would never be seen that nothing keeps the loop.
      orders.unref()
      await tried('a listener for SIGTERM failed', () => endAsAsked(onTerm, settings.stopTimeout))
      orders.ref()
    }
    await tried('teardown failed', () => teardown?.())
    process.exit(exitCodes.stopped)
  }
  const tried = async (failure: string, what: () => unknown) => {
    try {
      await what()
    } catch (error) {
      kid.log.error({ err: error }, failure)
    }
  }
  const endIfDone = () => {
    if (!drain.signal.aborted || connections.count + detached.count > 0) return
    // Not within the event that ended the last connection: others may be listening to it.
    queueMicrotask(() => void end())
  }

  const onTerm = () => {
    termed = true
    leaveBecause('SIGTERM')
  }
  process.on('SIGTERM', onTerm)
  process.on('SIGQUIT', () => {
    quits = true
    leave('quit')
    connections.destroyAll()
    detached.destroyAll()
    setTimeout(() => process.exit(exitCodes.stopped), quickTeardown)
    void end()
  })

  // From here on `leave` and the parent's death are heard, even while the handler loads.
  orders.start()
  if (settings.debugger !== undefined) {
    const { tellDebugger } = await import('./debugger.js')
    tellDebugger(settings.debugger, drain.signal)
  }
  const prepared = await prepareService(settings)
  service = prepared
  await prepared.setup?.(kid)
  teardown = () => prepared.teardown?.(kid)
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
