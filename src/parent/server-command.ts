/** The command of a server that accepts by itself: names of listeners become numbers of descriptors, as in Circus; before a spawn. */

import { UsageError } from '../errors.js'
import type { Options } from '../options.js'
import type { Listener } from '../system/listeners.js'

/** `$(preforkd.sockets.web)` or `((preforkd.sockets.web))`, in any case as Circus has it. */
const socketName = /\$\(preforkd\.sockets\.([^()]*)\)|\(\(preforkd\.sockets\.([^()]*)\)\)/gi

/** Listeners begin here in the kid: never below, because libuv clears O_NONBLOCK on 0 to 2, for the parent too. */
export const firstListener = 3

/** Throws UsageError if the command names a listener that there is not; to be asked before anything is started. */
export function checkServerCommand({ server }: Options, listeners: readonly Listener[]): void {
  if (server !== undefined) nameDescriptors(server, listeners)
}

/** Whether a command names a listener. */
export function namesDescriptors(command: string | readonly string[]): boolean {
  return [command].flat().some((text) => text.search(socketName) >= 0)
}

/**
 * Puts the descriptor of the listener in the place of its name, wherever a command names one. Throws UsageError for a name that no listener has.
 */
export function nameDescriptors<Command extends string | readonly string[]>(
  command: Command,
  listeners: readonly Listener[],
): string | readonly string[] {
  const replace = (text: string) =>
    text.replace(socketName, (written, name: string | undefined, inner: string | undefined) => {
      const wanted = (name ?? inner ?? '').toLowerCase()
      const at = listeners.findIndex((listener) => listener.name.toLowerCase() === wanted)
      if (at >= 0) return String(firstListener + at)
      const known = listeners.map((listener) => listener.name).join(', ')
      throw new UsageError(
        `server names ${written}, but listeners are called ${known}: put NAME= before an address of listen`,
      )
    })
  return typeof command === 'string' ? replace(command) : command.map(replace)
}
