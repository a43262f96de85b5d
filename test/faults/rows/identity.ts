/** Group G: who kids run as, what they must not inherit from root; and what is not built. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { Bed } from '../bed.js'
import type { Row } from '../row.js'

function entry(pid: number, name: string): string {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  return new RegExp(`^${name}:\\s*(.*?)\\s*$`, 'm').exec(status)?.[1] ?? ''
}

async function refused(bed: Bed, args: string[], sentence: RegExp, prefix: string[] = []) {
  const server = bed.launch({ args: ['--kids', '1', ...args], prefix, mayEnd: [1, 2, 3] })
  await server.ended
  assert.match(server.stderr, sentence)
  assert.deepEqual(bed.left(), [], 'nobody serves')
}

export const identity: readonly Row[] = [
  {
    number: 86,
    group: 'G',
    fault: 'the environment of root would have kids load what they should not',
    inject: 'NODE_OPTIONS, LD_LIBRARY_PATH and 100 kB of another variable; user nobody',
    needs: ['root'],
    async run(bed) {
      const server = await bed.command(['--kids', '1', '--user', 'nobody'], {
        env: {
          NODE_OPTIONS: '--no-deprecation',
          LD_LIBRARY_PATH: '/nowhere',
          MUCH: 'x'.repeat(100_000),
        },
      })
      for (const kid of server.kids) {
        const environment = readFileSync(`/proc/${kid}/environ`, 'latin1')
        assert.ok(
          !/(^|\0)(NODE_OPTIONS|LD_\w+)=/.test(environment),
          'nothing of what root has loaded',
        )
        assert.match(environment, /\0?MUCH=x{100000}\0/)
      }
      assert.equal(await server.client().ended, 'ok')
    },
  },
  {
    number: 87,
    group: 'G',
    fault: 'kids of another user must not be root in any way',
    inject: 'user nobody: uids, gids, groups, capabilities, new privileges in /proc',
    needs: ['root'],
    quick: true,
    async run(bed) {
      const [, uid, gid] = /^nobody:[^:]*:(\d+):(\d+):/m.exec(
        readFileSync('/etc/passwd', 'latin1'),
      ) as unknown as [string, string, string]
      const server = await bed.command(['--kids', '2', '--user', 'nobody'])
      for (const kid of server.kids) {
        assert.equal(entry(kid, 'Uid'), Array(4).fill(uid).join('\t'))
        assert.equal(entry(kid, 'Gid'), Array(4).fill(gid).join('\t'))
        assert.equal(entry(kid, 'Groups'), gid)
        for (const name of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb']) {
          assert.match(entry(kid, name), /^0+$/, name)
        }
        assert.equal(entry(kid, 'NoNewPrivs'), '1')
      }
      assert.equal(await server.client().ended, 'ok')
    },
  },
  {
    number: 88,
    group: 'G',
    fault: 'kids cannot be who they should be',
    inject: 'an unknown user, root, a number without a group; and a parent that may not change',
    needs: ['root', 'setpriv'],
    async run(bed) {
      await refused(bed, ['--user', 'no-such-user'], /user "no-such-user" is not known/)
      await refused(bed, ['--user', 'root'], /user must not be root/)
      await refused(bed, ['--user', '12345'], /user 12345 has no group of its own/)
      // Root in name only, as in a user namespace: setgroups is denied.
      const powerless = ['setpriv', '--bounding-set=-setgid', '--inh-caps=-setgid', '--']
      await refused(bed, ['--user', 'nobody'], /preforkd: /, powerless)
    },
  },
  {
    number: 89,
    group: 'G',
    fault: 'who talks with the control socket is not who should',
    inject: 'another uid, garbage, long lines, idle clients',
    notBuilt: 'there is no control socket: the option is reserved',
  },
]
