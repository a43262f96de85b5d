/** Pairs of signals of which the first stops, parks or only reopens the log; run with the other tests. */

import { testPairs } from './signal-pairs.js'

testPairs('a stop is hurried by some signals and undone by none', [
  'SIGTERM',
  'SIGINT',
  'SIGQUIT',
  'SIGUSR1',
  'SIGWINCH',
])
