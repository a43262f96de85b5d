/** The report: one page of HTML with everything in it, made from the lines of results.jsonl. */

import type { ResultLine, RunLine } from '../results.js'
import { shapes } from '../shapes.js'
import { baseline, strategies } from '../strategies.js'
import { type Cell, cellsOf } from './figures.js'
import { svgOf } from './plot.js'
import { type PlotGroup, plotsOf } from './plots.js'
import { reportCss } from './report-style.js'
import { plain } from './scales.js'
import { element, escaped } from './svg.js'
import { placeOf, tableOf } from './table.js'
import { verdictOf } from './verdict.js'

/** The whole page. */
export function reportOf([run, ...rest]: readonly [RunLine, ...ResultLine[]]): string {
  const cells = cellsOf(rest)
  const tables = tablesOf(cells)
  const body = [
    element('h1', {}, 'Thundering herd: who wakes for a connection'),
    machineOf(run),
    element('p', { class: 'verdict' }, escaped(verdictOf(rest))),
    incomplete(run, cells),
    element('h2', {}, 'Figures'),
    p(
      `Medians of all rounds; below them the range where it shows, and the ratio to ${baseline} of the same round (of servers: to cluster-rr). "Not resolved" is where rounds contradict each other, or are fewer than three. The herd is in the first column: what kids wake for nothing is seen in their context switches, and hardly in empty accepts, because poll and epoll look again inside the kernel and sleep on.`,
    ),
    ...tables.slice(0, 1),
    ...plotsOf(rest).map((group) => figuresOf(group, cells)),
    tables.length > 1 ? element('h2', {}, 'All other figures') : '',
    ...tables.slice(1),
    ...method(run, rest),
  ]
  const head = element(
    'head',
    {},
    element('meta', { charset: 'utf-8' }),
    element('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
    element('title', {}, escaped(`Thundering herd, ${run.startedAt}`)),
    element('style', {}, reportCss),
  )
  const main = element('body', {}, element('main', {}, ...body))
  return `<!DOCTYPE html>\n${element('html', { lang: 'en' }, head, '\n', main)}\n`
}

function p(text: string, attributes: { class?: string } = {}): string {
  return element('p', attributes, escaped(text))
}

function machineOf({
  machine,
  kernel,
  node,
  version,
  commit,
  startedAt,
  options,
}: RunLine): string {
  const memory = `${plain(machine.memoryBytes / 1024 ** 3)} GiB`
  const facts: [string, string][] = [
    ['machine', `${machine.cores} cores, ${machine.cpu}, ${memory}`],
    ['kernel', kernel],
    ['Node.js', node],
    ['preforkd', commit === null ? version : `${version}, commit ${commit}`],
    ['started', startedAt],
    ['rounds', `${options.rounds} of ${plain(options.seconds)} s`],
    ['kids', options.kids.join(', ')],
  ]
  const rows = facts.map(([name, value]) =>
    element('div', {}, element('dt', {}, name), element('dd', {}, escaped(value))),
  )
  return element('dl', { class: 'machine' }, ...rows)
}

/** That something is missing, where it is: interrupted, out of time, or failed. */
function incomplete({ options }: RunLine, cells: readonly Cell[]): string {
  const rounds = cells.map((cell) => new Set(cell.rounds.map(({ round }) => round)).size)
  const least = Math.min(...rounds)
  if (cells.length === 0) {
    return p('This run was ended before anything was measured.', { class: 'care' })
  }
  const missing = options.shapes.filter((shape) => !cells.some((cell) => cell.shape === shape))
  if (least >= options.rounds && missing.length === 0) return ''
  const without = missing.length === 0 ? '' : ` Nothing was measured of ${missing.join(', ')}.`
  return p(
    `This run is not complete: of some strategies only ${least} of ${options.rounds} rounds were measured.${without}`,
    { class: 'care' },
  )
}

function tablesOf(cells: readonly Cell[]): string[] {
  const places = [...new Set(cells.map(placeOf))]
  return places.flatMap((place) => {
    const mine = cells.filter((cell) => placeOf(cell) === place)
    const [first] = mine
    // The sweep is read off its plot; its two ends are enough in figures.
    const sweep = cells.filter(({ shape }) => shape === 'sweep').map(({ kids }) => kids)
    if (first === undefined) return []
    if (
      first.shape === 'sweep' &&
      first.kids > Math.min(...sweep) &&
      first.kids < Math.max(...sweep)
    )
      return []
    const meaning = shapes.find(({ name }) => name === first.shape)?.meaning ?? ''
    const kids = `${first.kids} ${first.kids === 1 ? 'kid' : 'kids'}`
    return [
      element('h3', { id: place }, escaped(`${first.shape}, ${kids}`)),
      p(`${meaning[0]?.toUpperCase()}${meaning.slice(1)}.`, { class: 'soft' }),
      tableOf(mine),
      careOf(mine, `care-${place}`),
    ].join('')
  })
}

/** How many different warnings are listed at one place. */
const mostWarnings = 8

/** What makes figures doubtful, each sentence once, with whom it is about; numbers in it differ from round to round. */
function careOf(cells: readonly Cell[], id?: string): string {
  const about = new Map<string, { first: string; who: Map<string, number> }>()
  for (const { strategy, rounds } of cells) {
    for (const warning of rounds.flatMap(({ warnings }) => warnings)) {
      const key = warning.replaceAll(/\d+/g, '')
      const same = about.get(key) ?? { first: warning, who: new Map<string, number>() }
      about.set(key, same)
      same.who.set(strategy, (same.who.get(strategy) ?? 0) + 1)
    }
  }
  if (about.size === 0) return ''
  const items = [...about.values()].slice(0, mostWarnings).map(({ first, who }) => {
    const whom = [...who].map(([strategy, rounds]) =>
      rounds === 1 ? strategy : `${strategy} (${rounds} rounds)`,
    )
    return element('li', {}, escaped(`${first} So or similar: ${whom.join(', ')}.`))
  })
  const more = about.size - items.length
  if (more > 0) items.push(element('li', {}, `And ${more} more of the kind: see results.jsonl.`))
  return element(
    'div',
    { class: 'care', id },
    '\u26a0 Read with care:',
    element('ul', {}, ...items),
  )
}

function figuresOf(
  { heading, sentence, shapes, plots }: PlotGroup,
  cells: readonly Cell[],
): string {
  const doubtful = cells
    .filter(({ shape, rounds }) => shapes.includes(shape) && rounds.some(isDoubtful))
    .map(({ shape, strategy, kids }) => `${strategy} under ${shape} with ${kids} kids`)
  const care =
    doubtful.length === 0
      ? ''
      : p(
          `\u26a0 A saturated client, overflows or failures are in: ${listed(doubtful)}. Their lines are not to be trusted.`,
          { class: 'care' },
        )
  return [
    element('h2', {}, escaped(heading)),
    p(sentence),
    care,
    element(
      'div',
      { class: 'plots' },
      ...plots.map(([, plot]) => element('figure', {}, svgOf(plot, false))),
    ),
  ].join('')
}

function listed(names: readonly string[]): string {
  const some = names.slice(0, 6).join('; ')
  return names.length > 6 ? `${some}; and ${names.length - 6} more` : some
}

function isDoubtful({ client, overflows, drops, failed }: Cell['rounds'][number]): boolean {
  return client.saturated || overflows > 0 || drops > 0 || failed > 0
}

function method({ options }: RunLine, rest: readonly ResultLine[]): string[] {
  const absent = rest.filter((line) => line.type === 'unavailable')
  const missing = absent.map(({ strategy, reason }) =>
    element('li', {}, element('b', {}, escaped(strategy)), escaped(`: ${reason}`)),
  )
  return [
    element('h2', {}, 'Method'),
    element(
      'ul',
      {},
      ...[
        `Strategies of the lab share one kid: it accepts, reads a byte, writes a byte and closes, over bare system calls. What differs is only who wakes. Servers have Node.js around every connection and are compared with each other only.`,
        `Each round measures every strategy once, in an order drawn by chance (seed ${options.seed}), so that what drifts on the machine drifts for all. Ratios are taken within a round.`,
        `The load client is a process of its own, its connections end with a reset, and it says how busy it was. ${options.clients} clients run in the closed loop of saturate; open and stall have ${plain(options.rate)} arrivals a second, and latency there counts from the time a connection was meant to begin.`,
        `Counters are read from /proc before and after a measurement, after a warm-up: context switches are the kernel's own count of wakeups, those that never reach the program included. Of servers all threads are counted, of the lab's kids the main one.`,
        `Jain's index is 1 when all kids had the same; "if random" is what as many connections would have if dealt by chance.`,
      ].map((text) => element('li', {}, escaped(text))),
    ),
    element('h2', {}, 'Limits'),
    element(
      'ul',
      {},
      ...[
        'All is on loopback, on one machine: client and kids share its cores, so throughput is that of both together. Counts are trustworthy in short runs; p99, and throughput that differs by less than a third, often are not.',
        'Every strategy has one switch more per connection than it need have, because a kid waits for the byte of its client: the sweep begins with one kid, which shows what is not herd.',
        'Accept mutexes other than a file lock, io_uring, and a choice of kid by BPF are not measured.',
        'Overflows and drops are those of the whole machine meanwhile.',
      ].map((text) => element('li', {}, escaped(text))),
    ),
    missing.length === 0 ? '' : element('h2', {}, 'Left out') + element('ul', {}, ...missing),
    element('h2', {}, 'Words'),
    element(
      'dl',
      { class: 'words' },
      ...[...strategies, ...shapes].map(
        ({ name, meaning }) =>
          element('dt', {}, escaped(name)) + element('dd', {}, escaped(meaning)),
      ),
    ),
    element(
      'footer',
      {},
      'Every number is in results.jsonl; preforkd herd report draws this page again from it.',
    ),
  ]
}
