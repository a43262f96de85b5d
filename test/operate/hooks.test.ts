/** Hooks: called at the events of their names, and harmless when they fail. */

import { EventEmitter } from 'node:events'
import { pino } from 'pino'
import { test } from 'tap'
import { attachHooks } from '../../src/operate/hooks.js'
import { until } from '../process/processes.js'

test('each hook is called at its event, with what the event tells', async (t) => {
  const emitter = new EventEmitter()
  const told: unknown[] = []
  const names = [
    'onReady',
    'onSpawn',
    'onIdle',
    'onGone',
    'onRound',
    'onOverload',
    'onReload',
    'onStop',
  ]
  const hooks = Object.fromEntries(
    names.map((name) => [name, (what: unknown) => told.push([name, what])]),
  )
  const detach = attachHooks(emitter, hooks, pino({ level: 'silent' }))
  const events = ['ready', 'spawn', 'idle', 'gone', 'round', 'overload', 'reload', 'stop']
  events.forEach((event, i) => void emitter.emit(event, i))
  t.strictSame(
    told,
    names.map((name, i) => [name, i]),
  )
  detach()
  for (const event of events) t.equal(emitter.listenerCount(event), 0)
})

test('a hook that throws or rejects is logged, and nothing else comes of it', async (t) => {
  const said: string[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => said.push(JSON.parse(line)) })
  const emitter = new EventEmitter()
  const hooks = {
    onReady: () => {
      throw new Error('a')
    },
    onStop: async () => {
      throw new Error('b')
    },
  }
  attachHooks(emitter, hooks, log)
  t.doesNotThrow(() => emitter.emit('ready'))
  t.doesNotThrow(() => emitter.emit('stop'))
  await until(() => said.length === 2, 'both to be logged')
  t.match(said, [
    { level: 50, msg: 'hook onReady failed', err: { message: 'a' } },
    { level: 50, msg: 'hook onStop failed', err: { message: 'b' } },
  ])
})
