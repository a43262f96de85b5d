/** What a user may get wrong in flags: one line on standard error that says what, and exit code 2. */

import { test } from 'tap'
import { fixture, refused } from './run.js'

const good = ['--handler', fixture('handlers/says-its-pid.js')]

const usage: [title: string, args: string[], sentence: RegExp | string][] = [
  [
    'nothing that serves',
    [],
    /^one of handler .*, program .*, kid .* and server .* must be given$/,
  ],
  [
    'an unknown flag',
    [...good, '--slotz', '3'],
    /^unknown option '--slotz', did you mean --slots\?$/,
  ],
  [
    'a duration without a unit',
    [...good, '--accept-timeout', '5'],
    /^--accept-timeout must be a duration with a unit.*not "5": add a unit/,
  ],
  [
    'a duration that is none',
    [...good, '--stop-timeout', 'soon'],
    /^--stop-timeout must be a duration with a unit.*not "soon"$/,
  ],
  [
    'an absurd duration',
    [...good, '--ready-timeout', '99999h'],
    /^--ready-timeout must be at most 24 days/,
  ],
  ['no slots', [...good, '--slots', '0'], '--slots must be a whole number from 1 to 10000, not 0'],
  [
    'a negative number',
    [...good, '--kids', '-3'],
    '--kids must be a whole number from 1 to 10000, not -3',
  ],
  [
    'an absurd number',
    [...good, '--kids', '1000000'],
    '--kids must be a whole number from 1 to 10000, not 1000000',
  ],
  [
    'a number that is none',
    [...good, '--backlog', 'many'],
    '--backlog must be a whole number from 1 to 65535, not "many"',
  ],
  [
    'a bad address',
    [...good, '--listen', '127.0.0.1:99999'],
    /^--listen must have a port from 0 to 65535, not "127\.0\.0\.1:99999"$/,
  ],
  [
    'an address that is none',
    [...good, '--listen', '300.1.1.1:80'],
    /^--listen must be 8000, HOST:8000.*not "300\.1\.1\.1:80"$/,
  ],
  ['a stray argument', ['h.js'], /^unexpected argument "h\.js"/],
  ['a flag without its value', ['--handler'], '--handler must have a value'],
  [
    'contradictory pools',
    [...good, '--kids', '2', '--max-kids', '3'],
    /^kids and maxKids contradict each other: /,
  ],
  [
    'contradictory overload',
    [...good, '--overload', 'abrupt', '--shed-after', '1s'],
    /^shedAfter and overload "abrupt" contradict each other: /,
  ],
  ['a handler and a kid', [...good, '--kid', 'cat'], /^handler and kid contradict each other: /],
]

for (const [title, args, sentence] of usage) {
  test(`${title} is a usage error`, async (t) => {
    const run = await refused(t, args, 2, sentence)
    t.equal(run.stderr.trimEnd().split('\n').length, 1, 'one line')
  })
}
