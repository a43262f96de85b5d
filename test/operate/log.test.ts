/** The log at its end, in a process of its own since it is that process's standard error; run with the other tests. */

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

const module = new URL('../../dist/operate/log.js', import.meta.url).href

/** Logs a line, closes the log, and logs another; the exit code and standard error of the process that does. */
function logsBeyondItsEnd(file?: string) {
  const program = `
    import { openLog } from '${module}'
    const log = openLog('info', ${JSON.stringify(file)})
    log.logger.info('before')
    await log.close()
    log.logger.error('after')
  `
  const args = ['--input-type=module', '-e', program]
  return spawnSync(process.execPath, args, { encoding: 'utf8', env: { PATH: process.env.PATH } })
}

t.test('what is logged after the end is dropped, and harms nobody', async (t) => {
  const { status, stderr } = logsBeyondItsEnd()
  t.equal(status, 0)
  t.match(stderr, '"msg":"before"')
  t.notMatch(stderr, 'after')
})

t.test('in a file too', async (t) => {
  const file = join(t.testdir(), 'log')
  const { status, stderr } = logsBeyondItsEnd(file)
  t.equal(stderr, '')
  t.equal(status, 0)
  t.match(readFileSync(file, 'utf8'), '"msg":"before"')
  t.notMatch(readFileSync(file, 'utf8'), 'after')
})
