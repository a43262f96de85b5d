/** What can happen to the parent, and what it is told to do about it: the two sides of the step function. */

import type { Status } from '../protocol/lines.js'
import type { CoreSettings } from './settings.js'

/** What happened. Kids and listeners go by number. */
export type Event =
  /** The poller says that connections wait. */
  | { type: 'readable'; listener: number }
  /** A whole, well-formed line from a kid. */
  | { type: 'status'; kid: number; status: Status }
  /** What a kid sent is not a line of the protocol; `detail` says why, for the log. */
  | { type: 'broke'; kid: number; detail: string }
  /** A kid closed its status pipe, or no longer has its command pipe open. Most likely it is dying. */
  | { type: 'hangup'; kid: number }
  /** A command could not be written: `full` when the kid does not read its commands, `gone` when nobody can. */
  | { type: 'unsent'; kid: number; why: 'full' | 'gone' }
  /** waitpid said that the kid is dead, and its status pipe was read dry. Also said of a kid that could not be spawned. */
  | { type: 'reaped'; kid: number }
  /** The parent has accepted and closed this many connections, and stopped short for `code` if there is one. */
  | { type: 'shed'; listener: number; count: number; code?: string }
  /** A listener had been changed by somebody, and was put right, or could not be: `code` says why. */
  | { type: 'meddled'; listener: number; done: readonly Meddling[]; code: string | undefined }
  /** A kid's resident memory, which is more than it may have. */
  | { type: 'fat'; kid: number }
  /** New kids in place of the old, under other settings perhaps. */
  | { type: 'reload'; settings: CoreSettings }
  /** What are a kid's detached connections doing? Asked of kids that have some, and not twice at once. */
  | { type: 'ask'; kid: number }
  /** One kid more, or one less. */
  | { type: 'resize'; by: 1 | -1 }
  /** Let all kids go, and keep the listeners for a later reload. */
  | { type: 'park' }
  /** Another parent serves the listeners from now on: let all kids go, and leave the queue to it. */
  | { type: 'handOver' }
  /** Stop; `depths` as in `turn`, for the connections that are still to be served. */
  | { type: 'stop'; graceful: boolean; depths: readonly number[] }
  /**
   * The check phase of a turn of the event loop: every status that had arrived was handled. `depths` says for each
   * listener how many connections wait (at least: 1 stands for "some" where the length is unknown), or a negated errno.
   * Only what `wantsDepth` asks for is looked at.
   */
  | { type: 'turn'; depths: readonly number[] }

/** What was done to a listener. */
export type Meddling =
  | 'shut' // it listens no longer, or elsewhere
  | 'blocking' // accept waits where nobody does, in the parent too
  | 'backlog' // its queue holds more or less than it should

/** Why a kid was killed. */
export type KillReason =
  | 'accept timeout' // no answer to an order within acceptTimeout
  | 'ready timeout' // no first `idle` within readyTimeout
  | 'connection timeout' // a connection held its slot for longer than connectionTimeout
  | 'stop timeout' // was to leave and had not after stopTimeout
  | 'protocol' // said what it must not say
  | 'reads nothing' // its command pipe is full
  | 'closed its pipe' // and lives
  | 'accepts nothing' // answers 0 while others accept from the same queue
  | 'bad listener' // what it holds is no listening socket any more
  | 'failed reload' // not up yet when its generation was given up
  | 'quick stop' // had not gone soon after it was told to drop everything

/** What to do. The first group acts on the world; the second tells the log, the counters' readers and the embedder. */
export type Effect =
  | { type: 'order'; kid: number; seq: number; listener: number; count: number }
  | { type: 'watch'; listener: number }
  | { type: 'unwatch'; listener: number }
  | { type: 'spawn'; kid: number; index: number; generation: number }
  | { type: 'leave'; kid: number }
  | { type: 'quit'; kid: number }
  | { type: 'pressure'; kid: number }
  | { type: 'report'; kid: number }
  /** Others have had free slots while requests waited in this kid. */
  | { type: 'room'; kid: number }
  /** It holds nothing but parked connections, and is to end them. */
  | { type: 'unpark'; kid: number }
  | { type: 'kill'; kid: number; reason: KillReason; detail: string }
  | { type: 'shed'; listener: number; count: number }
  /** `handedOver`: another parent serves it, so it must not be shut down or unlinked. */
  | { type: 'closeListener'; listener: number; handedOver: boolean }
  /** Take another turn soon: there is more to do than one turn allows. */
  | { type: 'again' }
  // told, not done
  | { type: 'up'; kid: number }
  | { type: 'done' | 'cut' | 'skip'; kid: number; count: number }
  | { type: 'detached'; kid: number; id: number; text: string }
  | { type: 'reported'; kid: number; count: number }
  /** `idle` of those that are lost were parked. */
  | { type: 'lost'; kid: number; lost: number; idle: number; unanswered: number; label: string }
  | { type: 'gone'; kid: number; early: boolean }
  | { type: 'leaving'; kid: number; reason: string }
  | { type: 'shutdownAsked'; kid: number; graceful: boolean }
  | { type: 'overloadBegan'; held: HeldConnection[] }
  | { type: 'overloadEnded'; lasted: number }
  | { type: 'listenerRests'; listener: number; code: string; kid?: number }
  /** With a `code` it could not be put right: whoever hears of it should stop the server. */
  | { type: 'meddled'; listener: number; done: readonly Meddling[]; code: string | undefined }
  | { type: 'spawnsRest'; rest: number }
  | { type: 'poolFull'; kids: number }
  | { type: 'reloaded'; generation: number }
  | { type: 'reloadFailed'; generation: number; kid: number }
  | { type: 'parked' }
  | { type: 'shedDone'; listener: number; count: number }
  | { type: 'stopped' }

/** One of the oldest connections held, for the line that tells of an overload; `age` in milliseconds. */
export interface HeldConnection {
  kid: number
  age: number
  label: string
}
