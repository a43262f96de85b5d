/** Which death of a kid explains which failed client: each client against the log, not sums against sums. */

/** A client that was not answered; times as `Date.now()` has them. */
export interface Failure {
  readonly id: number
  readonly begun: number
  readonly ended: number
  readonly how: string
  /** The kid whose handler has noted the client in the ledger. */
  readonly pid: number | undefined
}

/** A kid's death as the log has it: connections it had taken for certain, and perhaps. */
export interface Death {
  readonly at: number
  readonly pid: number
  readonly lost: number
}

/** How long, in milliseconds, the parent may be stopped before it notes a death, or run before a client hears of it. */
const grace = 5_000

/** The failures that no death explains: each death explains as many as it has cost, of clients that were there at the time. */
export function unexplained(failures: readonly Failure[], deaths: readonly Death[]): Failure[] {
  const left = deaths.map((death) => ({ ...death })).sort((a, b) => a.at - b.at)
  const explain = (failure: Failure, pid: number | undefined) => {
    const death = left.find(
      (each) =>
        each.lost > 0 &&
        (pid === undefined || each.pid === pid) &&
        each.at >= failure.begun &&
        each.at <= failure.ended + grace,
    )
    if (death !== undefined) death.lost--
    return death !== undefined
  }
  // First those of whom it is known which kid had them; the others take what is left, whoever ended first.
  const known = failures.filter(({ pid }) => pid !== undefined)
  const unknown = failures.filter(({ pid }) => pid === undefined)
  return [
    ...known.filter((each) => !explain(each, each.pid)),
    ...unknown.sort((a, b) => a.ended - b.ended).filter((each) => !explain(each, undefined)),
  ]
}
