/** The cases of the protocol that a kid is driven through, as a table; each is a title and what is done. */

import { MAX_SEQ } from '../protocol/limits.js'
import { formatPressure, formatReport, formatRoom } from '../protocol/lines.js'
import { type Case, inHand, oneSlot } from './case.js'
import { endings } from './endings.js'

/** Connections held at once, and ordered at once, at most: a kid may have a thousand slots. */
const several = 4
/** Long enough, in milliseconds, for a kid to read a piece of a line by itself; if it does not, nothing is lost. */
const pieceApart = 30

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

const orders: readonly Case[] = [
  {
    title: 'order with a connection waiting',
    async run(trial) {
      await trial.connect()
      // Its client is silent until it is answered: who serves first would wait for ever.
      await trial.finish(await trial.order())
      return undefined
    },
  },
  {
    title: 'order without a connection',
    async run(trial) {
      await trial.order()
      await trial.serve()
      return undefined
    },
  },
  {
    title: 'order for fewer than wait',
    async run(trial) {
      for (let i = 0; i < several; i++) await trial.connect()
      for (let i = 0; i < several; i++) await trial.finish(await trial.order())
      return undefined
    },
  },
  {
    title: 'order for more than wait',
    skip: oneSlot,
    async run(trial) {
      await trial.connect()
      const count = Math.min(trial.kid.slots, several)
      await trial.finish(await trial.order({ count }))
      return undefined
    },
  },
  {
    title: 'order for several that wait',
    skip: oneSlot,
    async run(trial) {
      const count = Math.min(trial.kid.slots, several)
      for (let i = 0; i < count + 1; i++) await trial.connect()
      for (let served = 0; served < count + 1; ) {
        const order = await trial.order({ count })
        await trial.finish(order)
        served += order.clients.length
      }
      return undefined
    },
  },
  {
    title: 'orders while connections are in hand',
    skip: oneSlot,
    async run(trial) {
      const held = []
      while (held.length < Math.min(trial.kid.slots, several)) held.push(await inHand(trial))
      for (const order of held.reverse()) await trial.finish(order)
      return undefined
    },
  },
  {
    title: 'order for the second listener',
    async run(trial) {
      await trial.connect(0)
      await trial.connect(1)
      for (const number of [1, 0]) await trial.finish(await trial.order({ number }))
      return undefined
    },
  },
  {
    title: `sequence numbers up to ${MAX_SEQ}`,
    async run(trial) {
      for (const seq of [2 ** 31, 2 ** 32, MAX_SEQ - 1]) await trial.order({ seq })
      await trial.serve({ seq: MAX_SEQ })
      return undefined
    },
  },
]

const reading: readonly Case[] = [
  {
    title: 'a command in pieces',
    async run(trial) {
      await trial.connect()
      // The second number of the order is cut in two as well.
      const seq = 1_234_567
      const order = trial.order({ seq }, async (line) => {
        const half = line.indexOf('4567')
        for (const piece of [line.slice(0, 3), line.slice(3, half), line.slice(half)]) {
          await trial.kid.send(piece)
          await pause(pieceApart)
        }
      })
      await trial.finish(await order)
      return undefined
    },
  },
  {
    title: 'several commands in one write',
    async run(trial) {
      await trial.connect()
      const tell = (line: string) => trial.kid.send(formatPressure() + line + formatPressure())
      await trial.finish(await trial.order({}, tell))
      return undefined
    },
  },
  {
    title: 'unknown commands',
    async run(trial) {
      trial.kid.mayReport()
      const longest = `later ${'x'.repeat(57)}\n`
      for (const line of ['later 1\n', 'leaves\n', 'accepts 1 0 1\n', longest, formatReport()]) {
        await trial.kid.send(line)
      }
      await trial.serve()
      return undefined
    },
  },
  {
    title: 'pressure',
    async run(trial) {
      await trial.kid.send(formatPressure())
      const order = await inHand(trial)
      await trial.kid.send(formatPressure())
      await trial.finish(order)
      await trial.serve()
      return undefined
    },
  },
]

const keeping: readonly Case[] = [
  {
    title: 'room',
    async run(trial) {
      await trial.kid.send(formatRoom())
      const order = await inHand(trial)
      await trial.kid.send(formatRoom())
      await trial.finish(order)
      await trial.serve()
      return undefined
    },
  },
  {
    title: 'a request on a parked connection crosses an order',
    async run(trial) {
      const parked = await inHand(trial)
      if (!(await trial.parks())) {
        await trial.finish(parked)
        return 'it parks nothing'
      }
      await trial.connect()
      const speak = () => {
        for (const client of parked.clients) client.say(trial.limits.send)
      }
      const order = await trial.order({ least: 0 }, async (line) => {
        speak()
        await trial.kid.send(line)
      })
      if (order.clients.length > 0) {
        await Promise.all([trial.finish(order), trial.finish(parked)])
        return undefined
      }
      // Its slots were taken: then it has served what it had parked, and owes one to whoever waits.
      await trial.finish(parked)
      await trial.finish(await trial.order())
      return undefined
    },
  },
]

const accidents: readonly Case[] = [
  {
    title: 'a client that is gone before it is accepted',
    async run(trial) {
      const client = await trial.connect()
      client.reset()
      // Systems differ in whether it is still there to be accepted.
      const order = await trial.order({ least: 0 })
      if (order.clients.length > 0) await trial.untilDone(order)
      await trial.serve()
      return undefined
    },
  },
  {
    title: 'a client that is gone while it is served',
    async run(trial) {
      const order = await inHand(trial)
      for (const client of order.clients) client.reset()
      await trial.untilDone(order)
      await trial.serve()
      return undefined
    },
  },
  {
    title: 'SIGINT, SIGHUP and SIGWINCH are ignored',
    async run(trial) {
      for (const signal of ['SIGINT', 'SIGHUP', 'SIGWINCH'] as const) trial.kid.signal(signal)
      await trial.serve()
      return undefined
    },
  },
  {
    title: 'the listeners are still non-blocking',
    async run(trial) {
      trial.checkListeners()
      return undefined
    },
  },
]

/** In the order in which they are tried: those that leave a kid alive share one. */
export const cases: readonly Case[] = [
  {
    title: 'the first line is idle SLOTS',
    start: 'unready',
    async run(trial) {
      const began = performance.now()
      await trial.ready()
      const { slots } = trial.kid
      const took = (performance.now() - began).toFixed()
      return `${slots} ${slots === 1 ? 'slot' : 'slots'}, after ${took} ms`
    },
  },
  ...orders,
  ...reading,
  ...keeping,
  ...accidents,
  ...endings,
]
