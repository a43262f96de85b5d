/** Every pair of signals to a real command, the second on the heels of the first; used by the tests of pairs. */

import { readFileSync } from 'node:fs'
import { type Test, test } from 'tap'
import { actionOn, type Doing, doingAfter, type Signal, signals } from '../../src/core/signals.js'
import { Signalled } from '../process/deploy.js'
import { isAlive, until } from '../process/processes.js'
import { fixture } from './run.js'

/** Commands that run at once. */
const atOnce = 4
/** Kids are light, because there are hundreds. */
const kid = `sh ${fixture('kids/counts.sh')}`

/** Whether a signal waits to be delivered to a process. */
function isPending(pid: number): boolean {
  try {
    return !/^ShdPnd:\s+0+$/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'))
  } catch {
    return false
  }
}

/** What the docs say comes of two signals: what the server is doing, how many kids it has, whether it was upgraded. */
function documented(pair: readonly Signal[]): { doing: Doing; kids: number; upgraded: boolean } {
  let doing: Doing = 'running'
  let kids = 2
  let upgraded = false
  for (const signal of pair) {
    const situation = { doing, upgrading: upgraded, isFirst: false, onTerminal: false }
    const action = actionOn(signal, situation)
    doing = doingAfter(action, doing)
    if (action === 'more') kids++
    if (action === 'fewer') kids = Math.max(1, kids - 1)
    if (action === 'reload') kids = 2
    if (action === 'park') kids = 0
    if (action === 'upgrade') upgraded = true
  }
  // The new parent begins as its options say, whatever has become of the old one.
  if (upgraded && doing !== 'draining' && doing !== 'quitting') {
    return { doing: 'running', kids: 2, upgraded }
  }
  return { doing, kids, upgraded }
}

type Pair = readonly [Signal, Signal]

async function tryEach(t: Test, open: Pair[]): Promise<void> {
  for (let pair = open.shift(); pair !== undefined; pair = open.shift()) {
    const [first, second] = pair
    await t.test(`${first} and then ${second}`, async (t) => {
      const server = new Signalled(t, ['--kid', kid, '--kids', '2', '--stop-timeout', '5s'])
      await server.said(/^ready: 2 kids/)
      const old = server.parent
      server.signal(first)
      // The kernel hands out what is pending by number, and the same signal only once.
      await until(() => !isPending(old), `${first} to be delivered`)
      if (isAlive(old)) server.signal(second)
      const { doing, kids, upgraded } = documented([first, second])
      if (doing === 'draining' || doing === 'quitting') {
        t.equal(await server.run.end(t), 0, 'it ends as it was asked to')
        return
      }
      if (upgraded) {
        await server.said(/^ready: 2 kids/, 2)
        await until(() => !isAlive(old), 'the old parent to end')
      }
      if (doing === 'parked') await server.said(/^parked/)
      if ([first, second].includes('SIGHUP') && !upgraded && doing === 'running') {
        await server.said(/^(reloaded: |no reload: )/)
      }
      const exactly = () => server.kids.length === kids && server.run.left().length === kids + 1
      await until(exactly, `${kids} kids and nobody else`)
      t.same(server.lines(/defect|debugger/i), [])
      t.notMatch(server.run.stderr, /Debugger listening/)
      await server.end(t)
    })
  }
}

/** Every third pair, and with ALL=1 each: the pure machine is tried with all triples in any case. */
const isTried = (first: number, second: number) =>
  process.env.ALL === '1' || (first + second) % 3 === 0

/** A test of pairs that begin with one of these. */
export function testPairs(title: string, firsts: readonly Signal[]): void {
  const open: Pair[] = firsts.flatMap((first) =>
    signals
      .filter((second) => isTried(signals.indexOf(first), signals.indexOf(second)))
      .map((second): Pair => [first, second]),
  )
  void test(title, { jobs: atOnce }, async (t) => {
    await Promise.all(Array.from({ length: atOnce }, () => tryEach(t, open)))
    t.same(open, [])
  })
}
