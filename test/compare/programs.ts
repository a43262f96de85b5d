/** Runs wrk and ab, the clients that everybody has, and reads what they print; used by the keep-alive benches. */

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** How long, in milliseconds, a program may take beyond the time it is to measure. */
const patience = 20_000

export interface ProgramLoad {
  readonly port: number
  readonly path: string
  readonly connections: number
  readonly seconds: number
}

export interface WrkFigures {
  readonly perSecond: number
  /** Socket errors and responses other than 2xx and 3xx. */
  readonly failed: number
}

export async function wrk(load: ProgramLoad): Promise<WrkFigures> {
  return readWrk(await runWrk(load, []))
}

/** wrk with a script that looks at every response, which makes it slower; `kept` is the part that did not say `close`. */
export async function wrkCounting(load: ProgramLoad): Promise<WrkFigures & { kept: number }> {
  const script = fileURLToPath(new URL('./count-closes.lua', import.meta.url))
  const printed = await runWrk(load, ['-s', script])
  const [, closed, all, others] = /said close: (\d+) of (\d+), not 200: (\d+)/.exec(printed) ?? []
  const { perSecond, failed } = readWrk(printed)
  return {
    perSecond,
    failed: Math.max(failed, Number(others)),
    kept: 1 - Number(closed) / Number(all),
  }
}

async function runWrk(load: ProgramLoad, flags: readonly string[]): Promise<string> {
  const { connections, seconds } = load
  const words = ['-d', `${seconds}s`, '-t', '1', '-c', `${connections}`, ...flags, urlOf(load)]
  const { stdout } = await run('wrk', words, { timeout: seconds * 1000 + patience })
  return stdout
}

export function readWrk(printed: string): WrkFigures {
  const errors = /Socket errors: (.+)/.exec(printed)?.[1] ?? ''
  const counts = [...errors.matchAll(/\d+/g)].map(Number)
  const others = Number(/Non-2xx or 3xx responses: (\d+)/.exec(printed)?.[1] ?? 0)
  return {
    perSecond: numberIn(printed, /^Requests\/sec: +([\d.]+)/m),
    failed: counts.reduce((sum, count) => sum + count, others),
  }
}

/** `ab -k`; `kept` is the part of responses after which it used the connection again. */
export async function abKept(load: ProgramLoad): Promise<WrkFigures & { kept: number }> {
  const { connections, seconds } = load
  // -r: a reset does not end the run, it is counted. The number only bounds it: `-t` by itself means 50,000.
  const words = ['-q', '-k', '-r', '-t', `${seconds}`, '-n', '10000000', '-c', `${connections}`]
  const { stdout } = await run('ab', [...words, urlOf(load)], {
    timeout: seconds * 1000 + patience,
  })
  return readAb(stdout)
}

export function readAb(printed: string): WrkFigures & { kept: number } {
  const complete = numberIn(printed, /^Complete requests: +(\d+)/m)
  const others = Number(/^Non-2xx responses: +(\d+)/m.exec(printed)?.[1] ?? 0)
  return {
    perSecond: numberIn(printed, /^Requests per second: +([\d.]+)/m),
    failed: numberIn(printed, /^Failed requests: +(\d+)/m) + others,
    kept: numberIn(printed, /^Keep-Alive requests: +(\d+)/m) / complete,
  }
}

function urlOf({ port, path }: ProgramLoad): string {
  return `http://127.0.0.1:${port}${path}`
}

function numberIn(text: string, pattern: RegExp): number {
  const found = pattern.exec(text)?.[1]
  if (found === undefined) throw new Error(`no ${pattern} in ${text}`)
  return Number(found)
}
