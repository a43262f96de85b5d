/** The lab as a whole: it sees the herd where there is one, leaves nobody behind, and keeps what it has when it is ended. */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { kidsOf } from '../../src/herd/processes.js'
import type { MeasurementLine, ResultLine } from '../../src/herd/results.js'
import { Run, refused } from '../cli/run.js'
import { isAlive, patience, until } from '../process/processes.js'

/** A busy machine is no fault of the lab's. */
const limit = 120_000

/** What tap adds to processes would be measured too. */
const bare = { bare: true }

function directory(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'preforkd-herd-'))
  t.teardown(() => rmSync(path, { recursive: true }))
  return path
}

function linesOf(out: string): ResultLine[] {
  const file = join(out, 'results.jsonl')
  if (!existsSync(file)) return []
  const whole = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return whole.map((line) => JSON.parse(line))
}

function measurements(out: string): MeasurementLine[] {
  return linesOf(out).filter((line) => line.type === 'measurement')
}

/** Everything of the lab's that runs, whoever its parent is: its environment names memory that the lab has open. */
function leftOf(lab: number): number[] {
  const mark = `/proc/${lab}/fd/`
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark) && isAlive(pid)
      } catch {
        return false
      }
    })
}

t.test(
  'poll and epoll wake all kids, the others one: by switches at 1 and at 8 kids',
  async (t) => {
    const grow = ['poll', 'epoll']
    const stay = ['accept', 'epollexclusive', 'reuseport', 'command', 'queue']
    const out = join(directory(t), 'new')
    const strategies = ['--strategies', [...grow, ...stay].join()]
    const size = ['--shapes', 'trickle', '--kids', '1,8', '--rounds', '1', '--seconds', '0.1']
    const run = new Run(t, ['herd', ...strategies, ...size, '--seed', '1', '--out', out], bare)
    t.equal(await run.end(t, limit), 0)
    t.strictSame(leftOf(run.pid), [], 'no kid is left')
    const found = measurements(out)
    const missing = linesOf(out).filter((line) => line.type === 'unavailable')
    for (const { strategy, reason } of missing) t.comment(`${strategy} is not tried: ${reason}`)
    t.equal(found.length, 2 * (grow.length + stay.length - missing.length))
    for (const { connections, failed, kidsAccepted, strategy, kids, queueDepth } of found) {
      const all = kidsAccepted.reduce((sum, count) => sum + count, 0)
      t.match({ failed, all }, { failed: 0, all: connections }, `${strategy}, ${kids}: all served`)
      t.ok(connections > 0, `${strategy}, ${kids}: ${connections} connections`)
      const known = queueDepth.length > 0 && queueDepth.length <= 200
      t.ok(known, `${strategy}, ${kids}: ${queueDepth.length} looks at the queue`)
    }
    const switches = (strategy: string, kids: number) => {
      const line = found.find((line) => line.strategy === strategy && line.kids === kids)
      return line?.perConnection.kidSwitchesVoluntary
    }
    for (const strategy of [...grow, ...stay]) {
      const [one, eight] = [switches(strategy, 1), switches(strategy, 8)]
      if (one === undefined || eight === undefined) continue
      const told = `${strategy}: ${one} switches per connection with 1 kid, ${eight} with 8`
      if (grow.includes(strategy)) t.ok(eight >= 4 * one, told)
      else t.ok(eight <= 2 * one + 1.5, told)
    }
    for (const strategy of ['command', 'queue']) {
      const line = found.find((line) => line.strategy === strategy)
      t.ok(Number(line?.perConnection.parentSwitchesVoluntary) > 0.5, `${strategy} has a parent`)
    }
    t.match(run.stdout, /\ntrickle, 8 kids: /)
    t.ok(existsSync(join(out, 'report.html')))
  },
)

t.test('interrupted, it tells and keeps what it has', async (t) => {
  const out = directory(t)
  const load = ['--kids', '2', '--rounds', '100', '--seconds', '0.1', '--shapes', 'trickle,burst']
  const run = new Run(t, ['herd', '--strategies', 'queue,preforkd', ...load, '--out', out], bare)
  let size = 0
  const enough = () => {
    const now = statSync(join(out, 'results.jsonl'), { throwIfNoEntry: false })?.size ?? 0
    // Asked a thousand times a second, so read only when something has come.
    if (now === size) return false
    size = now
    return new Set(measurements(out).map(({ strategy }) => strategy)).size === 2
  }
  await until(() => enough() || !isAlive(run.pid), 'a measurement of each', limit)
  run.signal('SIGINT')
  t.equal(await run.end(t, limit), 0)
  t.strictSame(leftOf(run.pid), [], 'no kid is left')
  t.match(run.stderr, /interrupted; this is what there is/)
  t.match(run.stdout, /\ntrickle, 2 kids: /)
  t.ok(existsSync(join(out, 'report.html')))
  for (const { failed, connections, kidsAccepted } of measurements(out)) {
    t.equal(failed, 0)
    t.equal(
      kidsAccepted.reduce((sum, count) => sum + count, 0),
      connections,
    )
  }
  const sentence = `--out ${out} has a results.jsonl already: choose another directory`
  await refused(t, ['herd', '--out', out], 2, sentence)
})

t.test('killed, it takes its kids and its client with it', async (t) => {
  const size = ['--kids', '4', '--seconds', '60', '--shapes', 'saturate']
  const run = new Run(t, ['herd', '--strategies', 'command', ...size], bare)
  const processes = () => kidsOf(run.pid)
  // Four kids, their parent, and the client.
  await until(() => processes().length === 6 || !isAlive(run.pid), 'all to run', limit)
  const all = processes()
  t.equal(all.length, 6)
  run.signal('SIGKILL')
  t.equal(await run.end(t, limit), 'SIGKILL')
  await until(() => !all.some(isAlive), 'all to end', patience)
  t.strictSame(leftOf(run.pid), [])
})
