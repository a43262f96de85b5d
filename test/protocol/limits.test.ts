/** The numbers and names of the wire are public: changing one is a new protocol version. */

import t from 'tap'
import * as limits from '../../src/protocol/limits.js'

t.test('version 1 is what docs/protocol.md says', async (t) => {
  t.strictSame(
    { ...limits, environmentNames: { ...limits.environmentNames } },
    {
      PROTOCOL_VERSION: '1',
      MAX_LINE: 64,
      MAX_COUNT: 65_535,
      MAX_REPORTED: 512,
      MAX_SEQ: 2 ** 53 - 1,
      PARKED_SEQ: 0,
      FEATURES: ['parking', 'ends'],
      environmentNames: {
        protocol: 'PREFORKD_PROTOCOL',
        features: 'PREFORKD_FEATURES',
        commandFd: 'PREFORKD_COMMAND_FD',
        statusFd: 'PREFORKD_STATUS_FD',
        kid: 'PREFORKD_KID',
        index: 'PREFORKD_INDEX',
        generation: 'PREFORKD_GENERATION',
        listenFds: 'LISTEN_FDS',
        listenFdNames: 'LISTEN_FDNAMES',
      },
    },
  )
})
