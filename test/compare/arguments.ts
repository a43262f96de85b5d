/** What the keep-alive benches are told at the command line; read once by main.ts. */

import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

export const usage = `npm run compare:keepalive -- BENCH [OPTIONS]
  throughput   4 kids x 1 slot, 32 connections of wrk and ab, and newcomers
  blocking     8 kids x 1 slot, 300 requests/s, one in ten blocks its process
  proxies      nginx and HAProxy in front, reloads and kids that go meanwhile
  idle         10,000 idle connections, what they hold and what they hold up
  cases        two cases that are scripts: needs --cases

  --dist DIR         the built preforkd (default PROJECT/dist, or ours)
  --rounds N         (default 5; proxies and idle 1)
  --seconds S        of each measurement (default 4)
  --warm-up S        of each server (default 10)
  --connections N    idle ones (default 10000)
  --times N          reloads, and kids that go, a second apart (default 20)
  --slots N          of each kid, where a bench leaves it open
  --models A,B       of the blocking bench (default all)
  --preforkd 'FLAGS' further flags of preforkd
  --cases DIR        the folder of the cases
`

export interface Arguments {
  readonly bench: string
  readonly dist: string
  readonly rounds: number
  readonly seconds: number
  readonly warmUp: number
  readonly connections: number
  readonly times: number
  readonly slots: number | undefined
  readonly models: readonly string[]
  readonly flags: readonly string[]
  readonly cases: string | undefined
}

/** Rounds where --rounds is not given: those of the long benches are long. */
const usualRounds: Readonly<Record<string, number>> = { proxies: 1, idle: 1 }

/** @throws Error that says which option is wrong */
export function readArguments(args: readonly string[]): Arguments | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      dist: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string', default: '4' },
      'warm-up': { type: 'string', default: '10' },
      connections: { type: 'string', default: '10000' },
      times: { type: 'string', default: '20' },
      slots: { type: 'string' },
      models: { type: 'string' },
      preforkd: { type: 'string', default: '' },
      cases: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const [bench] = positionals
  if (values.help || bench === undefined || positionals.length > 1) return undefined
  const ours = fileURLToPath(new URL('../../', import.meta.url))
  return {
    bench,
    dist: resolve(values.dist ?? join(process.env.PROJECT ?? ours, 'dist')),
    rounds: count('rounds', values.rounds ?? `${usualRounds[bench] ?? 5}`, 1),
    seconds: count('seconds', values.seconds, 1),
    warmUp: count('warm-up', values['warm-up'], 0),
    connections: count('connections', values.connections, 1),
    times: count('times', values.times, 1),
    slots: values.slots === undefined ? undefined : count('slots', values.slots, 1),
    models: values.models?.split(',') ?? [],
    flags: values.preforkd.split(/\s+/).filter(Boolean),
    cases: values.cases,
  }
}

/** The checkout that a folder `dist` is of. */
export function projectOf(dist: string): string {
  return dirname(dist)
}

function count(option: string, value: string, least: number): number {
  const number = Number(value)
  if (Number.isInteger(number) && number >= least) return number
  throw new Error(`--${option} must be a whole number of at least ${least}, not ${value}`)
}
