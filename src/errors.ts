/** One error class per kind of blame; thrown wherever a promise to the caller cannot be kept. */

/** The exit codes of the command, by blame. */
export const exitCodes = {
  stopped: 0,
  failed: 1,
  usage: 2,
  kidsCannotStart: 3,
  cannotListen: 4,
  /** Of a kid: another would do no better, so stop the server (s6 has the same number for the same wish). */
  doNotRestart: 125,
} as const

/** Base of every error this project throws on purpose: one plain sentence, and the exit code that goes with it. */
export abstract class PreforkdError extends Error {
  abstract readonly exitCode: number
  override get name(): string {
    return this.constructor.name
  }
}

/** The caller asked for something that cannot be: an option, a flag, a configuration file. */
export class UsageError extends PreforkdError {
  readonly exitCode = exitCodes.usage
}

/** An address cannot be listened on. */
export class ListenError extends PreforkdError {
  readonly exitCode = exitCodes.cannotListen
}

/** Kids cannot start: the handler does not load, or does not get ready. */
export class KidError extends PreforkdError {
  readonly exitCode = exitCodes.kidsCannotStart
}

/** A kid asked by its exit code for the server to stop. */
export class KidStopError extends PreforkdError {
  readonly exitCode = exitCodes.failed
}

/** The system refused what a healthy system grants; `code` is the errno's name, such as EMFILE. */
export class SystemError extends PreforkdError {
  readonly exitCode = exitCodes.failed
  readonly code: string

  constructor(call: string, code: string, detail?: string) {
    super(`${call} failed with ${code}${detail === undefined ? '' : ` (${detail})`}`)
    this.code = code
  }
}

/** Our own bookkeeping contradicts itself: a defect of preforkd, never of its user. */
export class InternalError extends PreforkdError {
  readonly exitCode = exitCodes.failed

  constructor(message: string) {
    super(`defect in preforkd: ${message}`)
  }
}
