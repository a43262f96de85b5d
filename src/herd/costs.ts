/** What preforkd costs as it grows: node dist/herd/costs.js [ROUNDS [CONNECTIONS]]; needs a C compiler for its light kids. */

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { type Running, startPreforkd } from './contestants.js'
import { costOfAll } from './counters.js'
import { exchange } from './exchange.js'
import { kidsOf, readOrEmpty } from './processes.js'
import { formatRange, machine } from './rounds.js'
import { ratios } from './statistics.js'

const [rounds = '5', connections = '2000'] = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'preforkd-costs-'))
const lightKid = join(folder, 'kid')
/** Until V8 has compiled what every connection takes. */
const warmUp = 3_000

type Figures = Readonly<Record<string, number>>

/** Makes so many connections, to the ports in turn; settles when the last has had its reply. @throws Error when one fails */
async function connectOneByOne(ports: readonly number[], count: number): Promise<void> {
  for (let i = 0; i < count; i++) await exchange(ports[i % ports.length] as number)
}

/** What one connection costs the parent and wakes, one at a time while all kids are idle. */
async function perConnection(server: Running): Promise<Figures> {
  const { ports } = server
  const count = Number(connections)
  const reading = () => ({
    parent: costOfAll([server.pid], 'all'),
    kids: costOfAll(kidsOf(server.pid), 'all'),
  })
  const before = reading()
  await connectOneByOne(ports, count)
  const after = reading()
  return {
    'parent us': ((after.parent.cpuNs ?? 0) - (before.parent.cpuNs ?? 0)) / 1000 / count,
    'parent switches': (after.parent.voluntary - before.parent.voluntary) / count,
    'kid switches': (after.kids.voluntary - before.kids.voluntary) / count,
  }
}

/** Measures servers that differ in one number, all of them up, in turns; prints a row for each. */
async function against(
  what: string,
  sizes: readonly number[],
  flagsOf: (size: number) => readonly string[],
): Promise<void> {
  const servers: Running[] = []
  const figures = sizes.map((): Figures[] => [])
  try {
    for (const size of sizes) {
      const server = await startPreforkd(flagsOf(size))
      servers.push(server)
      await connectOneByOne(server.ports, warmUp)
    }
    for (let round = 0; round < Number(rounds); round++) {
      for (let i = 0; i < sizes.length; i++) {
        const at = (i + round) % sizes.length
        figures[at]?.push(await perConnection(servers[at] as Running))
      }
    }
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
  }
  const names = Object.keys(figures[0]?.[0] ?? {})
  const of = (at: number, name: string) => (figures[at] ?? []).map((each) => each[name] as number)
  row(what, ...names, ...names.map((name) => `${name}, ratio`))
  row('---:', ...names.flatMap(() => ['---:', '---:']))
  sizes.forEach((size, at) => {
    const plain = names.map((name) => formatRange(of(at, name)))
    row(size, ...plain, ...names.map((name) => formatRange(ratios(of(at, name), of(0, name)))))
  })
}

/** Seconds from the start of the command until all kids are idle. */
async function startTimes(sizes: readonly number[]): Promise<void> {
  row('kids', 'ms until all are idle', 'and of node itself')
  row('---:', '---:', '---:')
  for (const size of sizes) {
    const times: number[] = []
    const bare: number[] = []
    for (let round = 0; round < Number(rounds); round++) {
      let begun = performance.now()
      const server = await startPreforkd([...nodeKids, '--kids', String(size)])
      times.push(performance.now() - begun)
      await server.stop()
      begun = performance.now()
      await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'exit')
      bare.push(performance.now() - begun)
    }
    row(size, formatRange(times), formatRange(bare))
  }
}

/** KiB that only the process itself has, of kids that are idle and of Node.js with nothing to do. */
async function memory(): Promise<void> {
  const server = await startPreforkd([...nodeKids, '--kids', '8'])
  const bare = Array.from({ length: 8 }, () =>
    spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6); console.log("up")'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  )
  await Promise.all(bare.map(({ stdout }) => once(stdout, 'data')))
  row('process', 'private KiB', 'proportional KiB')
  row('---', '---:', '---:')
  for (const [name, pids] of [
    ['parent', [server.pid]],
    ['kid', kidsOf(server.pid)],
    ['node', bare.map(({ pid }) => pid as number)],
  ] as const) {
    row(
      name,
      formatRange(pids.map(privateKib)),
      formatRange(pids.map((pid) => kib(pid, /^Pss:\s+(\d+)/gm))),
    )
  }
  for (const process of bare) process.kill()
  await server.stop()
}

function privateKib(pid: number): number {
  return kib(pid, /^Private_(?:Clean|Dirty):\s+(\d+)/gm)
}

function kib(pid: number, pattern: RegExp): number {
  const found = readOrEmpty(`/proc/${pid}/smaps_rollup`).matchAll(pattern)
  return [...found].reduce((sum, [, value]) => sum + Number(value), 0)
}

function row(...cells: readonly (string | number)[]): void {
  console.log(`| ${cells.join(' | ')} |`)
}

const nodeKids = ['--handler', fileURLToPath(new URL('./handler.js', import.meta.url))]
const listening = (count: number) =>
  Array.from({ length: count }, (_, i) => ['--listen', `l${i}=127.0.0.1:0`]).flat()

try {
  const source = fileURLToPath(new URL('../../examples/kid-c/kid.c', import.meta.url))
  execFileSync('cc', ['-O2', '-o', lightKid, source], { stdio: 'inherit' })
  console.log(`${machine()}; median (least .. most) of ${rounds} rounds\n`)
  console.log('Connections one after another, kids in C, all idle:\n')
  await against('kids', [4, 16, 64, 256], (size) => [
    ...['--kid', lightKid, '--kids', String(size)],
    ...listening(1),
  ])
  console.log('\nThe same, 4 kids, to the listeners in turns:\n')
  await against('listeners', [1, 4, 16, 64], (size) => [
    ...['--kid', lightKid, '--kids', '4'],
    ...listening(size),
  ])
  console.log('\nFrom the start of the command:\n')
  await startTimes([4, 16, 64])
  console.log('\nMemory of each process, all idle:\n')
  await memory()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
