/** Group A: grandchildren, closed pipes, pids that are used again, and children that are no kids. */

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { isAlive, lookAt, pass, signal, until } from '../../process/processes.js'
import { type Bed, hostile } from '../bed.js'
import type { Row } from '../row.js'
import type { Server } from '../server.js'

/** The processes called sleep that the row has left behind. */
function sleepers(bed: Bed): number[] {
  return bed.left().filter((pid) => readFileSync(`/proc/${pid}/comm`, 'latin1') === 'sleep\n')
}

/** A kid has left a process behind that has its pipes: a stop does not wait for it, and the port can be had again. */
async function leavesBehind(bed: Bed, what: string): Promise<void> {
  const server = await bed.serve({ kids: 2 }, { mayEnd: [0] })
  const kid = await server.client(`${what} 60`).servedBy()
  await until(() => sleepers(bed).length === 1, 'a grandchild')
  await signal(kid, 'SIGKILL')
  await server.event('gone', ({ pid }) => pid === kid)
  assert.equal(await server.client().ended, 'ok')
  await stopsDespite(bed, server)
}

async function stopsDespite(bed: Bed, server: Server): Promise<void> {
  const address = server.address()
  await server.stop()
  const grandchildren = sleepers(bed)
  assert.equal(grandchildren.length, 1, 'the grandchild lives on')
  if (address.kind === 'tcp') {
    const again = createServer().listen(address.port, address.host)
    await once(again, 'listening')
    again.close()
  }
  for (const pid of grandchildren) process.kill(pid, 'SIGKILL')
}

/** A process of ours that has a certain pid, if nobody else was faster. */
async function withPid(pid: number): Promise<ChildProcess | undefined> {
  for (let i = 0; i < 50; i++) {
    writeFileSync('/proc/sys/kernel/ns_last_pid', String(pid - 1))
    const canary = spawn('sleep', ['60'], { stdio: 'ignore' })
    if (canary.pid === pid) return canary
    canary.kill('SIGKILL')
    await once(canary, 'exit')
  }
  return undefined
}

export const processesAround: readonly Row[] = [
  {
    number: 16,
    group: 'A',
    part: 'of a handler',
    fault: 'a kid leaves a grandchild that holds its pipes',
    inject: 'a handler that starts sleep with all that it may inherit, and a kid killed',
    run: (bed) => leavesBehind(bed, 'grandchild'),
  },
  {
    number: 16,
    group: 'A',
    part: 'with the pipes',
    fault: 'a kid leaves a grandchild that holds its pipes',
    inject:
      'a foreign kid that starts sleep with orders, answers and output, and dies when ordered',
    async run(bed) {
      const server = await bed.serve({ ...hostile('keeps-grandchild'), kids: 1 }, { mayEnd: [0] })
      assert.equal(await server.client().ended, 'ok')
      const { counters } = await server.status()
      assert.deepEqual([counters.deaths, counters.unanswered], [1, 1])
      const begun = performance.now()
      await server.stop()
      assert.ok(performance.now() - begun < 5_000, 'it is down soon')
      for (const pid of sleepers(bed)) process.kill(pid, 'SIGKILL')
    },
  },
  {
    number: 17,
    group: 'A',
    fault: 'a kid leaves a daemon behind',
    inject: 'a handler that starts setsid -f sleep, and a kid killed',
    run: (bed) => leavesBehind(bed, 'daemon'),
  },
  ...(['closes-command-pipe', 'closes-status-pipe-and-lives'] as const).map(
    (name): Row => ({
      number: 18,
      group: 'A',
      part: name,
      fault: 'a kid closes a pipe and lives',
      inject: `a foreign kid: ${name}`,
      async run(bed) {
        const server = await bed.serve({ ...hostile(name), kids: 1 })
        assert.equal(await server.client().ended, 'ok')
        await server.event('kill', ({ kid, reason }) => kid === 1 && reason === 'closed its pipe')
        await server.event('gone', ({ kid }) => kid === 1)
        // An end of file that is watched and not read turns the loop as fast as it can.
        const before = cpuOf(server.pid)
        await pass(500)
        const share = (cpuOf(server.pid) - before) / 500
        assert.ok(share < 0.5, `the parent takes ${share} of a processor`)
      },
    }),
  ),
  {
    number: 19,
    group: 'A',
    fault: 'the pid of a dead kid is used again when its kill is due',
    inject: 'ns_last_pid: a kid with connectionTimeout dies, a process of ours gets its pid',
    needs: ['root', 'next pid'],
    // Whoever starts a process meanwhile gets a pid that others still have in mind.
    alone: true,
    async run(bed) {
      const server = await bed.serve({ kids: 2, connectionTimeout: 1_500, stopTimeout: 500 })
      let canary: ChildProcess | undefined
      let begun = 0
      // On a busy machine somebody else may be faster.
      for (let tries = 1; canary === undefined; tries++) {
        assert.ok(tries <= 5, 'somebody else gets the pid each time')
        const client = server.client('hold 60000')
        const { kids } = await server.statusIs(({ states }) => states.busy === 1, 'a busy kid')
        const { pid = 0, number } = kids.find(({ held }) => held === 1) ?? {}
        begun = performance.now()
        await signal(pid, 'SIGKILL')
        await server.event('gone', ({ kid }) => kid === number)
        await client.ended
        await server.event('idle', () => true, 2 + tries)
        canary = await withPid(pid)
      }
      bed.finally(() => canary.kill('SIGKILL'))
      await pass(Math.max(0, begun + 2_500 - performance.now()))
      await server.stop(false)
      assert.equal(lookAt(canary.pid as number)?.state, 'S', 'the process with that pid lives')
      const { counters } = server.end?.status ?? {}
      assert.deepEqual(counters?.kills, {})
    },
  },
  {
    number: 20,
    group: 'A',
    fault: 'a process below the parent dies that is no kid',
    inject: "sh -c 'sleep 0.5 & exec …': the parent inherits a child",
    quick: true,
    async run(bed) {
      const prefix = ['sh', '-c', 'sleep 0.5 & exec "$@"', 'sh']
      const server = await bed.serve({ kids: 2 }, { prefix })
      const foreign = () => {
        const own = server.events('spawn').map(({ pid }) => pid)
        const children = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'latin1')
        return children
          .split(' ')
          .map(Number)
          .find((pid) => pid > 0 && !own.includes(pid))
      }
      const child = foreign()
      assert.ok(child, 'the parent has a child that is no kid')
      await until(() => !isAlive(child), 'the foreign child to die')
      assert.equal(await server.client().ended, 'ok')
      const { counters } = await server.statusIs(({ states }) => states.idle === 2, 'two idle kids')
      assert.equal(counters.deaths, 0)
    },
  },
]

/** Milliseconds of processor time so far. */
function cpuOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'latin1').split(' ')[0]) / 1e6
}
