/** Bench: cases of users that are scripts, run against the same preforkd; each says PASS or FAIL last. */

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Arguments, projectOf } from './arguments.js'

const run = promisify(execFile)

/** Those that are about kept connections. */
const scripts = ['04-proxy-keepalive-post-502/run.sh', '14-reload-502-behind-keepalive/run.sh']
/** How long, in milliseconds, one may take. */
const patience = 240_000

/** @throws Error where there is no such folder */
export async function cases({ cases: folder, dist }: Arguments): Promise<void> {
  if (folder === undefined) throw new Error('the bench cases needs the option --cases')
  const env = { ...process.env, PROJECT: projectOf(dist) }
  for (const script of scripts) {
    const path = join(folder, script)
    if (!existsSync(path)) throw new Error(`there is no case ${path}`)
    const { stdout } = await run('bash', [path], { env, timeout: patience })
    console.log(`  ${script}: ${stdout.trim().split('\n').at(-1)}`)
  }
}
