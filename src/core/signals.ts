/** What each signal asks of the parent, by what the parent is doing; gunicorn's and nginx's habits. */

/** The signals that mean something. */
export const signals = [
  'SIGTERM',
  'SIGINT',
  'SIGQUIT',
  'SIGHUP',
  'SIGUSR1',
  'SIGUSR2',
  'SIGTTIN',
  'SIGTTOU',
  'SIGWINCH',
] as const
export type Signal = (typeof signals)[number]

/** What the parent is doing. */
export type Doing =
  | 'starting'
  | 'running'
  | 'parked' // no kids, the listeners kept
  | 'draining' // a graceful stop, or a hand-over to a new parent
  | 'quitting' // a quick stop

/** What matters about the parent when a signal comes. */
export interface Situation {
  doing: Doing
  /** A new parent has been started and is not up yet. */
  upgrading: boolean
  /** The first process of a container, whose end would end the container. */
  isFirst: boolean
  /** Runs on a terminal, which sends WINCH whenever its window changes. */
  onTerminal: boolean
}

export type SignalAction =
  | 'stop'
  | 'quit'
  | 'reload'
  | 'reopenLog'
  | 'upgrade'
  | 'refuseUpgrade'
  | 'more'
  | 'fewer'
  | 'park'
  | 'nothing'

/** What to do about a signal. */
export function actionOn(signal: Signal, situation: Situation): SignalAction {
  const { doing, upgrading, isFirst, onTerminal } = situation
  const serves = doing === 'running' || doing === 'parked'
  switch (signal) {
    case 'SIGTERM':
      if (doing === 'quitting') return 'nothing'
      return doing === 'draining' ? 'quit' : 'stop'
    case 'SIGINT':
    case 'SIGQUIT':
      return doing === 'quitting' ? 'nothing' : 'quit'
    case 'SIGHUP':
      return serves ? 'reload' : 'nothing'
    case 'SIGUSR1':
      return 'reopenLog'
    case 'SIGUSR2':
      if (!serves || upgrading) return 'nothing'
      return isFirst ? 'refuseUpgrade' : 'upgrade'
    case 'SIGTTIN':
      return doing === 'running' ? 'more' : 'nothing'
    case 'SIGTTOU':
      return doing === 'running' ? 'fewer' : 'nothing'
    case 'SIGWINCH':
      return doing === 'running' && !onTerminal ? 'park' : 'nothing'
  }
}

/** What the parent is doing once it has begun to do so. */
export function doingAfter(action: SignalAction, doing: Doing): Doing {
  switch (action) {
    case 'stop':
      return 'draining'
    case 'quit':
      return 'quitting'
    case 'park':
      return 'parked'
    case 'reload':
      return 'running'
    default:
      return doing
  }
}
