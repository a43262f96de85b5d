/** Hooks: the functions of a configuration, called when the events of the same names happen. */

import type { EventEmitter } from 'node:events'
import type { Logger } from 'pino'
import type { Hooks } from '../options.js'

/**
 * Calls the hooks at the emitter's events: `onReady` at `ready`, and so on. One that throws or rejects is logged and
 * changes nothing; nobody waits for one. Returns what takes them off again, for a reload that brings others.
 */
export function attachHooks(emitter: EventEmitter, hooks: Hooks, log: Logger): () => void {
  const attached: [event: string, listener: (told?: unknown) => void][] = []
  for (const [name, hook] of Object.entries(hooks) as [string, (told?: unknown) => unknown][]) {
    const failed = (err: unknown) => log.error({ err }, `hook ${name} failed`)
    const listener = (told?: unknown) => {
      try {
        // Of a promise only the rejection matters; anything else settles at once.
        Promise.resolve(hook(told)).catch(failed)
      } catch (err) {
        failed(err)
      }
    }
    const event = name.slice('on'.length).toLowerCase()
    emitter.on(event, listener)
    attached.push([event, listener])
  }
  return () => {
    for (const [event, listener] of attached) emitter.off(event, listener)
  }
}
