/** Whom kids run as, decided from made-up accounts: names, numbers, groups, and every refusal. */

import { test } from 'tap'
import { UsageError } from '../../src/errors.js'
import {
  type Accounts,
  type IdentityOptions,
  identityOf,
  identityWarning,
  lookUpIdentity,
} from '../../src/system/identity.js'

const passwd = `root:x:0:0:root:/root:/bin/bash
toor:x:0:0:another root:/root:/bin/sh
+@netgroup
www:x:33:33:web:/var/www:/usr/sbin/nologin
bare:x:34:35:::
bad:x:4294967295:1::/:/bin/sh
short:x:36
`

const group = `root:x:0:
# www:x:99:www
www:x:33:
adm:x:4:syslog,www
ssl:x:103:postgres,www,bare
almost:x:104:wwww
web:x:200:
bad:x:-1:www
`

/** What programs know of those who are in no file. */
const elsewhere: Record<string, string> = {
  'getent passwd far': 'far:*:5000:5001:Far Away:/home/far:/bin/zsh\n',
  'id -P far': 'far:*:5000:5001::0:0:Far Away:/home/far:/bin/zsh\n',
  'getent passwd 5000': 'far:*:5000:5001:Far Away:/home/far:/bin/zsh\n',
  'id -P 5000': 'far:*:5000:5001::0:0:Far Away:/home/far:/bin/zsh\n',
  'id -G far': '5001 5002 33\n',
  'getent group farers': 'farers:*:5002:far\n',
}

function accounts(uid = 0, gid = uid): Accounts {
  return {
    uid,
    gid,
    file: (name) => (name === 'passwd' ? passwd : group),
    ask: (program, ...args) => elsewhere[[program, ...args].join(' ')] ?? '',
  }
}

const look = (options: IdentityOptions, uid?: number, gid?: number) =>
  lookUpIdentity(options, accounts(uid, gid))

const www = {
  uid: 33,
  gid: 33,
  groups: [33, 4, 103],
  name: 'www',
  home: '/var/www',
  shell: '/usr/sbin/nologin',
  changes: true,
}

const far = {
  uid: 5000,
  gid: 5001,
  groups: [5001, 5002, 33],
  name: 'far',
  home: '/home/far',
  shell: '/bin/zsh',
  changes: true,
}

test('a user is found by name or number, with all groups, its own first', async (t) => {
  t.strictSame(look({ user: 'www' }), www)
  t.strictSame(look({ user: 33 }), www)
})

test('group takes the place of the primary group, and the others stay', async (t) => {
  t.strictSame(look({ user: 'www', group: 'web' }), { ...www, gid: 200, groups: [200, 4, 103] })
  t.strictSame(look({ user: 'www', group: 4 }), { ...www, gid: 4, groups: [4, 103] })
  t.strictSame(look({ user: 'www', group: 777 }), { ...www, gid: 777, groups: [777, 4, 103] })
})

test('an account without home and shell has / and none', async (t) => {
  t.match(look({ user: 'bare' }), { gid: 35, groups: [35, 103], home: '/', shell: undefined })
})

test('those who are in no file are asked for', async (t) => {
  t.strictSame(look({ user: 'far' }), far)
  t.strictSame(look({ user: 5000 }), far)
  const farers = { ...far, gid: 5002, groups: [5002, 33] }
  t.strictSame(look({ user: 'far', group: 'farers' }), farers)
  t.strictSame(look({ user: 'www', group: 'farers' })?.groups, [5002, 4, 103])
})

test('a number that the system does not know will do, with a group', async (t) => {
  t.strictSame(look({ user: 777, group: 888 }), {
    uid: 777,
    gid: 888,
    groups: [888],
    name: undefined,
    home: '/',
    shell: undefined,
    changes: true,
  })
})

test('without user kids are who the parent is', async (t) => {
  for (const uid of [0, 33]) t.equal(look({}, uid), undefined)
  t.equal(look({ group: 'www' }, 33), undefined, 'its own group may be said')
})

test('who is that user already changes nothing', async (t) => {
  t.match(look({ user: 'www' }, 33), { uid: 33, gid: 33, changes: false, groups: [] })
  t.match(look({ user: 'www', group: 33 }, 33), { changes: false })
  t.match(look({ user: 'www' }, 33, 4), { gid: 4, changes: false })
  t.match(look({ user: 777 }, 777), { changes: false })
})

for (const [options, uid, sentence] of [
  [{ user: 'root' }, 0, /^user must not be root, as "root" is: leave it out, /],
  [{ user: 'toor' }, 0, /^user must not be root, as "toor" is: /],
  [{ user: 0 }, 0, /^user must not be root, as 0 is: /],
  [{ user: 0, group: 33 }, 33, /^user must not be root/],
  [{ user: 'nobdy' }, 0, /^user "nobdy" is not known to this system: give one that it has, or a/],
  [{ user: 'bad' }, 0, /^user "bad" is not known/],
  [{ user: 'short' }, 0, /^user "short" is not known/],
  [{ user: '+@netgroup' }, 0, /^user "\+@netgroup" is not known/],
  [{ user: 'www', group: 'wbe' }, 0, /^group "wbe" is not known to this system: give one that it/],
  [{ user: 'www', group: 'bad' }, 0, /^group "bad" is not known/],
  [{ user: 777 }, 0, /^user 777 has no group of its own on this system: give group too$/],
  [{ group: 'www' }, 0, /^group needs user: without one kids would still be root$/],
  [{ group: 'wbe' }, 33, /^group "wbe" is not known/],
  [{ group: 'adm' }, 33, /^group "adm" is not the group of who started preforkd \(gid 33\): only/],
  [{ user: 'www' }, 1000, /^user "www" is not who started preforkd \(uid 1000\): only root can/],
  [{ user: 777 }, 1000, /^user 777 is not who started preforkd/],
  [{ user: 'www', group: 'adm' }, 33, /^group "adm" is not the group of who started preforkd/],
] as const) {
  test(`uid ${uid} is refused ${JSON.stringify(options)}`, async (t) => {
    try {
      look(options, uid)
      t.fail('it was not')
    } catch (error) {
      t.ok(error instanceof UsageError)
      t.match((error as Error).message, sentence)
    }
  })
}

test('the system is asked once for each set of options', async (t) => {
  const user = process.geteuid?.() === 0 ? 'nobody' : process.geteuid?.()
  const options = { user }
  const identity = identityOf(options)
  t.ok(identity?.uid)
  t.equal(identityOf(options), identity)
  t.not(identityOf({ ...options }), identity)
  t.strictSame(identityOf({ ...options }), identity)
})

test('only root without user is worth a warning', async (t) => {
  t.match(identityWarning({}, 0), /^kids run as root, like their parent: give user, so that /)
  t.equal(identityWarning({ user: 'www' }, 0), undefined)
  t.equal(identityWarning({}, 33), undefined)
})
