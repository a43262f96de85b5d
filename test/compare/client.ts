/** The client of the keep-alive benches: a process of its own, which makes one load after another and answers with the figures. */

import { Latencies } from '../../src/herd/histogram.js'
import { randomFrom } from '../../src/herd/random.js'
import { type Arrival, arrivalsOf, takeFree } from './arrival-models.js'
import { Connection, NoReply } from './connection.js'
import { Idle } from './idle-connections.js'
import {
  type ArrivalsLoad,
  type Held,
  type Load,
  type LoadResult,
  type LoopLoad,
  type NewcomersLoad,
  patience,
} from './loads.js'

/** How long, in milliseconds, a client rests after a failure, so that one that is refused does not spin. */
const afterFailure = 10
/** Newcomers at once, at most: later ones are left out, and their being so is a failure. */
const mostNewcomers = 500

const rest = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** What has come of a load so far. */
class Tally {
  ok = 0
  kept = 0
  connections = 0
  closedIdle = 0
  again = 0
  failed: Record<string, number> = {}
  sent = new Latencies()
  meant = new Latencies()
  lag = new Latencies()
  #begun = performance.now()
  #cpu = process.cpuUsage()

  /** Forgets what has been so far. */
  reset(): void {
    Object.assign(this, { ok: 0, kept: 0, connections: 0, closedIdle: 0, again: 0, failed: {} })
    this.sent = new Latencies()
    this.meant = new Latencies()
    this.lag = new Latencies()
    this.#begun = performance.now()
    this.#cpu = process.cpuUsage()
  }

  fail(how: string): void {
    this.failed[how] = (this.failed[how] ?? 0) + 1
  }

  result(): LoadResult {
    const milliseconds = performance.now() - this.#begun
    const { user, system } = process.cpuUsage(this.#cpu)
    return {
      ok: this.ok,
      failed: this.failed,
      kept: this.kept,
      connections: this.connections,
      closedIdle: this.closedIdle,
      again: this.again,
      sentUs: this.sent.percentiles,
      meantUs: this.meant.percentiles,
      lagUs: this.lag.percentiles,
      seconds: milliseconds / 1000,
      busy: (user + system) / 1000 / milliseconds,
    }
  }
}

/** One client: its connection, which it keeps for as long as it may, and begins again when it may not. */
class Client {
  readonly #port: number
  readonly #tally: Tally
  readonly #repeats: boolean
  #connection: Connection | undefined

  /** One that `repeats` sends a request again that met the end of a kept connection: one for a GET, not for a POST. */
  constructor(port: number, tally: Tally, repeats: boolean) {
    this.#port = port
    this.#tally = tally
    this.#repeats = repeats
  }

  /** Makes a request; settles when it has been answered or has failed, with whether it was answered with 200. */
  async ask(request: string): Promise<boolean> {
    const tally = this.#tally
    for (;;) {
      const used = this.#use()
      try {
        const { status, kept } = await used.ask(request)
        if (kept) tally.kept++
        else this.#connection = undefined
        if (status === 200) tally.ok++
        else tally.fail(`${status}`)
        return status === 200
      } catch (error) {
        if (!(error instanceof NoReply)) throw error
        this.#connection = undefined
        if (this.#repeats && used.answered > 0 && error.code !== 'TIMEOUT') {
          tally.again++
          continue
        }
        tally.fail(error.code)
        return false
      }
    }
  }

  end(): void {
    this.#connection?.drop()
    this.#connection = undefined
  }

  #use(): Connection {
    if (this.#connection !== undefined && !this.#connection.usable) {
      this.#tally.closedIdle++
      this.#connection = undefined
    }
    if (this.#connection === undefined) {
      this.#tally.connections++
      this.#connection = new Connection({ port: this.#port, patience })
    }
    return this.#connection
  }
}

async function loop(load: LoopLoad): Promise<LoadResult> {
  const tally = new Tally()
  const random = randomFrom(load.seed)
  const [least, most] = load.rest
  const end = performance.now() + load.milliseconds
  const run = async () => {
    const client = new Client(load.port, tally, load.request.startsWith('GET'))
    while (performance.now() < end) {
      const begun = performance.now()
      const ok = await client.ask(load.request)
      tally.sent.add((performance.now() - begun) * 1000)
      const pause = least + random() * (most - least)
      if (!ok) await rest(Math.max(pause, afterFailure))
      else if (pause > 0) await rest(pause)
    }
    client.end()
  }
  await Promise.all(Array.from({ length: load.clients }, run))
  return tally.result()
}

async function newcomers(load: NewcomersLoad): Promise<LoadResult> {
  const tally = new Tally()
  const under = new Set<Promise<void>>()
  const begun = performance.now()
  const come = async () => {
    const sent = performance.now()
    const client = new Client(load.port, tally, false)
    await client.ask(load.request)
    tally.sent.add((performance.now() - sent) * 1000)
    client.end()
  }
  for (let due = begun; due < begun + load.milliseconds; due += load.every) {
    await rest(Math.max(0, due - performance.now()))
    tally.lag.add((performance.now() - due) * 1000)
    if (under.size >= mostNewcomers) {
      tally.fail('CROWD')
      continue
    }
    const one: Promise<void> = come().finally(() => under.delete(one))
    under.add(one)
  }
  await Promise.all(under)
  return tally.result()
}

async function arrivals(load: ArrivalsLoad): Promise<LoadResult> {
  const tally = new Tally()
  const random = randomFrom(load.seed)
  const coming = arrivalsOf(load, random)
  const clients = Array.from({ length: load.clients }, () => new Client(load.port, tally, true))
  const free = clients.map((_, i) => i)
  const busy = new Set<Promise<void>>()
  // For each client where requests have one of their own; else all of them in the first.
  const queues = clients.map((): Arrival[] => [])
  const queueOf = ({ client }: Arrival) => queues[client ?? 0] as Arrival[]
  const begun = performance.now()

  /** A client makes a request, and those that wait for it meanwhile; then it is free. */
  const serve = async (client: number, first: Arrival) => {
    for (let next: Arrival | undefined = first; next !== undefined; ) {
      const { at, heavy }: Arrival = next
      const sent = performance.now()
      await clients[client]?.ask(heavy ? load.heavy : load.light)
      const now = performance.now()
      if (!heavy) {
        tally.sent.add((now - sent) * 1000)
        tally.meant.add((now - begun - at) * 1000)
      }
      next = queueOf({ ...next, client: next.client === undefined ? 0 : client }).shift()
    }
    free.push(client)
  }
  const takeFor = (arrival: Arrival): number | undefined => {
    if (arrival.client === undefined) return takeFree(free, load.to, random)
    const place = free.indexOf(arrival.client)
    return place === -1 ? undefined : free.splice(place, 1)[0]
  }

  let settling = true
  for (const arrival of coming) {
    if (settling && arrival.at >= load.settle) {
      settling = false
      tally.reset()
    }
    const early = arrival.at - (performance.now() - begun)
    if (early > 0) await rest(early)
    tally.lag.add(Math.max(0, performance.now() - begun - arrival.at) * 1000)
    const client = takeFor(arrival)
    if (client === undefined) {
      queueOf(arrival).push(arrival)
      continue
    }
    const one: Promise<void> = serve(client, arrival).finally(() => busy.delete(one))
    busy.add(one)
  }
  while (busy.size > 0) await Promise.all(busy)
  for (const client of clients) client.end()
  return tally.result()
}

const idle = new Idle()

function make(load: Load): Promise<LoadResult | Held> {
  switch (load.kind) {
    case 'loop':
      return loop(load)
    case 'newcomers':
      return newcomers(load)
    case 'arrivals':
      return arrivals(load)
    case 'open':
      return idle.open(load)
    case 'close':
      return idle.close()
  }
}

process.on('message', async (load: Load) => {
  try {
    process.send?.({ result: await make(load) })
  } catch (error) {
    process.send?.({ error: (error as Error).message })
  }
})
// The bench has gone, however it ended.
process.on('disconnect', () => process.exit())
