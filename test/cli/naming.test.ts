/** A server with a name, as it is seen in the process list and in the log; run with the other tests. */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { createPreforker } from 'preforkd'
import { test } from 'tap'
import { until } from '../process/processes.js'
import { fixture, Run } from './run.js'

function titleOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replace(/\0+$/, '')
}

/** Answers, after a line of its own logger that claims to be from another server. */
const module = `export default function handle(socket, kid) {
  kid.log.info({ name: 'other', mine: true }, 'served')
  socket.end('x')
}`

for (const where of ['standard error', 'a file'] as const) {
  test(`the name is in each title and in each line of the log on ${where}`, async (t) => {
    const cwd = t.testdir({ 'h.mjs': module })
    const log = join(cwd, 'log')
    const flags = ['--handler', 'h.mjs', '--listen', '127.0.0.1:0', '--kids', '1']
    const toFile = where === 'a file' ? ['--log-file', log] : []
    const it = new Run(t, [...flags, '--name', 'shop no. 1', ...toFile], { cwd })
    const lines = () => {
      const text = where === 'a file' ? readFileSync(log, 'utf8') : it.stderr
      return text.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'))
    }
    const found = (wanted: RegExp) => lines().find((line) => wanted.test(line))
    if (where === 'a file') await until(() => it.kids.length === 1, 'a kid')
    await until(() => found(/"msg":"ready/) !== undefined, 'it to be ready')
    t.equal(titleOf(it.pid), 'preforkd shop no. 1: parent')
    const [kid = 0] = it.kids
    await until(
      () => /^preforkd shop no\. 1: kid 1 (idle|pending)$/.test(titleOf(kid)),
      'its title',
    )
    if (where === 'standard error') {
      t.equal((await it.client().outcome).text, 'x')
      await it.logged(/^served$/)
    }
    it.signal('SIGTERM')
    t.equal(await it.end(t), 0)
    t.ok(lines().length >= 3)
    for (const line of lines()) {
      t.equal(line.match(/"name":/g)?.length, 1)
      t.equal(JSON.parse(line).name, 'shop no. 1')
    }
  })
}

test('without a name a line of the log has none, but for a line that brings its own', async (t) => {
  const cwd = t.testdir({ 'h.mjs': module })
  const it = new Run(t, ['--handler', 'h.mjs', '--listen', '127.0.0.1:0', '--kids', '1'], { cwd })
  await it.ready()
  t.equal((await it.client().outcome).text, 'x')
  t.match(await it.logged(/^served$/), { name: 'other', mine: true })
  it.signal('SIGTERM')
  t.equal(await it.end(t), 0)
  t.ok(it.log.every((line) => line.mine === true || !('name' in line)))
})

test('a logger that was brought along says the name too', async (t) => {
  const lines: Record<string, unknown>[] = []
  const log = pino({ base: null }, { write: (line) => void lines.push(JSON.parse(line)) })
  const handler = fixture('handlers/says-its-pid.js')
  const server = createPreforker({ handler, listen: '127.0.0.1:0', kids: 1, log, name: 'shop' })
  await server.start()
  await t.rejects(server.reload({ handler, listen: '127.0.0.1:0', kids: 1 }), {
    message:
      'a reload cannot change name, from "shop" to "none": that takes a restart or an upgrade',
  })
  await server.stop()
  t.ok(lines.length > 1)
  t.ok(lines.every(({ name }) => name === 'shop'))
})

test('a reload with another name is refused, and the old kids go on', async (t) => {
  const cwd = t.testdir({ 'h.mjs': module, 'c.json': '' })
  const write = (name: string) =>
    writeFileSync(
      join(cwd, 'c.json'),
      JSON.stringify({ handler: 'h.mjs', listen: '127.0.0.1:0', kids: 1, name }),
    )
  write('one')
  const it = new Run(t, ['--config', 'c.json'], { cwd })
  await it.ready()
  write('two')
  it.signal('SIGHUP')
  await it.logged(/^no reload: a reload cannot change name, from "one" to "two": that takes/)
  t.equal((await it.client().outcome).text, 'x')
  it.signal('SIGTERM')
  t.equal(await it.end(t), 0)
})
