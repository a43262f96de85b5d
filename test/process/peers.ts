/** Debian's programs that tests run against: looked for, started in the foreground on loopback, stopped and reaped. */

import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { connect, type NetConnectOpts } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Test } from 'tap'
import { pass, patience, within } from './processes.js'

/** Where Debian puts daemons; not every user's PATH has it. */
const places = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']

/** The path of a program; undefined where it is not installed. */
export function findPeer(name: string): string | undefined {
  return places
    .map((place) => join(place, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/** For `skip`: why a test cannot be run, or false. */
export function without(...names: string[]): string | false {
  const missing = names.filter((name) => findPeer(name) === undefined)
  return missing.length > 0 && `${missing.join(' and ')} not installed`
}

/** Whether a package can be imported that is no dependency of ours, but of one of ours. */
export function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name)
    return true
  } catch {
    return false
  }
}

/** A directory for a peer's configuration and sockets, removed after the test. */
export function peerDirectory(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'preforkd-peer-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** A peer that runs. */
export interface Peer {
  readonly process: ChildProcess
  /** What it has written so far, to standard output and error. */
  readonly said: () => string
  /** Ends and reaps it; done after the test in any case. */
  readonly stop: () => Promise<void>
}

/**
 * Starts a program in the foreground; it is killed after the test. `listeners` are descriptors that it gets from 3 on.
 * Throws where it is not installed.
 */
export function startPeer(
  t: Test,
  name: string,
  args: readonly string[],
  listeners: readonly number[] = [],
): Peer {
  const path = findPeer(name)
  if (path === undefined) throw new Error(`${name} is not installed`)
  const process = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe', ...listeners] })
  const exited = new Promise<void>((resolve) => process.once('close', () => resolve()))
  process.once('error', (error) => t.fail(`${name} cannot be started: ${error.message}`))
  let said = ''
  for (const stream of [process.stdout, process.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  }
  const stop = async () => {
    process.kill('SIGKILL')
    await within(exited, `${name} to end: ${said}`)
  }
  t.teardown(stop)
  return { process, said: () => said, stop }
}

/** Settles once somebody accepts connections there: a peer that has just been started. */
export async function accepting(address: NetConnectOpts, peer: Peer): Promise<void> {
  const deadline = performance.now() + patience
  for (;;) {
    const socket = connect(address)
    const accepted = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
    })
    socket.destroy()
    if (accepted) return
    if (peer.process.exitCode !== null || performance.now() > deadline) {
      throw new Error(`nobody accepts at ${JSON.stringify(address)}: ${peer.said()}`)
    }
    await pass(5)
  }
}
