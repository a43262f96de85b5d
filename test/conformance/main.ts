/** `npm run conformance`: HTTP of preforkd against plain Node.js; exit code 1 when something differs that is not explained. */

import { parseArgs } from 'node:util'
import { compare } from './compare.js'
import { readCorpus } from './corpus.js'
import { describe, exceptionsOf, tableOf } from './report.js'
import { type AppName, appNames, Served, withBoth } from './servers.js'
import { runSuites } from './suites/run.js'

const usage = `npm run conformance [-- OPTIONS]
  --apps NAMES      only these, of ${appNames.join(',')}
  --sources NAMES   only probes whose source begins so
  --suites DIR      runs the suites of node, express, koa, fastify and ws that are found there
`

const { values } = parseArgs({
  options: {
    apps: { type: 'string', default: appNames.join(',') },
    sources: { type: 'string', default: '' },
    suites: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  process.stdout.write(usage)
  process.exit(0)
}

// Whatever was started ends with this process: see the listeners for its exit.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const apps = values.apps.split(',').filter((name) => name !== '')
for (const name of apps) {
  if (!appNames.includes(name as AppName)) {
    process.stderr.write(`--apps has ${name}, which is none of ${appNames.join(', ')}\n`)
    process.exit(2)
  }
}
const sources = values.sources.split(',')
const probes = readCorpus().filter(({ source }) =>
  sources.some((beginning) => source.startsWith(beginning)),
)
let unexplained = 0

/** How often plain Node.js differs from itself: what any comparison may be off by. */
async function measureNoise(): Promise<void> {
  const { differences, noise } = await withBoth(
    [Served.plain('function'), Served.plain('function')],
    (one, other) => compare(probes, one.port, other.port),
  )
  console.log(`function, plain against plain: ${differences.length} differ, ${noise.length} once\n`)
}

async function compareApp(app: AppName): Promise<void> {
  const begun = performance.now()
  const compared = await withBoth([Served.plain(app), Served.preforkd(app)], (plain, ours) =>
    compare(probes, plain.port, ours.port),
  )
  const seconds = ((performance.now() - begun) / 1_000).toFixed(0)
  console.log(`${app}, plain against preforkd, ${seconds} s\n${tableOf(compared)}`)
  console.log(exceptionsOf(compared))
  console.log(`differed once, and not when sent again: ${compared.noise.length}`)
  for (const difference of compared.noise) console.log(describe(difference))
  const bare = compared.differences.filter(({ exception }) => exception === undefined)
  for (const difference of bare) console.log(describe(difference))
  console.log(`not explained: ${bare.length}\n`)
  unexplained += bare.length
}

if (apps.length > 0) await measureNoise()
for (const app of apps) await compareApp(app as AppName)
unexplained += await runSuites(values.suites)
process.exitCode = unexplained > 0 ? 1 : 0
