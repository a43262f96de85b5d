/** Whether a pool fits under the limit of descriptors, and that Node.js has raised that as far as it may. */

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'tap'
import { descriptorLimit, descriptorsWarning } from '../../src/system/limits.js'

const demand = { maxKids: 16, slots: 1, listen: ['one'] }

test('a pool that fits is no warning', async (t) => {
  t.equal(descriptorsWarning(demand, 1024), undefined)
  t.equal(descriptorsWarning(demand, 105), undefined, '40, one for the listener, 64 for the kids')
  t.equal(descriptorsWarning({ ...demand, maxKids: 65_535 }, Number.POSITIVE_INFINITY), undefined)
})

test('kids, listeners and slots beyond the limit are, with what to do', async (t) => {
  t.equal(
    descriptorsWarning(demand, 104),
    'maxKids (16) needs 105 descriptors in the parent, 4 for each kid, but the limit is 104: raise it (ulimit -n, or LimitNOFILE= of systemd) or lower maxKids',
  )
  t.match(descriptorsWarning({ ...demand, listen: ['one', 'two'] }, 105), /needs 106 descriptors/)
  t.equal(
    descriptorsWarning({ ...demand, slots: 1000 }, 1024),
    'slots (1000) needs 1033 descriptors in each kid, but the limit is 1024: raise it (ulimit -n, or LimitNOFILE= of systemd) or lower slots',
  )
})

test('the limit is that of this process, which Node.js has raised to the hard one', async (t) => {
  t.ok(descriptorLimit() > 100)
  if (process.platform !== 'linux') return
  const limits = readFileSync('/proc/self/limits', 'latin1')
  const [, soft, hard] = /^Max open files +(\w+) +(\w+)/m.exec(limits) ?? []
  t.equal(soft, hard)
  t.equal(descriptorLimit(), Number(soft))
})

test('so it is in kids when the parent was started with a low one', async (t) => {
  const script = `process.stdout.write(child_process.execFileSync('sh', ['-c', 'ulimit -Sn; ulimit -Hn']))`
  const { stdout } = spawnSync(
    'sh',
    ['-c', 'ulimit -Sn 128 && exec "$0" -e "$1"', process.execPath, script],
    { encoding: 'utf8' },
  )
  const [soft, hard] = stdout.split('\n')
  t.ok(Number(hard) > 128 || hard === 'unlimited')
  t.equal(soft, hard)
})
