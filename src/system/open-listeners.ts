/** Opens and adopts all listeners of a server, or none; called once, when the parent starts. */

import { formatListenAddress, type ListenAddress } from '../listen-address.js'
import { abandon, adoptOne, type Claim, claim } from './adopt.js'
import { ensureLoaded } from './binding.js'
import type { HandedSocket } from './handed.js'
import { cannotListen } from './listen-failure.js'
import { closeListener, type Listener, openListener } from './listeners.js'

/**
 * The listeners of all addresses, in their order; an address that stands for several sockets yields several.
 *
 * All or nothing: when one fails, those opened are closed, with nothing left on disk; sockets handed in stay open.
 * What was handed in and nobody asked for is left alone.
 *
 * @param backlog for those that are opened; what was handed in has its own
 * @throws ListenError: one sentence; UsageError for an owner that does not exist; SystemError when the addon does not load
 */
export async function openListeners(
  addresses: readonly ListenAddress[],
  backlog: number,
  handed: readonly HandedSocket[] = [],
): Promise<Listener[]> {
  ensureLoaded()
  const claims = claimAll(addresses, handed)
  const listeners: Listener[] = []
  const undo: (() => void)[] = []
  try {
    for (const [i, address] of addresses.entries()) {
      if (address.kind === 'tcp' || address.kind === 'unix') {
        const listener = await openListener(address, backlog)
        listeners.push(listener)
        undo.push(() => closeListener(listener))
        continue
      }
      for (const claimed of claims[i] ?? []) {
        const listener = adoptOne(address, claimed)
        listeners.push(listener)
        undo.push(() => abandon(listener, claimed))
      }
    }
    return listeners
  } catch (error) {
    for (const one of undo) one()
    throw error
  }
}

/** The descriptors that each address asks for, found before anything is opened; each descriptor is asked for once. */
function claimAll(
  addresses: readonly ListenAddress[],
  handed: readonly HandedSocket[],
): (Claim[] | undefined)[] {
  const claimants = new Map<number, ListenAddress>()
  return addresses.map((address) => {
    if (address.kind === 'tcp' || address.kind === 'unix') return undefined
    const claims = claim(address, handed)
    for (const { fd } of claims) {
      const first = claimants.get(fd)
      if (first !== undefined) {
        const other = formatListenAddress(first)
        throw cannotListen(address, `descriptor ${fd} is listened on already, as ${other} asks`)
      }
      claimants.set(fd, address)
    }
    return claims
  })
}
