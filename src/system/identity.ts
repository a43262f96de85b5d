/** Who kids are to be: looks up the options `user` and `group`; asked when the server starts and at every spawn. */

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { UsageError } from '../errors.js'

/** Whom kids run as. */
export interface Identity {
  readonly uid: number
  readonly gid: number
  /** Every group they are to be in, `gid` first, as initgroups(3) has it; empty where nothing changes. */
  readonly groups: readonly number[]
  /** Undefined where the system has no name for the number. */
  readonly name: string | undefined
  readonly home: string
  readonly shell: string | undefined
  /** Whether it is somebody else than the parent: then kids must give up what the parent has. */
  readonly changes: boolean
}

/** The options that say who; names are not looked up yet. */
export interface IdentityOptions {
  readonly user?: string | number | undefined
  readonly group?: string | number | undefined
}

/** What is asked of the system; tests ask one that they have made up. */
export interface Accounts {
  /** Who this process is. */
  readonly uid: number
  readonly gid: number
  /** A text file under /etc; empty when it cannot be read. */
  file(name: 'passwd' | 'group'): string
  /** What a program says; empty when there is no such program, or it fails. */
  ask(program: string, ...args: string[]): string
}

const known = new WeakMap<object, { readonly identity: Identity | undefined }>()

/**
 * Whom kids run as by these options; undefined without `user`. Looked up once for each options object, so a reload,
 * which has a new one, asks the system again.
 * @throws UsageError: no such user or group, root, or somebody whom this process may not become
 */
export function identityOf(options: IdentityOptions): Identity | undefined {
  let entry = known.get(options)
  if (entry === undefined) {
    entry = { identity: lookUpIdentity(options, system()) }
    known.set(options, entry)
  }
  return entry.identity
}

/** What is worth a warning when the server starts: kids that are root; undefined when there is nothing to say. */
export function identityWarning(
  { user }: IdentityOptions,
  uid = effectiveUser(),
): string | undefined {
  if (uid !== 0 || user !== undefined) return undefined
  return 'kids run as root, like their parent: give user, so that what serves connections has no such rights'
}

/** The same as `identityOf`, asked of `accounts`. */
export function lookUpIdentity(
  { user, group }: IdentityOptions,
  accounts: Accounts,
): Identity | undefined {
  const isRoot = accounts.uid === 0
  if (user === undefined) {
    if (group === undefined) return undefined
    refuseIf(isRoot, 'group needs user: without one kids would still be root')
    refuseOtherGroup(group, accounts)
    return undefined
  }
  const { local, ...who } = account(user, accounts)
  const { uid } = who
  refuseIf(
    uid === 0,
    `user must not be root, as ${quote(user)} is: leave it out, and kids run as whoever starts preforkd`,
  )
  refuseIf(
    !isRoot && uid !== accounts.uid,
    `user ${quote(user)} is not who started preforkd (uid ${accounts.uid}): only root can start kids as somebody else`,
  )
  if (!isRoot) {
    if (group !== undefined) refuseOtherGroup(group, accounts)
    return { ...who, gid: accounts.gid, groups: [], changes: false }
  }
  const gid = group === undefined ? who.gid : groupNumber(group, accounts)
  if (gid === undefined) {
    throw new UsageError(
      `user ${quote(user)} has no group of its own on this system: give group too`,
    )
  }
  const groups = [...new Set([gid, ...groupsOf(who, local, accounts)])]
  return { ...who, gid, groups, changes: true }
}

function refuseIf(wrong: boolean, sentence: string): void {
  if (wrong) throw new UsageError(sentence)
}

function refuseOtherGroup(group: string | number, accounts: Accounts): void {
  refuseIf(
    groupNumber(group, accounts) !== accounts.gid,
    `group ${quote(group)} is not the group of who started preforkd (gid ${accounts.gid}): only root can start kids in another`,
  )
}

function quote(value: string | number): string {
  return typeof value === 'number' ? String(value) : JSON.stringify(value)
}

/** A line of the passwd file, or of what programs say of one that is kept elsewhere. */
interface Account {
  readonly uid: number
  /** Undefined for a number that the system does not know. */
  readonly gid: number | undefined
  readonly name: string | undefined
  readonly home: string
  readonly shell: string | undefined
}

/** The account, and whether it is in the file: others, of LDAP and the like, only programs find. */
function account(user: string | number, accounts: Accounts): Account & { local: boolean } {
  const local = parseAccount(find(accounts.file('passwd'), user, 2))
  if (local !== undefined) return { ...local, local: true }
  const key = String(user)
  // What macOS says has more fields, but the same at both ends.
  const line =
    process.platform === 'darwin'
      ? accounts.ask('id', '-P', key)
      : accounts.ask('getent', 'passwd', key)
  const elsewhere = parseAccount(line.trim().split(':'))
  if (elsewhere !== undefined) return { ...elsewhere, local: false }
  if (typeof user === 'number') {
    return { uid: user, gid: undefined, name: undefined, home: '/', shell: undefined, local: true }
  }
  throw new UsageError(
    `user ${quote(user)} is not known to this system: give one that it has, or a number`,
  )
}

function parseAccount(fields: readonly string[] | undefined): Account | undefined {
  if (fields === undefined || fields.length < 7) return undefined
  const [uid, gid] = [id(fields[2]), id(fields[3])]
  if (uid === undefined || gid === undefined) return undefined
  return {
    uid,
    gid,
    name: fields[0],
    home: fields.at(-2) || '/',
    shell: fields.at(-1) || undefined,
  }
}

function groupNumber(group: string | number, accounts: Accounts): number {
  if (typeof group === 'number') return group
  const fields =
    find(accounts.file('group'), group, 2) ??
    accounts.ask('getent', 'group', group).trim().split(':')
  const gid = id(fields[2])
  if (gid !== undefined) return gid
  throw new UsageError(
    `group ${quote(group)} is not known to this system: give one that it has, or a number`,
  )
}

/** The supplementary groups of a user. */
function groupsOf({ name, gid }: Account, local: boolean, accounts: Accounts): number[] {
  if (name === undefined) return []
  if (local) {
    return rows(accounts.file('group'))
      .filter((fields) => fields[3]?.split(',').includes(name))
      .flatMap((fields) => id(fields[2]) ?? [])
  }
  // It says the primary group too, which `group` may have replaced.
  return accounts
    .ask('id', '-G', name)
    .trim()
    .split(/\s+/)
    .flatMap((text) => id(text) ?? [])
    .filter((each) => each !== gid)
}

/** The line with this name, or with this number in the field `at`. */
function find(text: string, key: string | number, at: number): readonly string[] | undefined {
  return rows(text).find((fields) => (typeof key === 'number' ? id(fields[at]) : fields[0]) === key)
}

function rows(text: string): string[][] {
  // NIS has lines of its own, with a plus or a minus.
  return text
    .split('\n')
    .filter((line) => /^[^#+-]/.test(line))
    .map((line) => line.split(':'))
}

/** A number of a user or group; -1, as 2^32 - 1, is nobody's. */
function id(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined
  const number = Number(text)
  return number < 2 ** 32 - 1 ? number : undefined
}

function effectiveUser(): number {
  return process.geteuid?.() ?? -1
}

function system(): Accounts {
  return {
    uid: effectiveUser(),
    gid: process.getegid?.() ?? -1,
    file(name) {
      try {
        return readFileSync(`/etc/${name}`, 'utf8')
      } catch {
        // Some systems and containers have none; then the number must do, or what programs know.
        return ''
      }
    },
    ask(program, ...args) {
      try {
        // The system's own program, whatever PATH root has, and without waiting for a dead directory server.
        const env = { PATH: '/usr/bin:/bin:/usr/sbin:/sbin:/run/current-system/sw/bin' }
        const stdio = ['ignore', 'pipe', 'ignore'] as const
        return execFileSync(program, args, {
          env,
          encoding: 'utf8',
          stdio: [...stdio],
          timeout: 5_000,
        })
      } catch {
        return ''
      }
    },
  }
}
