/** The report from sample lines: well-formed, with its tables and warnings; files that are none of ours; the verdict. */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { runShowing } from '../../../src/cli/herd-showing.js'
import { PreforkdError, UsageError } from '../../../src/errors.js'
import type { ResultLine, RunLine } from '../../../src/herd/results.js'
import { baselineOf, cellsOf, metrics, ratioOf } from '../../../src/herd/show/figures.js'
import { parseResults, readResults } from '../../../src/herd/show/read-results.js'
import { reportOf } from '../../../src/herd/show/report.js'
import { verdictOf } from '../../../src/herd/show/verdict.js'
import { writeReport } from '../../../src/herd/show/write-report.js'
import { measurement, run, sampleRun, timeline } from './sample.js'
import { find, type Node, parseXml } from './xml.js'

function page(lines: readonly [RunLine, ...ResultLine[]]): Node {
  return parseXml(reportOf(lines))
}

function directory(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'preforkd-report-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

function refusal(work: () => unknown): string {
  try {
    work()
    return 'nothing'
  } catch (error) {
    if (error instanceof PreforkdError) return error.message
    throw error
  }
}

t.test('the page has everything in it, and asks the network for nothing', async (t) => {
  const text = reportOf(sampleRun())
  const html = parseXml(text)
  const names = new Set(find(html, {}).map(({ name }) => name))
  for (const name of ['script', 'link', 'img', 'iframe', 'object']) t.notOk(names.has(name), name)
  t.notMatch(text, /https?:|url\(|@import/, 'no address to load from')
  for (const { attributes } of find(html, { name: 'a' })) {
    const target = attributes.href?.slice(1)
    t.equal(
      find(html, {}).filter(({ attributes }) => attributes.id === target).length,
      1,
      `${target}`,
    )
  }
  t.match(find(html, { class: 'machine' })[0]?.text, `AMD EPYC <&"'>, 8 GiB`)
  t.equal(find(html, { name: 'h1' }).length, 1)
  t.equal(find(html, { name: 'svg' }).length, 29)
  t.equal(find(html, { name: 'table' }).length, 7, 'a table for each shape, two for the sweep')
  t.match(html.text, 'Node.js v20.20.2 has no listen({ reusePort: true })')
})

t.test('rows, ratios, and "not resolved" where rounds contradict each other', async (t) => {
  const at = (strategy: 'accept' | 'poll' | 'flock', round: number, switches: number) =>
    measurement(strategy, 'trickle', 8, round, {
      perConnection: {
        ...measurement(strategy, 'trickle').perConnection,
        ...{ kidSwitchesVoluntary: switches, kidSwitchesInvoluntary: 0 },
      },
    })
  const rounds = [1, 2, 3]
  const lines = rounds.flatMap((round) => [
    at('accept', round, 2),
    at('poll', round, 8 + round),
    at('flock', round, round),
  ])
  const html = page([run, ...lines])
  const rows = find(html, { name: 'tr' }).filter(({ text }) => /^(accept|poll|flock)/.test(text))
  const first = rows.map((row) => find(row, { name: 'td' })[0]?.text)
  t.strictSame(first, ['2', '109 \u2013 11\u00d7 5', '21 \u2013 3not resolved'])

  const cells = cellsOf(lines)
  const [accept, poll] = cells
  if (accept === undefined || poll === undefined) throw new Error('no cells')
  t.equal(baselineOf(poll, cells), accept)
  t.equal(baselineOf(accept, cells), undefined)
  t.strictSame(ratioOf(poll, accept, metrics.switches), {
    ...{ median: 5, least: 4.5, most: 5.5, resolved: true },
  })
  const two = cellsOf(lines.filter(({ round }) => round < 3))
  const few = ratioOf(
    two[1] as (typeof two)[number],
    two[0] as (typeof two)[number],
    metrics.switches,
  )
  t.equal(few?.resolved, false, 'two rounds are too few')
})

t.test('warnings stand by the table and the plots they are about', async (t) => {
  const client = { cpuUsPerConnection: 9, busy: 0.99, saturated: true }
  const warnings = ['3 connections failed. <b>', 'The client was the bottleneck.']
  const html = page([
    run,
    measurement('accept', 'open', 8, 1, { client, failed: 3, warnings }),
    measurement('accept', 'open', 8, 2, { warnings: ['7 connections failed. <b>'] }),
    measurement('poll', 'open', 8, 1),
  ])
  const [table] = find(html, { class: 'care' }).filter(
    ({ attributes }) => attributes.id === 'care-open-8',
  )
  t.strictSame(table === undefined ? [] : find(table, { name: 'li' }).map(({ text }) => text), [
    '3 connections failed. <b> So or similar: accept (2 rounds).',
    'The client was the bottleneck. So or similar: accept.',
  ])
  t.equal(find(html, { class: 'mark' }).length, 1)
  t.match(html.text, 'are in: accept under open with 8 kids.')
})

t.test('a run that was interrupted is drawn with what it has', async (t) => {
  t.match(page([run]).text, 'ended before anything was measured')
  const html = page([run, measurement('epoll', 'trickle'), timeline('epoll', 8, 3)])
  t.match(html.text, 'only 1 of 3 rounds were measured. Nothing was measured of open, saturate')
  t.equal(find(html, { name: 'table' }).length, 1)
  t.notMatch(page(sampleRun()).text, 'not complete')
})

t.test('the verdict is made from the figures', async (t) => {
  const [, ...lines] = sampleRun()
  const number = String.raw`\d+(\.\d+)?`
  t.match(
    verdictOf(lines),
    new RegExp(
      `^Poll and epoll have a herd, ${number} to ${number} context switches for a connection with 64 kids waiting; ` +
        `flock lies between, with ${number}; accept, epollexclusive, reuseport, command and queue make ${number} to ${number} however many kids wait; ` +
        `of the servers, cluster-none has a herd, .*; preforkd and cluster-rr make .*; ` +
        `while 1 % of the connections hold a kid for long, p99 of the others is ${number} \u00b5s under accept but ${number} ms under reuseport.$`,
    ),
  )
  const trickle = lines.filter((line) => line.type === 'measurement' && line.shape === 'trickle')
  t.match(verdictOf(trickle), /^Poll and epoll have a herd, .* with 8 kids waiting; accept, /)
  t.match(verdictOf([measurement('epoll', 'trickle', 4)]), /^This run is too small for a verdict/)
  t.match(verdictOf([]), /^This run is too small/)
})

t.test('what is written is read back, whatever was in it', async (t) => {
  const lines = sampleRun(1)
  const text = `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`
  t.strictSame(parseResults(text, 'f'), lines)
  t.equal(
    parseResults(text.trimEnd(), 'f').length,
    lines.length,
    'the last end of line may be missing',
  )
})

t.test('a run that saw no queue is drawn without one', async (t) => {
  const seen = measurement('accept', 'stall')
  t.ok(seen.queueDepth.length > 0)
  t.match(page([run, seen]).text, 'Queue depth over time')
  t.notMatch(page([run, { ...seen, queueDepth: [] }]).text, 'Queue depth over time')
})

t.test('a file that is none of ours is refused by line', async (t) => {
  const good = JSON.stringify(run)
  const some = measurement('accept', 'open')
  const because = (...lines: string[]) => refusal(() => parseResults(lines.join('\n'), 'f.jsonl'))
  const other = (changes: object) => because(good, JSON.stringify({ ...some, ...changes }))
  for (const [said, expected] of [
    [because(''), 'f.jsonl is empty: there are no results to draw'],
    [because('# Notes'), 'f.jsonl, line 1 is cut short or no JSON'],
    [because(good, JSON.stringify(some).slice(0, 200)), 'f.jsonl, line 2 is cut short or no JSON'],
    [
      because(JSON.stringify(some)),
      'f.jsonl, line 1: the first line must be the run, not a measurement',
    ],
    [because(good, good), 'f.jsonl, line 2: a second run; each has a file of its own'],
    [because(good, '', good), 'f.jsonl, line 2 is cut short or no JSON'],
    [because('[]'), /^f.jsonl, line 1 is no result of the lab: /],
    [because('{"level":30,"msg":"ready"}'), /^f.jsonl, line 1 is no result of the lab: type: /],
    [other({ strategy: 'magic' }), /^f.jsonl, line 2 is no result of the lab: strategy: /],
    [other({ kids: 65 }), /line 2 is no result of the lab: kids: /],
    [other({ connections: -1 }), /: connections: /],
    [other({ kidsAccepted: new Array(9).fill(1) }), /: kidsAccepted: /],
    [other({ histogram: [['1', 2]] }), /: histogram.0.0: /],
    [because(good, JSON.stringify({ ...timeline('poll', 2, 2), kids: 1 })), /line 2 .*: wakes: /],
  ] as const) {
    if (typeof expected === 'string') t.equal(said, expected)
    else t.match(said, expected)
  }
})

t.test(
  'the files: a page, its plots and no others of ours; what cannot be written is said',
  async (t) => {
    const into = directory(t)
    const out = join(into, 'new')
    t.equal(writeReport(out, sampleRun(1)), join(out, 'report.html'))
    t.strictSame(readdirSync(out).sort(), ['plots', 'report.html'])
    const plots = join(out, 'plots')
    t.equal(readdirSync(plots).length, 29)
    for (const name of readdirSync(plots))
      t.equal(parseXml(readFileSync(join(plots, name), 'utf8')).name, 'svg')
    writeFileSync(join(plots, 'mine.svg'), '')
    writeReport(out, [run, measurement('accept', 'burst')])
    t.strictSame(readdirSync(plots), ['drain-burst-8-lab.svg', 'mine.svg'])
    writeFileSync(join(into, 'file'), '')
    t.match(
      refusal(() => writeReport(join(into, 'file'), [run])),
      /^cannot make the directory .*file: /,
    )
  },
)

t.test('herd report reads a file and draws beside it', async (t) => {
  const into = directory(t)
  const file = join(into, 'results.jsonl')
  writeFileSync(
    file,
    `${sampleRun(1)
      .map((line) => JSON.stringify(line))
      .join('\n')}\n`,
  )
  const written = t.capture(process.stdout, 'write')
  const shown = runShowing({ show: 'report', file })
  written.restore()
  t.equal(await shown, 0)
  t.strictSame(written.args(), [[`${join(into, 'report.html')}\n`]])
  t.ok(existsSync(join(into, 'report.html')))
  t.equal(
    refusal(() => readResults(join(into, 'none'))),
    `cannot read ${join(into, 'none')}: ENOENT`,
  )
  await t.rejects(runShowing({ show: 'report', file: into }), UsageError)
})
