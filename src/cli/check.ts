/** `preforkd --check`: whether a server would start with this configuration, without disturbing one that runs. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { refuseKidsPlaces } from '../operate/kids-places.js'
import { checkLogFile } from '../operate/log-file.js'
import { checkPidFile } from '../operate/pid-file.js'
import { hookNames, type PreforkerOptions, parseOptions } from '../options.js'
import { createPreforker } from '../preforker.js'

/**
 * Has one kid load the handler, on a socket where nobody connects; settles when it was up and has gone again. Nothing
 * of the server's own is touched: neither addresses nor log nor pid file, and no hook is called.
 * @throws UsageError, KidError
 */
export async function check(options: PreforkerOptions): Promise<void> {
  const parsed = parseOptions(options)
  const { logFile, pidFile } = parsed
  refuseKidsPlaces(parsed)
  if (logFile !== undefined) checkLogFile(logFile)
  if (pidFile !== undefined) checkPidFile(pidFile)
  const directory = mkdtempSync(join(tmpdir(), 'preforkd-check-'))
  try {
    const server = createPreforker({ ...options, ...unobtrusive(join(directory, 'socket')) })
    await server.start()
    await server.stop()
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Instead of what was configured. */
function unobtrusive(socket: string): PreforkerOptions {
  return {
    listen: `unix:${socket}`,
    ...{ kids: 1, startKids: undefined, minSpare: undefined, maxSpare: undefined },
    maxKids: undefined,
    // These two depend on what listens; they have been checked with what is configured.
    ...{ shedAfter: undefined, overloadReply: undefined },
    // The server that runs has its kids' debuggers there.
    inspectKids: 'off',
    ...{ log: undefined, logFile: undefined, logLevel: 'silent', pidFile: undefined },
    ...Object.fromEntries(hookNames.map((name) => [name, undefined])),
  }
}
