/** Plots are well-formed, have a mark for each figure and escape what they are told, whatever the figures are. */

import t from 'tap'
import { MOST_SAMPLES, type QueueSample, thinned } from '../../../src/herd/queue-samples.js'
import type { MeasurementLine } from '../../../src/herd/results.js'
import { sweepKids } from '../../../src/herd/shapes.js'
import { drainPlot } from '../../../src/herd/show/drain-plot.js'
import { type Cell, cellsOf } from '../../../src/herd/show/figures.js'
import { linePlot } from '../../../src/herd/show/line-plot.js'
import { paretoPlot } from '../../../src/herd/show/pareto-plot.js'
import { percentilesPlot } from '../../../src/herd/show/percentiles-plot.js'
import { type Plot, spread, svgOf } from '../../../src/herd/show/plot.js'
import { plotsOf } from '../../../src/herd/show/plots.js'
import { queuePlot } from '../../../src/herd/show/queue-plot.js'
import { linearScale, logScale, plain, time } from '../../../src/herd/show/scales.js'
import { lorenzPlot, sharesOf, sharesPlot } from '../../../src/herd/show/shares.js'
import { stripsText } from '../../../src/herd/show/strips.js'
import { switchesPlot } from '../../../src/herd/show/switches-plot.js'
import { timelinePlot, timelineText } from '../../../src/herd/show/timeline.js'
import fc from '../../fast-check.js'
import { measurement, sampleRun, timeline } from './sample.js'
import { find, type Node, parseXml } from './xml.js'

function draw(plot: Plot): Node {
  const svg = parseXml(svgOf(plot, true))
  t.equal(svg.name, 'svg')
  const { width = '', height = '' } = find(svg, { class: 'paper' })[0]?.attributes ?? {}
  for (const text of find(svg, { name: 'text' })) {
    const [x, y] = [Number(text.attributes.x), Number(text.attributes.y)]
    if (!(x >= 0 && x <= Number(width) && y >= 0 && y <= Number(height)))
      t.fail(`${plot.title}: ${JSON.stringify(text.text)} is outside, at ${x}, ${y}`)
  }
  return svg
}

function labels(node: Node): string[] {
  return find(node, { name: 'text' }).map(({ text }) => text)
}

function cells(...lines: MeasurementLine[]): Cell[] {
  return cellsOf(lines)
}

const draws: Readonly<Record<string, (cells: readonly Cell[], title: string) => Plot>> = {
  ...{ switchesPlot, percentilesPlot, drainPlot, sharesPlot, lorenzPlot, paretoPlot, queuePlot },
}

t.test('every plot of a run is well-formed, and two are never in one file', async (t) => {
  const groups = plotsOf(sampleRun())
  t.equal(groups.length, 8, 'each kind of plot')
  const files = groups.flatMap(({ plots }) => plots)
  t.equal(new Set(files.map(([file]) => file)).size, files.length)
  for (const [file, plot] of files) {
    t.match(file, /^[a-z0-9-]+$/)
    const svg = draw(plot)
    t.notMatch(labels(svg), ['nothing was measured'], file)
  }
})

t.test('nothing, zeros, huge and tiny figures', async (t) => {
  const none = { p50: null, p90: null, p99: null, p999: null, max: null }
  const zero = { ...measurement('accept', 'burst').perConnection }
  for (const key of Object.keys(zero)) Object.assign(zero, { [key]: 0 })
  const huge = { ...zero, kidCpuUs: 1e15, kidSwitchesVoluntary: 1e15 }
  const one = measurement('accept', 'burst')
  const far = { p50: 1e12, p90: 1e12, p99: 1e12, p999: 1e12, max: 1e12 }
  const given: Record<string, Cell[]> = {
    nothing: [],
    'nothing answered': cells({
      ...{ ...one, connections: 0, latencyUs: none, histogram: [], perConnection: zero },
      ...{ kidsAccepted: [0, 0, 0, 0, 0, 0, 0, 0], drain: null },
    }),
    'one of everything': cells(measurement('accept', 'burst', 1)),
    zeros: cells({
      ...{ ...one, perConnection: zero, histogram: [[0, 3]] },
      ...{ latencyUs: { p50: 0, p90: 0, p99: 0, p999: 0, max: 0 } },
      drain: { bursts: 1, lastReplyMs: { p50: 0, p90: 0, max: 0 }, curve: [[0, 0]] },
    }),
    'zero beside huge': cells(
      { ...one, perConnection: zero },
      {
        ...{ ...measurement('poll', 'burst'), perConnection: huge, latencyUs: far },
        histogram: [
          [1, 1e12],
          [1e12, 1],
        ],
        drain: { bursts: 1, lastReplyMs: { p50: 1e9, p90: 1e9, max: 1e9 }, curve: [[1e9, 1e9]] },
      },
    ),
    'no schedstat': cells({ ...one, perConnection: { ...zero, kidCpuUs: null } }),
  }
  for (const [what, some] of Object.entries(given)) {
    for (const [name, plot] of Object.entries(draws)) {
      const svg = draw(plot(some, what))
      if (some.length === 0) t.ok(labels(svg).includes('nothing was measured'), name)
      else t.ok(find(svg, { name: 'text' }).length > 1, `${name}: ${what}`)
    }
  }
})

t.test(
  'switches: a dot for each number of kids, a bar for the range, a name for each line',
  async (t) => {
    const lines = [1, 2, 3].flatMap((round) =>
      (['accept', 'epoll'] as const).flatMap((name) =>
        sweepKids.map((kids) => measurement(name, 'sweep', kids, round)),
      ),
    )
    const svg = draw(switchesPlot(cells(...lines), 'sweep'))
    t.equal(find(svg, { class: 'curve' }).length, 2)
    t.equal(find(svg, { class: 'dot' }).length, 2 * sweepKids.length)
    t.equal(find(svg, { class: 'range' }).length, 2 * sweepKids.length)
    for (const text of ['accept', 'epoll', 'kids', 'switches per connection', '1', '64'])
      t.ok(labels(svg).includes(text), text)
    const [accept, epoll] = ['c0', 'c2'].map((name) => {
      const dots = find(find(svg, { class: name })[0] as Node, { class: 'dot' })
      return dots.map(({ attributes }) => Number(attributes.cy))
    })
    t.ok((epoll?.[0] ?? 0) - (epoll?.at(-1) ?? 0) > 150, 'epoll climbs')
    t.ok(Math.abs((accept?.[0] ?? 0) - (accept?.at(-1) ?? 0)) < 30, 'accept does not')
  },
)

t.test('shares: a bar a kid, as high as its part beside the fair line', async (t) => {
  const even = measurement('accept', 'open', 4, 1, { kidsAccepted: [10, 10, 10, 10] })
  const one = measurement('epollexclusive', 'open', 4, 1, { kidsAccepted: [0, 40, 0, 0] })
  t.strictSame(cells(even, one).map(sharesOf), [
    [0.25, 0.25, 0.25, 0.25],
    [1, 0, 0, 0],
  ])
  const svg = draw(sharesPlot(cells(even, one), 'shares'))
  const bars = find(svg, { class: 'bar' }).map(({ attributes }) => Number(attributes.height))
  t.strictSame(bars, [30, 30, 30, 30, 30, 0, 0, 0])
  t.equal(find(svg, { class: 'fair' }).length, 2)
  t.ok(labels(svg).includes('most 100 %'))
})

t.test('queues: a row a strategy, all of one round and to one scale', async (t) => {
  const at = (name: 'accept' | 'reuseport', round: number, depths: readonly number[]) =>
    measurement(name, 'stall', 8, round, {
      queueDepth: depths.map((depth, i): QueueSample => [i * 10, depth]),
    })
  const lines = [
    ...[at('accept', 1, [0, 9, 9]), at('reuseport', 1, [9, 9, 9])],
    ...[at('accept', 2, [0, 0, 0]), at('reuseport', 2, [1, 0, 0])],
    ...[at('accept', 3, [0, 1, 0]), at('reuseport', 3, [2, 4, 0])],
    // Interrupted: not every strategy has it.
    at('accept', 4, [2, 2, 2]),
  ]
  const svg = draw(queuePlot(cells(...lines), 'stall'))
  const texts = labels(svg)
  for (const text of ['accept', 'reuseport', 'most 1', 'most 4', 'rounds: 0 \u2013 9'])
    t.ok(texts.includes(text), text)
  t.ok(texts.includes('milliseconds since the load began, round 3'), 'neither calm nor worst')
  const heights = ['c0', 'c4'].map((name) => {
    const { d = '' } =
      find(find(svg, { class: name })[0] as Node, { class: 'bar' })[0]?.attributes ?? {}
    const ys = [...d.matchAll(/[ML]\S+ ([^ML]+)/g)].map(([, y]) => Number(y))
    return Math.max(...ys) - Math.min(...ys)
  })
  t.strictSame(heights, [8, 32])
})

t.test('of many samples the deepest are kept', async (t) => {
  const some: QueueSample[] = [
    [0, 1],
    [10, 5],
    [20, 0],
    [30, 2],
    [40, 3],
  ]
  t.strictSame(thinned(some), some)
  t.strictSame(thinned(some, 3), [
    [0, 5],
    [20, 2],
    [40, 3],
  ])
  t.strictSame(thinned([]), [])
  const depths = fc.array(fc.nat({ max: 4096 }), { minLength: 1, maxLength: 2000 })
  fc.assert(
    fc.property(depths, (depths) => {
      const kept = thinned(depths.map((depth, i): QueueSample => [i, depth]))
      const deepest = Math.max(...kept.map(([, depth]) => depth))
      return (
        kept.length <= MOST_SAMPLES &&
        kept.length > Math.min(depths.length, MOST_SAMPLES) / 2 &&
        deepest === Math.max(...depths) &&
        kept.every(([ms], i) => i === 0 || ms > (kept[i - 1] as QueueSample)[0])
      )
    }),
  )
})

t.test('the dashed line joins those that no other beats', async (t) => {
  const at = (name: 'accept' | 'poll' | 'epoll', kidCpuUs: number, p99: number) =>
    measurement(name, 'open', 8, 1, {
      perConnection: { ...measurement(name, 'open').perConnection, kidCpuUs, parentCpuUs: 0 },
      latencyUs: { p50: p99, p90: p99, p99, p999: p99, max: p99 },
    })
  const svg = draw(
    paretoPlot(cells(at('accept', 10, 900), at('poll', 20, 100), at('epoll', 30, 500)), 'cost'),
  )
  const place = (name: string) => {
    const { cx, cy } =
      find(find(svg, { class: name })[0] as Node, { class: 'dot' })[0]?.attributes ?? {}
    return [cx, cy] as const
  }
  const [[acceptX, acceptY], [pollX, pollY]] = [place('c0'), place('c1')]
  const front = find(svg, { class: 'front' })[0]?.attributes.d
  t.equal(front, `M${acceptX} ${acceptY}L${pollX} ${acceptY}L${pollX} ${pollY}`)
})

t.test('timeline: a mark a wakeup, filled where it got a connection', async (t) => {
  const svg = draw(timelinePlot(timeline('epoll', 8, 10), 'epoll'))
  t.equal(find(svg, { class: 'dot' }).length, 10)
  t.equal(find(svg, { class: 'hollow' }).length, 70)
  t.match(labels(svg)[1], '80 kids woke for 10 connections, 70 for nothing')
  const long = draw(timelinePlot(timeline('accept', 64, 500), 'accept'))
  t.equal(find(long, { class: 'dot' }).length, 40, 'only the first are shown')
  t.strictSame(timelineText(timeline('epoll', 3, 4)), [
    ' 1 \u25cf\u25cb\u25cb\u25cf',
    ' 2 \u25cb\u25cb\u25cf\u25cb',
    ' 3 \u25cb\u25cf\u25cb\u25cb',
  ])
  t.strictSame(timelineText({ ...timeline('accept', 2, 1), wakes: [] }), [' 1', ' 2'])
})

t.test('timelines as text stand beside each other, if they are not too tall', async (t) => {
  const lines = [timeline('epoll', 2, 3), timeline('accept', 2, 3), timeline('queue', 17, 3)]
  t.strictSame(stripsText(lines)?.split('\n').slice(1), [
    `  ${'accept'.padEnd(46)}epoll`,
    `  ${' 1 \u25cf \u25cf'.padEnd(46)} 1 \u25cf\u25cb\u25cf`,
    `  ${' 2  \u25cf'.padEnd(46)} 2 \u25cb\u25cf\u25cb`,
  ])
  t.equal(stripsText([]), undefined)
})

t.test('hostile names are text', async (t) => {
  const name = `</text><script>alert('1')</script>&amp;"\u0000\ud800`
  const svg = draw(
    linePlot({
      ...{ title: name, description: name, names: { x: name, y: name } },
      series: [{ name, points: [[1, 1]] }],
      x: (values, ends) => linearScale(values, ends, plain),
      y: (values, ends) => logScale(values, ends, time),
    }),
  )
  t.equal(find(svg, { name: 'script' }).length, 0)
  const shown = name.replace('\u0000', '\ufffd').replace('\ud800', '\ufffd')
  t.equal(labels(svg).filter((text) => text === shown).length, 4)
  t.equal(find(svg, { name: 'title' })[0]?.text, shown)
})

t.test('axes: ticks are within, ascending and not too many, for any values', async () => {
  const values = fc.array(fc.double({ min: 1e-9, max: 1e18, noNaN: true }), { maxLength: 20 })
  fc.assert(
    fc.property(values, fc.boolean(), (values, isLog) => {
      const scale = (isLog ? logScale : linearScale)(values, [50, 300], plain)
      const places = scale.ticks.map(({ value }) => scale.at(value))
      const ordered = places.every((at, i) => i === 0 || at > (places[i - 1] as number))
      const named = scale.ticks.filter(({ label }) => label !== '').length
      const inside = [...places, ...values.map(scale.at)].every((at) => at >= 50 && at <= 300)
      return ordered && inside && named >= 1 && named <= 11
    }),
  )
})

t.test('names never lie over each other', async () => {
  const wanted = fc.array(fc.double({ min: 50, max: 290, noNaN: true }), { maxLength: 12 })
  fc.assert(
    fc.property(wanted, (wanted) => {
      const placed = spread(wanted, 15, 50, 290)
      const sorted = [...placed].sort((a, b) => a - b)
      return (
        sorted.every((y, i) => i === 0 || y - (sorted[i - 1] as number) > 14.99) &&
        sorted.every((y) => y >= 49.99 && y <= 290.01)
      )
    }),
  )
})

t.test('numbers are short, and have the unit that suits', async (t) => {
  t.strictSame([0, 0.012345, 1.2345, 12.345, 123.45, 12_345, 1e7].map(plain), [
    ...['0', '0.012', '1.23', '12.3', '123', '12345', '1e7'],
  ])
  t.strictSame([0, 12, 1500, 2_000_000].map(time), ['0 \u00b5s', '12 \u00b5s', '1.5 ms', '2 s'])
})
