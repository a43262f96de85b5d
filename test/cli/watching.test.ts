/** Watching files: what counts as a change, and that many changes at once are one. */

import { once } from 'node:events'
import { mkdirSync, renameSync, rmSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { Watching, type WatchWishes } from '../../src/cli/watching.js'
import { until } from '../process/processes.js'

function watching(t: Test, wishes: Partial<WatchWishes> = {}) {
  const cwd = t.testdir({
    app: {
      'h.js': '',
      lib: { 'l.js': '' },
      node_modules: { a: { 'i.js': '' } },
      '.git': { index: '' },
    },
    'c.mjs': '',
    'other.js': '',
  })
  const at = (name: string) => join(cwd, name)
  const changes: string[] = []
  const all = { directory: at('app'), files: [at('c.mjs')], except: [at('app/l.log')] }
  const it = new Watching({ ...all, ...wishes }, (path) => changes.push(path))
  t.teardown(() => it.close())
  const write = (...names: string[]) => {
    for (const name of names) writeFileSync(at(name), `${Math.random()}`)
  }
  /** Waits for a change, then gives all since the last time. */
  const next = async () => {
    await until(() => changes.length > 0, 'a change')
    return changes.splice(0).map((path) => path.slice(cwd.length + 1))
  }
  return { at, it, write, next, changes }
}

test('a change below the directory, or of a file that was named, is told', async (t) => {
  const { write, next } = watching(t)
  for (const name of ['app/h.js', 'app/lib/l.js', 'app/new.js', 'c.mjs']) {
    write(name)
    t.strictSame(await next(), [name])
  }
})

test('who ends it hears of a change that was not told any more', async (t) => {
  const { at, it, write, changes } = watching(t)
  const seen = watch(at('app'))
  write('app/h.js')
  // Whoever has watched longer hears of it first, but tells it only when all has been quiet for a while.
  await once(seen, 'change')
  seen.close()
  t.equal(it.close(), true)
  t.strictSame(changes, [])
  t.equal(watching(t).it.close(), false, 'and where nothing has changed, of nothing')
})

test('many changes at once are one', async (t) => {
  const { write, next } = watching(t)
  write('app/h.js', 'app/lib/l.js', 'app/a.js', 'app/b.js', 'c.mjs')
  t.strictSame(await next(), ['app/h.js'])
})

test('what the server writes, packages, dot files and neighbours do not count', async (t) => {
  const { write, next, it } = watching(t)
  t.equal(it.directories, 3, 'nobody walks into node_modules')
  write('app/l.log', 'app/node_modules/a/i.js', 'app/.git/index', 'app/.swp', 'other.js')
  write('app/h.js')
  t.strictSame(await next(), ['app/h.js'], 'the first that counts')
})

test('a file that an editor replaces goes on counting', async (t) => {
  const { write, next, at } = watching(t)
  for (let i = 0; i < 3; i++) {
    write('c.new')
    renameSync(at('c.new'), at('c.mjs'))
    t.strictSame(await next(), ['c.mjs'])
  }
})

test('a new directory counts too, and one that goes is let go of', async (t) => {
  const { write, next, at, it } = watching(t)
  mkdirSync(at('app/sub/deep'), { recursive: true })
  t.strictSame(await next(), ['app/sub'])
  write('app/sub/deep/f.js')
  t.strictSame(await next(), ['app/sub/deep/f.js'])
  const before = it.directories
  rmSync(at('app/sub'), { recursive: true })
  await next()
  await until(() => it.directories < before, 'the watch to end')
  write('app/h.js')
  t.strictSame(await next(), ['app/h.js'])
})

test('once closed it says nothing', async (t) => {
  const { write, changes, it } = watching(t)
  write('app/h.js')
  it.close()
  t.equal(it.directories, 0)
  await new Promise((resolve) => setImmediate(resolve))
  t.strictSame(changes, [])
})

test('a directory that is not there is no failure', async (t) => {
  const { it } = watching(t, { directory: '/nowhere/at/all', files: [] })
  t.equal(it.directories, 0)
})
