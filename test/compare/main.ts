/** `npm run compare:keepalive`: how preforkd keeps HTTP connections, beside node:cluster; one bench at a time. */

import { machine } from '../../src/herd/rounds.js'
import { type Arguments, readArguments, usage } from './arguments.js'
import { blocking } from './blocking.js'
import { cases } from './cases.js'
import { CompareClient } from './client-process.js'
import { idle } from './idle.js'
import { proxies } from './proxies.js'
import { throughput } from './throughput.js'

const benches: Readonly<
  Record<string, (given: Arguments, client: CompareClient) => Promise<void>>
> = { throughput, blocking, proxies, idle, cases }

function read(): Arguments | undefined {
  try {
    return readArguments(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`compare: ${(error as Error).message}\n`)
    return undefined
  }
}

const given = read()
const bench = benches[given?.bench ?? '']
if (given === undefined || bench === undefined) {
  process.stderr.write(usage)
  process.exit(2)
}
console.log(`${machine()}\n${given.dist}`)
const client = new CompareClient()
try {
  await bench(given, client)
} catch (error) {
  process.stderr.write(`compare: ${(error as Error).message}\n`)
  process.exitCode = 1
} finally {
  await client.stop()
}
