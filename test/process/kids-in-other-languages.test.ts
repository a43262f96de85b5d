/** Kids in other languages: the examples and the one on the protocol page pass `conform`, and serve. */

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { conform, type Result, titles } from '../../src/conform/run.js'
import { parseOptions } from '../../src/options.js'
import { Served } from './harness.js'
import { without } from './peers.js'
import { within } from './processes.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const textOf = (path: string) => readFileSync(join(root, path), 'utf8')

/** A busy machine is no fault of a kid's. */
const patient = { ready: 30_000, accept: 10_000, done: 20_000, send: 'conform\n' }

/** The command that the first line of an example says: what is to be run before, and the kid. */
function commandOf(path: string): { before: string; kid: string } {
  const [, before = '', quoted, plain] =
    /^[^\w]+(?:(.*) && )?preforkd --kid (?:'(.*)'|(\S+))\n/.exec(textOf(path)) ?? []
  return { before, kid: quoted ?? plain ?? '' }
}

interface Kid {
  /** The program that it needs. */
  readonly needs: string
  /** Gives its command, once it can be run. */
  readonly command: (t: Test) => string
  /** What its clients say, and what it answers. Who closes without having read resets its client. */
  readonly hears?: string
  readonly answers: RegExp
  /** The cases to try, where all would take too long. */
  readonly only?: string
}

const kids: Record<string, Kid> = {
  'examples/kid-python/kid.py': {
    needs: 'python3',
    command: () => commandOf('examples/kid-python/kid.py').kid,
    hears: 'hello\n',
    answers: /^hello\n$/,
  },
  'examples/kid-perl/kid.pl': {
    needs: 'perl',
    command: () => commandOf('examples/kid-perl/kid.pl').kid,
    answers: /^\w{3} \w{3} .* \d{4}\n$/,
  },
  'examples/kid-c/kid.c': {
    needs: 'cc',
    command(t) {
      const { before, kid } = commandOf('examples/kid-c/kid.c')
      const built = join(t.testdir({}), 'kid')
      execFileSync('/bin/sh', ['-c', `${before} -Wextra -Werror`.replace(kid, built)], {
        cwd: root,
        stdio: 'pipe',
      })
      return built
    },
    hears: 'hello\n',
    answers: /^hello\n$/,
  },
  'the kid on docs/protocol.md': {
    needs: 'python3',
    command(t) {
      const marked = textOf('docs/protocol.md').split('<!-- file: kid.py -->\n')[1] ?? ''
      const code = /^```python\n(.*?)^```$/ms.exec(marked)?.[1] ?? ''
      return `python3 ${join(t.testdir({ 'kid.py': code }), 'kid.py')}`
    },
    answers: /^hello from Python\n$/,
    only: 'a client',
  },
}

for (const [name, { needs, command, hears, answers, only = '' }] of Object.entries(kids)) {
  t.test(`${name} passes conform, and serves`, { skip: without(needs) }, async (t) => {
    const options = { kid: command(t), kids: 1, env: { NODE_OPTIONS: '' }, chdir: root }
    const results: Result[] = []
    for await (const result of conform(parseOptions(options), patient, only)) {
      results.push(result)
    }
    t.strictSame(
      results.filter(({ outcome }) => outcome === 'FAIL'),
      [],
    )
    t.equal(results.length, titles.filter((title) => title.includes(only)).length)
    const skipped = results.filter(({ outcome }) => outcome === 'skip')
    t.ok(skipped.every(({ remark }) => /one slot/.test(remark ?? '')))

    const served = new Served(options)
    try {
      await within(served.server.start(), 'the server to start', 30_000)
      for (let i = 0; i < 3; i++) {
        const client = hears === undefined ? {} : { send: hears, halfClose: true }
        const { result, text } = await served.ask(client)
        t.equal(result, 'ok')
        t.match(text, answers)
      }
      await within(served.server.stop(), 'the server to stop')
      t.match(served.counters, { accepted: 3, done: 3, lost: 0, kills: {} })
    } finally {
      await served.close(t)
    }
  })
}

t.test('an example is read from its top to its end', async (t) => {
  for (const path of Object.keys(kids).filter((name) => name.startsWith('examples/'))) {
    t.ok(textOf(path).split('\n').length <= 80, `${path} has under 80 lines`)
    t.ok(commandOf(path).kid, `${path} opens with the command to run`)
  }
})
