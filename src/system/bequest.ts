/** Listeners that one parent leaves to the next, and how the heir says that it is up; used in an upgrade only. */

import { UsageError } from '../errors.js'
import { close, setCloseOnExec, writeText } from './descriptors.js'
import type { Listener } from './listeners.js'

/** The variable that tells the heir what it has. */
const variable = 'PREFORKD_BEQUEST'

/** The heir's descriptors begin here. */
const first = 3

/** What the heir says when it is up. */
export const heirIsUp = 'up\n'

/** A listener, and the address in the options that it was opened for. */
export interface Bequeathed {
  readonly key: string
  readonly listener: Listener
}

/** What to start an heir with: descriptors from 3 on, the last of them the pipe it answers through, and the variable. */
export function bequeath(
  left: readonly Bequeathed[],
  answerFd: number,
): { fds: number[]; env: Record<string, string> } {
  const text = JSON.stringify(
    left.map(({ key, listener }) => ({ key, ...listener })),
    // Device and inode of a Unix socket's file.
    (_, value: unknown) => (typeof value === 'bigint' ? { bigint: String(value) } : value),
  )
  return { fds: [...left.map(({ listener }) => listener.fd), answerFd], env: { [variable]: text } }
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

/** What an heir finds. */
export class Bequest {
  readonly #answerFd: number
  #left: Bequeathed[]
  /** Listeners that were claimed, and whether they were somebody else's before. */
  readonly #claimed: { listener: Mutable<Listener>; inherited: boolean }[] = []

  constructor(left: Bequeathed[], answerFd: number) {
    this.#left = left
    this.#answerFd = answerFd
  }

  /** Takes what was left to this process, once; undefined for one that was started in any other way. */
  static take(env: NodeJS.ProcessEnv): Bequest | undefined {
    const text = env[variable]
    delete env[variable]
    if (text === undefined) return undefined
    const left = parse(text).map((entry, i) => {
      const fd = first + i
      setCloseOnExec(fd)
      const { key, ...listener } = entry
      return { key, listener: { ...listener, fd } }
    })
    const answerFd = first + left.length
    setCloseOnExec(answerFd)
    return new Bequest(left, answerFd)
  }

  /**
   * The listeners that were opened for an address of the options, if there are any; each is given out once. Until
   * `answer` they are only lent: an heir that fails must leave them as they were, neither shut down nor unlinked.
   */
  claim(key: string): Listener[] {
    const claimed = this.#left.filter((each) => each.key === key)
    this.#left = this.#left.filter((each) => each.key !== key)
    return claimed.map(({ listener }) => {
      const lent = { ...listener, inherited: true }
      this.#claimed.push({ listener: lent, inherited: listener.inherited })
      return lent
    })
  }

  /** Says that this process is up; takes over for good what was claimed, and lets go of the rest. */
  answer(): void {
    for (const { listener, inherited } of this.#claimed) listener.inherited = inherited
    // A parent that has gone in the meantime needs no answer.
    writeText(this.#answerFd, heirIsUp)
    this.discard()
  }

  /** Lets go of everything that nobody claimed. */
  discard(): void {
    close(this.#answerFd)
    for (const { listener } of this.#left) close(listener.fd)
    this.#left = []
  }
}

function parse(text: string): (Listener & { key: string })[] {
  try {
    return JSON.parse(text, (_, value: { bigint?: string } | null) =>
      typeof value === 'object' && value?.bigint !== undefined ? BigInt(value.bigint) : value,
    ) as (Listener & { key: string })[]
  } catch {
    throw new UsageError(`${variable} is set, but not by preforkd: unset it`)
  }
}
