/**
 * Loaded before each test file: what tests start runs without tap's own hooks. They are for coverage, which is off here, cost
 * each Node.js process 150 ms of CPU, and there are thousands.
 */

import processOnSpawn from 'process-on-spawn'

processOnSpawn.removeAllListeners()
for (const name of Object.keys(process.env)) {
  if (name.startsWith('_TAPJS_')) delete process.env[name]
}
if (process.env.NODE_OPTIONS?.includes('@tapjs')) delete process.env.NODE_OPTIONS
// Kids get the flags of their parent, which here is the test file itself.
process.execArgv.length = 0
