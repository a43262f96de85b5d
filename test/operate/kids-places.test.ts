/** Places that the parent writes or goes by: whether kids of another user could put something else there. */

import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { check } from '../../src/cli/check.js'
import { UsageError } from '../../src/errors.js'
import { kidsPlacesWarning, openTo, refuseKidsPlaces } from '../../src/operate/kids-places.js'
import { parseOptions } from '../../src/options.js'
import type { Identity } from '../../src/system/identity.js'

const [uid, gid] = [54_321, 54_322]
const kids: Identity = {
  uid,
  gid,
  groups: [gid, 54_323],
  name: undefined,
  home: '/',
  shell: undefined,
  changes: true,
}
const isRoot = process.geteuid?.() === 0
const notAsRoot = isRoot ? false : 'needs root'

/** A directory whose ancestors are nobody's but root's, or ours, or keep what is theirs, as /tmp does. */
function directory(t: Test): string {
  const path = mkdtempSync('/tmp/preforkd-')
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  chmodSync(path, 0o755)
  return path
}

function make(path: string, mode: number, owner?: { uid: number; gid: number }): string {
  mkdirSync(path)
  chmodSync(path, mode)
  if (owner !== undefined) chownSync(path, owner.uid, owner.gid)
  return path
}

test('a directory that only its owner writes to is open to nobody else', async (t) => {
  const place = directory(t)
  t.equal(openTo(join(place, 'new'), kids), undefined)
  make(join(place, 'a'), 0o775)
  t.equal(openTo(join(place, 'a/new'), kids), undefined, 'it is not their group')
  t.equal(openTo(join(place, 'no/such/directory'), kids), undefined, 'opening it says so')
})

test('one that all write to is, and all that is below it', async (t) => {
  const place = directory(t)
  const open = make(join(place, 'open'), 0o777)
  const below = make(join(open, 'below'), 0o755)
  t.equal(openTo(join(open, 'new'), kids), open)
  t.equal(openTo(join(below, 'new'), kids), open)
})

test('where nobody takes away what is not his own, only what is there already is safe', async (t) => {
  const place = directory(t)
  const shared = make(join(place, 'shared'), 0o1777)
  writeFileSync(join(shared, 'there'), '')
  t.equal(openTo(join(shared, 'there'), kids), undefined)
  t.equal(openTo(join(shared, 'new'), kids), shared)
  t.equal(openTo(join(make(join(shared, 'below'), 0o755), 'new'), kids), undefined)
})

test('a link counts with the place that it stands in', async (t) => {
  const place = directory(t)
  const open = make(join(place, 'open'), 0o777)
  const closed = make(join(place, 'closed'), 0o755)
  symlinkSync(closed, join(open, 'link'))
  t.equal(openTo(join(open, 'link/new'), kids), open)
  symlinkSync(open, join(closed, 'link'))
  t.equal(openTo(join(closed, 'link/new'), kids), open)
})

test('their own directory and those of their groups are open to them', {
  skip: notAsRoot,
}, async (t) => {
  const place = directory(t)
  const own = make(join(place, 'own'), 0o500, { uid, gid: 0 })
  t.equal(openTo(join(own, 'new'), kids), own, 'the owner may change the mode')
  const group = make(join(place, 'group'), 0o770, { uid: 0, gid: 54_323 })
  t.equal(openTo(join(group, 'new'), kids), group)
  const without = make(join(place, 'without'), 0o707, { uid: 0, gid: 54_323 })
  t.equal(openTo(join(without, 'new'), kids), undefined, 'what others may their group may not')
  const kept = make(join(place, 'kept'), 0o1777)
  const theirs = make(join(kept, 'theirs'), 0o755, { uid, gid })
  t.equal(openTo(join(theirs, 'new'), kids), theirs)
})

const handler = '/no-such-handler.js'

test('a log, a pid file and a socket that is given away are refused there', {
  skip: notAsRoot,
}, async (t) => {
  const place = directory(t)
  const open = make(join(place, 'open'), 0o777)
  const who = { handler, user: uid, group: gid }
  const path = join(open, 'x')
  const sentence = `cannot be used: user ${uid}, whom kids run as, may write to ${open}`
  for (const [given, start] of [
    [{ logFile: path }, `logFile ${path} `],
    [{ pidFile: path }, `pidFile ${path} `],
    [{ listen: `unix:${path}?user=nobody` }, `listen unix:${path}, whose file is given away, `],
  ] as const) {
    const message = start + sentence
    t.throws(() => refuseKidsPlaces(parseOptions({ ...who, ...given })), new UsageError(message))
    await t.rejects(check({ ...who, ...given }), new UsageError(message), 'by --check too')
    refuseKidsPlaces(parseOptions({ handler, ...given }))
  }
  refuseKidsPlaces(parseOptions({ ...who, listen: `unix:${path}` }))
  refuseKidsPlaces(parseOptions({ ...who, logFile: join(place, 'x') }))
})

test('a program or configuration that they could change is worth a warning', {
  skip: notAsRoot,
}, async (t) => {
  const place = directory(t)
  const options = parseOptions({ handler, user: uid, group: gid })
  const file = join(place, 'preforkd.config.mjs')
  writeFileSync(file, '')
  t.equal(kidsPlacesWarning(options, [process.execPath, file]), undefined)
  chownSync(file, uid, gid)
  t.equal(
    kidsPlacesWarning(options, [process.execPath, file]),
    `kids could become root: their user ${uid} may write to ${file}, and the parent goes by ${file}`,
  )
  t.equal(kidsPlacesWarning(parseOptions({ handler }), [file]), undefined)
})
