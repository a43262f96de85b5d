/** System calls that fail or take long because strace has them do so: in all processes of a server, or in one that runs. */

import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { until } from '../process/processes.js'
import type { Bed } from './bed.js'

/** Calls that strace has interfered with, as lines of its output. */
export interface Trace {
  /** Those of a call, among them the injected ones alone or all. */
  lines(pattern?: RegExp): string[]
}

/** The expressions for a tampering such as `accept4:error=EMFILE:when=1`. */
function expressions(inject: string): string[] {
  const calls = inject.split(':')[0] ?? ''
  return ['-e', `trace=${calls}`, '-e', `inject=${inject}`, '-e', 'signal=none']
}

/** What to put before a server so that it and all its kids are tampered with from their beginning; each process counts its own calls. */
export function tampered(bed: Bed, inject: string): { prefix: string[]; trace: Trace } {
  const out = bed.path(`strace-${bed.servers.length}`)
  // Only with seccomp are the other calls as fast as ever; -D leaves the server the pid that was spawned.
  const prefix = ['strace', '-D', '-f', '--seccomp-bpf', '-qq', '-o', out, ...expressions(inject)]
  return { prefix, trace: traceIn(out) }
}

/** Tampers with one process that runs, until `stop`; the last row of a fault is often that it goes away. */
export async function tamper(
  bed: Bed,
  pid: number,
  inject: string,
): Promise<Trace & { stop(): Promise<void> }> {
  const out = bed.path(`strace-of-${pid}-${Math.round(performance.now())}`)
  const args = ['-o', out, '-p', String(pid), ...expressions(inject)]
  const strace = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = new Promise<void>((resolve) => strace.once('close', () => resolve()))
  let said = ''
  strace.stderr.setEncoding('utf8').on('data', (text) => {
    said += text
  })
  bed.finally(() => strace.kill('SIGKILL'))
  await until(() => said.includes('attached') || strace.exitCode !== null, 'strace to attach')
  if (strace.exitCode !== null) throw new Error(`strace cannot attach: ${said}`)
  const stop = async () => {
    strace.kill('SIGINT')
    await ended
  }
  return { ...traceIn(out), stop }
}

function traceIn(path: string): Trace {
  return {
    lines: (pattern = /\(INJECTED\)|\(DELAYED\)/) =>
      readFileSync(path, 'latin1')
        .split('\n')
        .filter((line) => pattern.test(line)),
  }
}
