/** What a run of the lab is asked for: flags as text, checked whole before anything starts. */

import { readFileSync } from 'node:fs'
import { UsageError } from '../errors.js'
import { descriptorLimit } from '../system/limits.js'
import { MOST_OPEN } from './lab-load.js'
import type { RunLine } from './results.js'
import { MOST_KIDS, shapeNames, sweepKids } from './shapes.js'
import { strategyNames } from './strategies.js'

export type LabOptions = RunLine['options']

/** The flags that say what to run; a text each, or nothing. */
export interface LabTexts {
  readonly strategies?: string | undefined
  readonly shapes?: string | undefined
  readonly kids?: string | undefined
  readonly rounds?: string | undefined
  readonly seconds?: string | undefined
  readonly clients?: string | undefined
  readonly rate?: string | undefined
  readonly seed?: string | undefined
  readonly quick?: boolean | undefined
}

interface Defaults {
  readonly shapes: string
  readonly kids: string
  readonly rounds: string
  readonly seconds: string
}

/** What is run where flags do not say otherwise. */
export const labDefaults: Defaults & { readonly clients: string; readonly rate: string } = {
  shapes: shapeNames.join(','),
  kids: '8',
  rounds: '5',
  seconds: '1',
  clients: '32',
  rate: '1000',
}

/** The same with --quick: less of everything, so that it ends within a minute. */
export const quickDefaults: Defaults = {
  shapes: 'trickle,saturate,burst,stall',
  kids: '8',
  rounds: '2',
  seconds: '0.25',
}

/** Numbers of kids in one run. */
const mostSizes = 8

/** Reads the flags. @throws UsageError: one sentence that names the flag */
export function readLabOptions(texts: LabTexts, randomSeed: () => number): LabOptions {
  const quick = texts.quick === true
  const defaults = { ...labDefaults, ...(quick ? quickDefaults : {}) }
  const shapes = listOf('--shapes', texts.shapes ?? defaults.shapes, 'shape', shapeNames)
  const strategies = listOf(
    '--strategies',
    texts.strategies ?? strategyNames.join(','),
    'strategy',
    strategyNames,
  )
  return {
    kids: sizesOf(texts.kids ?? defaults.kids),
    rounds: wholeOf('--rounds', texts.rounds ?? defaults.rounds, 1, 100),
    seconds: numberOf('--seconds', texts.seconds ?? defaults.seconds, 0.1, 60),
    shapes,
    strategies,
    clients: wholeOf('--clients', texts.clients ?? defaults.clients, 1, MOST_OPEN),
    rate: wholeOf('--rate', texts.rate ?? defaults.rate, 1, 20_000),
    seed: texts.seed === undefined ? randomSeed() : wholeOf('--seed', texts.seed, 0, 2 ** 31 - 1),
    quick,
  }
}

function listOf<T extends string>(
  flag: string,
  text: string,
  what: string,
  known: readonly T[],
): T[] {
  const names = text.split(',').map((name) => name.trim())
  const stranger = names.find((name) => !(known as readonly string[]).includes(name))
  if (stranger !== undefined) {
    const list = known.join(', ')
    throw new UsageError(
      `${flag} has no ${what} ${JSON.stringify(stranger)}: the known ones are ${list}`,
    )
  }
  const asked = new Set(names)
  return known.filter((name) => asked.has(name))
}

function sizesOf(text: string): number[] {
  const sizes = text.split(',').map((part) => wholeOf('--kids', part.trim(), 1, MOST_KIDS))
  const distinct = [...new Set(sizes)].sort((a, b) => a - b)
  if (distinct.length > mostSizes) {
    throw new UsageError(
      `--kids must be at most ${mostSizes} different numbers, not ${distinct.length}`,
    )
  }
  return distinct
}

function wholeOf(flag: string, text: string, least: number, most: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw new UsageError(
    `${flag} must be a whole number from ${least} to ${most}, not ${JSON.stringify(text)}`,
  )
}

function numberOf(flag: string, text: string, least: number, most: number): number {
  const value = /^\d{0,4}\.?\d{1,4}$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw new UsageError(
    `${flag} must be a number from ${least} to ${most}, not ${JSON.stringify(text)}`,
  )
}

/** What this system grants. */
export interface Grants {
  /** How many descriptors a process may have open. */
  readonly descriptors: number
  /** How many local ports a client may use. */
  readonly ports: number
}

/** The lab's own: what Node.js has open, and what it opens for a moment. */
const ownDescriptors = 64
/** Two pipes, a listener and what it says, for each kid. */
const descriptorsPerKid = 6
/** As many again may be on their way to be closed. */
const portsPerConnection = 2

/** Sees that there is enough of everything. @throws UsageError: what is short, how much is needed, how to get it */
export function checkGrants({ kids, shapes, clients }: LabOptions, grants = grantsHere()): void {
  const most = Math.max(...kids, ...(shapes.includes('sweep') ? sweepKids : []))
  const open = shapes.some((shape) => shape === 'open' || shape === 'stall') ? MOST_OPEN : clients
  const descriptors = ownDescriptors + Math.max(most * descriptorsPerKid, open)
  if (grants.descriptors < descriptors) {
    throw new UsageError(
      `herd needs ${descriptors} descriptors for ${most} kids and ${open} connections, but the limit is ${grants.descriptors}: raise it (ulimit -n)`,
    )
  }
  const ports = open * portsPerConnection
  if (grants.ports < ports) {
    throw new UsageError(
      `herd needs ${ports} local ports for ${open} connections, but there are ${grants.ports}: widen net.ipv4.ip_local_port_range`,
    )
  }
}

function grantsHere(): Grants {
  return { descriptors: descriptorLimit(), ports: localPorts() }
}

function localPorts(): number {
  try {
    const range = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'latin1')
    const [first, last] = range.trim().split(/\s+/).map(Number)
    return Number(last) - Number(first) + 1
  } catch {
    // A container that does not show it; then a connection fails, and is counted.
    return Number.POSITIVE_INFINITY
  }
}
