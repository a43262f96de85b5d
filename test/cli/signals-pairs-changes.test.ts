/** Pairs of signals of which the first reloads, upgrades or resizes; run with the other tests. */

import { testPairs } from './signal-pairs.js'

testPairs('whatever is under way, the next signal means what it says', [
  'SIGHUP',
  'SIGUSR2',
  'SIGTTIN',
  'SIGTTOU',
])
