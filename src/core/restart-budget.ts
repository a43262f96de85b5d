/** How fast kids that die before they are up may be replaced; asked before every spawn. */

/** Deaths before `idle` within the window that exhaust the budget (systemd's 5 starts in 10 s). */
const deathsAllowed = 5
/** The window, in milliseconds. */
const window = 10_000
/** The first and the longest rest, in milliseconds; each rest is twice the one before. */
const firstRest = 1_000
const longestRest = 30_000

/** The budget's memory: when kids died early, and until when there is rest. Times in milliseconds of the parent's clock. */
export interface RestartBudget {
  /** When kids died before they were up, within the window. */
  deaths: number[]
  /** How long the present or the last rest is; 0 when all is well. */
  rest: number
  /** No spawn before this time. */
  restUntil: number
}

/** A budget that has not been touched. */
export function newRestartBudget(): RestartBudget {
  return { deaths: [], rest: 0, restUntil: Number.NEGATIVE_INFINITY }
}

/**
 * A kid died before it was up. Returns how long to rest from now, or 0 where the budget is not exhausted or a rest is on
 * already: kids that were spawned together die together, and count as one more failure, not as many.
 */
export function noteEarlyDeath(budget: RestartBudget, now: number): number {
  budget.deaths = budget.deaths.filter((at) => at > now - window)
  budget.deaths.push(now)
  if (now < budget.restUntil) return 0
  if (budget.rest === 0 && budget.deaths.length < deathsAllowed) return 0
  budget.rest = budget.rest === 0 ? firstRest : Math.min(longestRest, budget.rest * 2)
  budget.restUntil = now + budget.rest
  return budget.rest
}

/** A kid came up: whatever was wrong is over. */
export function noteUp(budget: RestartBudget): void {
  if (budget.rest === 0 && budget.deaths.length === 0) return
  budget.deaths = []
  budget.rest = 0
  budget.restUntil = Number.NEGATIVE_INFINITY
}

/** Whether a kid may be spawned now. */
export function maySpawn(budget: RestartBudget, now: number): boolean {
  return now >= budget.restUntil
}
