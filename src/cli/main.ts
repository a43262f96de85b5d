#!/usr/bin/env node
/** The command: reads flags, runs what they ask for, ends with the exit code that says whose fault it was. */

import { exitCodes, PreforkdError } from '../errors.js'
import { check } from './check.js'
import { readConfiguration } from './configuration.js'
import { runConform } from './conform.js'
import { parseFlags } from './flags.js'
import { printConfiguration } from './print-config.js'
import { serve } from './serve.js'

async function main(): Promise<number> {
  const argv = process.argv.slice(2)
  // As they were when we were started: whatever happens to ours later, a reload reads the same files.
  const cwd = process.cwd()
  const env = { ...process.env }
  const flags = parseFlags(argv)
  if (flags.action === 'print') {
    process.stdout.write(flags.text)
    return exitCodes.stopped
  }
  if (flags.action === 'conform') return runConform(flags.texts)
  if (flags.action === 'herd') {
    // Not needed to serve, so not loaded to serve.
    const { runHerd } = await import('./herd.js')
    return runHerd(flags.asked)
  }
  if (flags.action === 'herdShowing') {
    const { runShowing } = await import('./herd-showing.js')
    return runShowing(flags.showing)
  }
  const read = () => readConfiguration(argv, env, cwd)
  const configuration = await read()
  switch (flags.action) {
    case 'printConfig':
      process.stdout.write(printConfiguration(configuration))
      return exitCodes.stopped
    case 'check':
      await check(configuration.options)
      process.stdout.write('configuration and handler are fine\n')
      return exitCodes.stopped
    case 'serve':
      return serve(configuration, read, { watch: flags.watch, env })
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    if (!(error instanceof PreforkdError)) throw error
    // What led to it first, the sentence last, where it is read.
    if (typeof error.cause === 'string' && error.cause !== '')
      process.stderr.write(`${error.cause}\n`)
    process.stderr.write(`preforkd: ${error.message}\n`)
    process.exit(error.exitCode)
  },
)
