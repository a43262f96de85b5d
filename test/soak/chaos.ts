/** What the soak does to a server: one fault of these at a time, chosen at random; faults of groups A and F of the matrix. */

import type { Server } from '../faults/server.js'
import { isAlive, lookAt } from '../process/processes.js'
import type { Load } from './load.js'

export interface Scene {
  readonly server: Server
  readonly load: Load
  readonly random: () => number
  /** What is to be undone later, whatever becomes of the soak. */
  later(milliseconds: number, undo: () => void): void
}

type Fault = (scene: Scene) => void | Promise<void>

/** A signal to one of the parent's own kids as it has them now, never to a number that may be somebody else's. */
function toKid({ server, random }: Scene, name: NodeJS.Signals): number | undefined {
  const { kids } = server
  const pid = kids[Math.floor(random() * kids.length)]
  if (pid === undefined) return undefined
  toOurs(server, pid, name)
  return pid
}

function toOurs(server: Server, pid: number, name: NodeJS.Signals): void {
  if (lookAt(pid)?.parent !== server.pid || !isAlive(pid)) return
  try {
    process.kill(pid, name)
  } catch {
    // It has died just now.
  }
}

function between({ random }: Scene, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1))
}

const kidGets =
  (name: NodeJS.Signals): Fault =>
  (scene) =>
    void toKid(scene, name)

const parentGets =
  (...names: NodeJS.Signals[]): Fault =>
  ({ server }) => {
    for (const name of names) server.signal(name)
  }

/** A client whose connection is the end of its kid, or of its slot. */
const asks =
  (what: string): Fault =>
  ({ load }) =>
    void load.ask(what)

export const faults: Readonly<Record<string, Fault>> = {
  'kid killed': kidGets('SIGKILL'),
  'kid segfaults': kidGets('SIGSEGV'),
  'kid aborted': kidGets('SIGABRT'),
  'kid told to leave': kidGets('SIGTERM'),
  'kid told to quit': kidGets('SIGQUIT'),
  'kid stopped and continued': (scene) => {
    const pid = toKid(scene, 'SIGSTOP')
    const { server } = scene
    if (pid !== undefined)
      scene.later(between(scene, 50, 900), () => toOurs(server, pid, 'SIGCONT'))
  },
  'kid stopped for good': (scene) => {
    const pid = toKid(scene, 'SIGSTOP')
    const { server } = scene
    // For good: but a kid that nobody orders is not found out.
    if (pid !== undefined) scene.later(5_000, () => toOurs(server, pid, 'SIGCONT'))
  },
  'all kids stopped': (scene) => {
    const { server } = scene
    for (const pid of server.kids) {
      toOurs(server, pid, 'SIGSTOP')
      scene.later(5_000, () => toOurs(server, pid, 'SIGCONT'))
    }
  },
  'half of the kids killed': ({ server }) => {
    server.kids.forEach((pid, i) => {
      if (i % 2 === 0) toOurs(server, pid, 'SIGKILL')
    })
  },
  'parent stopped and continued': (scene) => {
    const { server } = scene
    server.signal('SIGSTOP')
    scene.later(between(scene, 50, 1_200), () => server.signal('SIGCONT'))
  },
  reload: parentGets('SIGHUP'),
  'three reloads at once': parentGets('SIGHUP', 'SIGHUP', 'SIGHUP'),
  // Together, so that the pool is afterwards as large as it was.
  'one kid more, one less': parentGets('SIGTTIN', 'SIGTTOU'),
  'one kid less, one more': (scene) => {
    const { server } = scene
    server.signal('SIGTTOU')
    scene.later(400, () => server.signal('SIGTTIN'))
  },
  'parked and brought back': (scene) => {
    const { server } = scene
    server.signal('SIGWINCH')
    scene.later(between(scene, 50, 400), () => server.signal('SIGHUP'))
  },
  'log opened anew': parentGets('SIGUSR1'),
  'signals without meaning': ({ server }) => {
    for (let i = 0; i < 50; i++) server.signal('SIGCHLD')
  },
  'clients reset': ({ load, random }) => {
    for (let i = 0; i < 30; i++) void load.askAndGo(random() < 0.5, 'reset')
  },
  'clients close at once': ({ load, random }) => {
    for (let i = 0; i < 30; i++) void load.askAndGo(random() < 0.5, 'close')
  },
  overload: ({ load }) => {
    for (let i = 0; i < 150; i++) void load.ask('hold 100')
  },
  'handler exits': asks('exit 1'),
  'handler aborts': asks('abort'),
  'handler throws': asks('throw'),
  'handler never returns to its loop': asks('spin'),
  'handler never settles': asks('never'),
}
