/** What a module does on SIGTERM; run when the kid ends, after its connections, as if the signal had come then. */

/** How long, in milliseconds, it may take at most, and which part of stopTimeout. */
const longest = 5_000
const part = 0.5

/**
 * Has the listeners for SIGTERM that a module or its framework has added run, as if the signal had come now; `ours` is the
 * kid's own. Settles when the program has done what they began: it signals itself again (NestJS, signal-exit), or nothing
 * keeps its event loop any more. Or when it takes too long; a listener that ends the process ends it there and then.
 */
export async function endAsAsked(ours: () => void, stopTimeout: number): Promise<void> {
  const theirs = process.listeners('SIGTERM').filter((listener) => listener !== ours)
  if (theirs.length === 0) return
  // Away while they run: some count the listeners, and do nothing unless they are alone (signal-exit).
  process.off('SIGTERM', ours)
  await new Promise<void>((resolve) => {
    // Who takes the last listener away and signals itself means to end the process by that; teardown is still to come.
    process.on('removeListener', (name) => {
      if (name === 'SIGTERM' && process.listenerCount(name) === 0) process.on(name, resolve)
    })
    process.emit('SIGTERM', 'SIGTERM')
    process.on('SIGTERM', resolve)
    process.once('beforeExit', () => resolve())
    setTimeout(resolve, Math.min(longest, stopTimeout * part)).unref()
  })
}
