/** The cases in which a kid is to go: told to, orphaned, or by a signal. */

import { environmentNames } from '../protocol/limits.js'
import { formatUnpark } from '../protocol/lines.js'
import { type Case, inHand, oneSlot } from './case.js'
import { describeEnd, Failure } from './driven-kid.js'
import type { Trial } from './trial.js'

/** After SIGQUIT the parent waits so long, in milliseconds, before it kills. */
const quitTimeout = 1_000

/** Waits for a kid to leave as it was told. */
async function leaves(trial: Trial): Promise<void> {
  const end = await trial.untilGone()
  if (end.code !== 0) {
    throw new Failure(`expected it to end with exit code 0, but it ${describeEnd(end)}`)
  }
}

export const endings: readonly Case[] = [
  {
    title: 'leave',
    ends: true,
    async run(trial) {
      trial.closeListeners()
      await trial.kid.send(trial.kid.leaveLine())
      await leaves(trial)
      await trial.untilRefused('by its end, also by programs that it has started')
      return undefined
    },
  },
  {
    title: 'leave with a connection in hand',
    ends: true,
    async run(trial) {
      const order = await inHand(trial)
      trial.closeListeners()
      await trial.kid.send(trial.kid.leaveLine())
      await trial.finish(order)
      await leaves(trial)
      return undefined
    },
  },
  {
    title: 'leave closes the listeners first',
    skip: oneSlot,
    ends: true,
    async run(trial) {
      const order = await inHand(trial)
      trial.closeListeners()
      await trial.kid.send(trial.kid.leaveLine())
      await trial.untilRefused('before what is in hand is finished')
      await trial.finish(order)
      await leaves(trial)
      return undefined
    },
  },
  {
    title: 'leave right behind an order',
    ends: true,
    async run(trial) {
      await trial.connect()
      const tell = (line: string) => trial.kid.send(line + trial.kid.leaveLine())
      const order = await trial.order({ least: 0 }, tell)
      trial.closeListeners()
      if (order.clients.length > 0) await trial.finish(order)
      await leaves(trial)
      return undefined
    },
  },
  {
    title: 'unpark while it leaves',
    ends: true,
    async run(trial) {
      const order = await inHand(trial)
      const parks = await trial.parks()
      trial.closeListeners()
      await trial.kid.send(trial.kid.leaveLine())
      // Only told to a kid that is known to have nothing but parked connections; to others it is an unknown command.
      await trial.kid.send(formatUnpark())
      if (!parks) await trial.finish(order)
      await leaves(trial)
      return parks ? undefined : 'it parks nothing'
    },
  },
  {
    title: 'leave before it is up',
    start: 'unready',
    ends: true,
    async run(trial) {
      await trial.kid.send(trial.kid.leaveLine())
      await trial.untilGone(trial.limits.ready + trial.limits.done)
      return undefined
    },
  },
  {
    title: 'end of file',
    ends: true,
    async run(trial) {
      trial.kid.endCommands()
      await trial.untilGone()
      return undefined
    },
  },
  {
    title: 'end of file with a connection in hand',
    ends: true,
    async run(trial) {
      const order = await inHand(trial)
      trial.kid.endCommands()
      await trial.finish(order)
      await trial.untilGone()
      return undefined
    },
  },
  {
    title: 'SIGTERM with a connection in hand',
    ends: true,
    async run(trial) {
      const order = await inHand(trial)
      trial.kid.signal('SIGTERM')
      await trial.finish(order)
      await trial.untilGone()
      return undefined
    },
  },
  {
    title: 'SIGQUIT with a connection in hand',
    ends: true,
    async run(trial) {
      await inHand(trial)
      trial.kid.signal('SIGQUIT')
      const look = () => trial.kid.end
      await trial.kid.until(look, Math.max(quitTimeout, trial.limits.accept), 'the kid to end')
      return undefined
    },
  },
  {
    title: 'another version of the protocol is refused',
    start: 'other version',
    ends: true,
    async run(trial) {
      const { kid, limits } = trial
      const look = () => (kid.end !== undefined || kid.slots > 0 ? true : undefined)
      await kid.until(look, limits.ready, 'it to end')
      if (kid.slots === 0) return undefined
      throw new Failure(
        `expected it to end when ${environmentNames.protocol} is not 1, but it said "idle ${kid.slots}"`,
      )
    },
  },
]
