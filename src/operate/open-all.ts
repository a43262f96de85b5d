/** Opens what a server listens on: new sockets, those handed in, and those an earlier parent leaves; once, at its start. */

import { closeSync, openSync } from 'node:fs'
import { UsageError } from '../errors.js'
import { formatListenAddress, type ListenAddress } from '../listen-address.js'
import type { Options } from '../options.js'
import type { Bequeathed, Bequest } from '../system/bequest.js'
import { takeHanded } from '../system/handed.js'
import { closeListener } from '../system/listeners.js'
import { openListeners } from '../system/open-listeners.js'

/**
 * All listeners, in the order of the option. Throws ListenError or UsageError; then nothing that was opened here stays
 * open, and what was handed in is as it was.
 */
export async function openAll(
  options: Options,
  bequest: Bequest | undefined,
): Promise<Bequeathed[]> {
  const { listen, backlog } = options
  // Sockets handed in go together: no descriptor may be asked for twice, and one address may stand for several.
  const handedIn = listen.filter(isHandedIn)
  const groups = listen.filter((address) => !isHandedIn(address)).map((address) => [address])
  if (handedIn.length > 0) groups.push(handedIn)
  const opened: Bequeathed[] = []
  const ours: Bequeathed[] = []
  try {
    for (const group of groups) {
      const key = group.map(formatListenAddress).join(' ')
      const left = bequest?.claim(key) ?? []
      const handed = left.length === 0 && group === handedIn ? takeHanded(process.env) : []
      const found = left.length > 0 ? left : await openListeners(group, backlog, handed)
      const entries = found.map((listener) => ({ key, listener }))
      opened.push(...entries)
      if (left.length === 0 && group !== handedIn) ours.push(...entries)
    }
    refuseUnknownDepth(options, opened)
  } catch (error) {
    for (const { listener } of ours) closeListener(listener)
    throw error
  }
  if (handedIn.some((address) => address.kind === 'fd' && address.fd === 0)) replaceStdin()
  return opened
}

function isHandedIn({ kind }: ListenAddress): boolean {
  return kind === 'fd' || kind === 'handed'
}

function refuseUnknownDepth(options: Options, opened: readonly Bequeathed[]): void {
  const without = opened.find(({ listener }) => !listener.depthKnown)
  if (options.shedAfter === undefined || without === undefined) return
  const address = formatListenAddress(without.listener.address)
  throw new UsageError(
    `shedAfter cannot be kept for ${address}: how long its queue is, and so who has waited how long, is not known`,
  )
}

/** A socket handed in as standard input has become a listener of ours under another number; nobody is to read it. */
function replaceStdin(): void {
  closeSync(0)
  openSync('/dev/null', 'r')
}
