/** How flags of Node.js are read, and which are not for kids; run with the other tests. */

import t from 'tap'
import { readFlags, whyUnfit } from '../src/node-flags.js'

t.test('a flag has its value after a =, or as the next word', async (t) => {
  t.strictSame(
    readFlags([
      '--import',
      './a.mjs',
      '-r',
      'b',
      '--max_old_space_size=9',
      '--no-warnings',
      '-pe',
      '1=1',
    ]),
    [
      { name: '--import', value: './a.mjs', words: ['--import', './a.mjs'] },
      { name: '-r', value: 'b', words: ['-r', 'b'] },
      { name: '--max-old-space-size', value: '9', words: ['--max_old_space_size=9'] },
      { name: '--no-warnings', value: undefined, words: ['--no-warnings'] },
      { name: '-pe', value: '1=1', words: ['-pe', '1=1'] },
    ],
  )
  t.strictSame(readFlags(['--import=data:text/javascript,a=1\n2']), [
    {
      name: '--import',
      value: 'data:text/javascript,a=1\n2',
      words: ['--import=data:text/javascript,a=1\n2'],
    },
  ])
  t.strictSame(readFlags([]), [])
})

t.test('what has Node.js run no kid, or all kids want one port, is not for kids', async (t) => {
  const fit = (word: string) => readFlags([word]).every((flag) => whyUnfit(flag) === undefined)
  for (const word of [
    ...['--inspect', '--inspect=9229', '--inspect-brk', '--inspect_brk', '--inspect-port=1'],
    ...['--inspect-wait', '--inspect-publish-uid=http', '--debug-port=1', '--watch', '-i'],
    ...['--watch-path=.', '--watch-preserve-output', '--eval', '-e', '--print', '-p', '-pe'],
    ...['-c', '--check', '--interactive', '--test', '--test-reporter=tap', '--test-only'],
    ...['--input-type=module', '--run', '--build-snapshot', '--snapshot-blob=a', '--version'],
    ...['--help', '-h', '-v', '--', '-'],
  ])
    t.notOk(fit(word), word)
  for (const word of [
    ...['--import', '--require', '-r', '-C', '--conditions', '--max-http-header-size=1'],
    ...['--max-old-space-size=1', '--enable-source-maps', '--experimental-loader', '--loader'],
    ...['--cpu-prof', '--heap-prof', '--title=a', '--no-warnings', '--stack-trace-limit=1'],
    ...['--check-headers', '--experimental-vm-modules', '--trace-warnings', '--node-snapshot'],
  ])
    t.ok(fit(word), word)
})
