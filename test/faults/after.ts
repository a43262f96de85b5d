/** The look at everything when a row is over: T1 to T8 of the matrix; whatever is wrong becomes a sentence. */

import { readFileSync } from 'node:fs'
import { lookAt, pass, until, within } from '../process/processes.js'
import type { AskedEnd } from './asked.js'
import type { Bed } from './bed.js'
import type { Server } from './server.js'

/** What became of the clients of a row. */
export interface Connections {
  offered: number
  ok: number
  /** By the row itself. */
  dropped: number
  /** Failed, and a counter or the row says why. */
  explained: number
  unexplained: number
  twice: number
}

export interface After {
  readonly wrong: string[]
  readonly connections: Connections
  /** Milliseconds, but for counts. */
  readonly figures: Record<string, number>
}

/** Looks at everything, stops what runs, and looks again. */
export async function lookAfter(bed: Bed): Promise<After> {
  const wrong: string[] = []
  const check = (good: boolean, sentence: string) => {
    if (!good) wrong.push(sentence)
  }
  const figures: Record<string, number> = { ...bed.figures }
  const largest = (name: string, value: number) => {
    figures[name] = Math.max(figures[name] ?? 0, value)
  }
  const attempt = async (what: string, body: () => Promise<void>) => {
    await body().catch((error: Error) => wrong.push(`${what}: ${error.message}`))
  }
  let lost = 0

  for (const server of bed.servers) {
    const { mayEnd, outOfService = false } = server.launch
    if (server.runs && server.exit === undefined && !outOfService) {
      await attempt('I8', async () => largest('served again after', await backAfter(server)))
    }
    await attempt('clients', async () => {
      // Who waits for nobody, for a kid that hangs for one, is dropped: the row has said all that it wanted of it.
      for (const client of server.clients) await client.drop()
    })
    if (server.runs && server.exit === undefined) {
      await attempt('T7', () => noZombies(server))
      figures.restarts = (figures.restarts ?? 0) + server.events('gone').length
      if (server.isLibrary) await attempt('T8', () => atRest(server))
      await attempt('T1', async () => {
        const begun = performance.now()
        await server.stop(!server.launch.unfinished)
        largest('stop', performance.now() - begun)
      })
      check(server.exit === 0, `T1: after a stop it ended with ${server.exit}`)
    } else {
      await attempt('T1', async () => void (await within(server.ended, 'its end')))
      check(
        mayEnd?.includes(server.exit as number) ?? server.exit === 0,
        `T1: ended by itself with ${server.exit}`,
      )
    }
    for (const sentence of defectsIn(server.stderr)) wrong.push(`T4: ${sentence}`)
    lost += lostBy(server, check)
    if (server.end !== undefined) {
      check(server.end.extra <= 0, `T3: ${server.end.extra} descriptors are left open`)
      largest('largest stall of the loop', server.end.stalls.largest)
      largest('largest stall of the loop, with a spawn', server.end.stalls.spawning)
    }
  }
  await attempt('T2', () =>
    until(() => bed.left().length === 0, `no process: ${bed.left()}`, 5_000),
  )
  const connections = await countClients(bed, lost)
  check(connections.twice === 0, `T5: ${connections.twice} clients were served twice`)
  check(
    connections.unexplained === 0,
    `T6: ${connections.unexplained} clients failed and nothing says why: ${JSON.stringify(connections)}`,
  )
  return { wrong, connections, figures }
}

/** How long, in milliseconds, until a client is served. Those before it that are not must be accounted for like all others. */
async function backAfter(server: Server): Promise<number> {
  const begun = performance.now()
  for (;;) {
    const end = await server.client().ended
    if (end === 'ok') return performance.now() - begun
    // Of an overload its kids may not have said yet that it is over.
    if (performance.now() - begun > 5_000) throw new Error(`a client afterwards ended with ${end}`)
    await pass(5)
  }
}

/** Dead kids that the parent has not reaped are gone a moment later. Only the library says who they are: others may be its children. */
async function noZombies(server: Server): Promise<void> {
  const own = new Set(server.events('spawn').map(({ pid }) => pid))
  const zombies = () =>
    readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'latin1')
      .split(' ')
      .filter((child) => child !== '' && (own.size === 0 || own.has(Number(child))))
      .filter((child) => lookAt(Number(child))?.state === 'Z')
  await until(() => zombies().length === 0, 'zombies to be reaped', 2_000)
}

/** A client sees its end before the parent does; then everything adds up. */
async function atRest(server: Server): Promise<void> {
  if (server.launch.unfinished) return
  await server.statusIs(
    ({ counters, states }) => counters.held + states.ordered + states.late === 0,
    'nothing to be held or ordered',
  )
}

/** How many clients the server's counters, or its log, say have failed. */
function lostBy(server: Server, check: (good: boolean, sentence: string) => void): number {
  if (server.end === undefined) {
    check(!server.isLibrary || server.launch.mayEnd !== undefined, 'T8: it gave no last counters')
    return server.log.reduce(
      (sum, { lost, unanswered }) => sum + Number(lost ?? 0) + Number(unanswered ?? 0),
      0,
    )
  }
  const { counters, kids, states } = server.end.status
  const { accepted, done, cut, skipped, held, lost, unanswered, shed, abandoned } = counters
  const numbers = JSON.stringify(counters)
  check(accepted === done + cut + skipped + held + lost, `T8: counters do not add up: ${numbers}`)
  check(held === 0, `T8: connections are held after the end: ${numbers}`)
  check(counters.deaths === counters.spawns, `T8: not every kid was reaped: ${numbers}`)
  check(kids.length === 0, 'T8: the scoreboard is not empty')
  check(
    Object.values(states).every((count) => count === 0),
    `T8: kids are left: ${JSON.stringify(states)}`,
  )
  return lost + unanswered + shed + abandoned
}

/** Lines that no fault should bring about. */
function defectsIn(stderr: string): string[] {
  return (
    stderr
      .split('\n')
      .filter((line) =>
        /defect in preforkd|assert|uncaught|a listener of|^\s+at .*dist\/(parent|core|operate|cli|preforker)/i.test(
          line,
        ),
      )
      // A kid's handler may throw what it likes.
      .filter((line) => !/"kid":/.test(line))
  )
}

async function countClients(bed: Bed, lost: number): Promise<Connections> {
  const clients = bed.servers.flatMap((server) => server.clients)
  const ends = new Map<AskedEnd, number>()
  for (const client of clients) {
    const end = await client.ended
    ends.set(end, (ends.get(end) ?? 0) + 1)
  }
  const count = (end: AskedEnd) => ends.get(end) ?? 0
  const excused = bed.excuses.reduce((sum, { count }) => sum + count, 0)
  // A counter never explains that nobody listens, or that nothing comes at all.
  const failed = count('rst') + count('eof')
  const without = Math.max(0, failed - lost) + count('refused') + count('timeout')
  const unexplained = Math.max(0, without - excused)
  return {
    offered: clients.length,
    ok: count('ok'),
    dropped: count('dropped'),
    explained: failed + count('refused') + count('timeout') - unexplained,
    unexplained,
    twice: servedTwice(bed.ledger),
  }
}

function servedTwice(ledger: string): number {
  const ids = readFileSync(ledger, 'latin1')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' ')[0])
  return ids.length - new Set(ids).size
}
