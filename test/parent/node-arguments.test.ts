/** The flags of Node.js that kids are started with; run with the other tests. */

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Test, test } from 'tap'
import { argumentsFrom } from '../../src/parent/node-arguments.js'

/** A directory with two modules, and a package that is another thing to whoever imports it. */
function place(t: Test): string {
  return t.testdir({
    'pre.cjs': '',
    'load me.mjs': '',
    node_modules: {
      both: {
        'package.json': JSON.stringify({
          exports: { import: { dev: './dev.mjs', default: './b.mjs' }, require: './b.cjs' },
        }),
        'b.mjs': '',
        'dev.mjs': '',
        'b.cjs': '',
      },
    },
  })
}

test("kids have the parent's flags and then those they are given, but for what is not for kids", async (t) => {
  const inherited = [
    ...['--enable-source-maps', '--inspect-port', '9230', '--max_old_space_size=200', '-e', 'a=1'],
    ...['--test-reporter', 'tap', '--input-type=module', '--env-file=.env', '--env-file', 'b.env'],
    ...['--watch-path', './src', '--conditions', 'x', '-C', 'y', '--inspect'],
  ]
  const { words, modules } = argumentsFrom(inherited, ['--no-warnings'], '/a', '/a')
  t.strictSame(words, [
    ...['--enable-source-maps', '--max_old_space_size=200', '--conditions', 'x', '-C', 'y'],
    '--no-warnings',
  ])
  t.strictSame(modules, [])
})

test('a module by its path is the same wherever kids start', async (t) => {
  const from = place(t)
  const url = pathToFileURL(join(from, 'load me.mjs')).href
  for (const to of [from, '/']) {
    const { words, modules } = argumentsFrom(
      ['--import', './load%20me.mjs?a=1', '-r', './pre', '--require=./pre.cjs'],
      ['--loader=./load%20me.mjs', '--import', 'data:text/javascript,', '--import=node:fs'],
      from,
      to,
    )
    t.strictSame(words, [
      ...['--import', `${url}?a=1`, '-r', join(from, 'pre'), `--require=${join(from, 'pre.cjs')}`],
      ...[`--loader=${url}`, '--import', 'data:text/javascript,', '--import=node:fs'],
    ])
    const files = ['load me.mjs', 'pre.cjs', 'load me.mjs'].map((file) => join(from, file))
    t.strictSame(modules, files, 'what can be looked at before the kid begins')
  }
})

test('a package is the one that the parent has, also where kids start elsewhere', async (t) => {
  const from = place(t)
  const flags = ['--import', 'both', '-r', 'both', '--import=nowhere', '--require', 'nowhere']
  t.strictSame(argumentsFrom(flags, [], from, from).words, flags)
  const at = join(from, 'node_modules/both')
  const url = (file: string) => pathToFileURL(join(at, file)).href
  t.strictSame(argumentsFrom(flags, [], from, '/').words, [
    ...['--import', url('b.mjs'), '-r', join(at, 'b.cjs'), '--import=nowhere'],
    ...['--require', 'nowhere'],
  ])
  t.strictSame(argumentsFrom(['-C', 'dev', '--import=both'], [], from, '/').words, [
    ...['-C', 'dev', `--import=${url('dev.mjs')}`],
  ])
})

test('a path in another flag is meant as the parent sees it', async (t) => {
  const flags = ['--cpu-prof', '--cpu-prof-dir=prof', '--icu-data-dir', '../icu']
  t.strictSame(argumentsFrom(flags, ['--env-file=.env'], '/a/b', '/').words, [
    ...[
      '--cpu-prof',
      '--cpu-prof-dir=/a/b/prof',
      '--icu-data-dir',
      '/a/icu',
      '--env-file=/a/b/.env',
    ],
  ])
})
